import Testing

@testable import Learning

/// Tests of the size that a prepared model reports, by which caches are bounded.
@Suite struct PredictorSizeTests {
  private func predictor(categories: Int) throws -> LinearPredictor {
    let names = (0..<categories).map { "a category with a long name \($0)" }
    let rows = 2 * categories
    let table = try TrainingTable(
      names: ["c"], kinds: [.categorical],
      columns: [.categorical(codes: (0..<rows).map { Int32($0 % categories) }, levels: names)],
      outcomes: (0..<rows).map { $0 % 3 == 0 ? 1 : 0 })
    return try fit(table, parameters: TrainingParameters()).predictor()
  }

  @Test func `the size grows with the categories and their names`() throws {
    let (small, large) = (try predictor(categories: 100), try predictor(categories: 1_000))
    #expect(large.byteCount > 9 * (small.byteCount - 1_000))
    // A name of thirty bytes takes its own allocation and a place in the table.
    #expect((80_000...200_000).contains(large.byteCount))
  }

  @Test func `the categories are kept once`() throws {
    let predictor = try predictor(categories: 10)
    #expect(predictor.features.allSatisfy { $0.categories == nil })
    let row = FeatureValues([.category("a category with a long name 3")])
    #expect(try predictor.predict(row).warnings.isEmpty)
    #expect(
      try predictor.predict(FeatureValues([.category("new")])).warnings.map(\.kind) == [.unseenCategory])
  }
}
