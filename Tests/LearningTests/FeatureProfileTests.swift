import Testing

@testable import Learning

/// Tests of profiles against values of NumPy (`quantile`, `std` with `ddof=1`, `histogram`).
@Suite struct FeatureProfileTests {
  private func profile(
    _ values: [Double], _ outcomes: [UInt8]? = nil, _ kind: ColumnKind = .continuous
  ) -> FeatureProfile {
    FeatureProfile(
      "x", kind, .numeric(values), outcomes: outcomes ?? values.indices.map { UInt8($0 % 2) })
  }

  private func isClose(_ value: Double?, _ expected: Double) -> Bool {
    value.map { abs($0 - expected) <= 1e-12 * max(1, abs(expected)) } ?? false
  }

  /// 2,500 rows, so that numbers are sorted by digits.
  @Test func `numbers have the distribution that NumPy computes`() throws {
    let values = (0..<2_500).map { Double($0 * 7_919 % 1_009) / 8 - 30 }
    let outcomes = (0..<2_500).map { UInt8($0 * $0 % 7 < 3 ? 1 : 0) }
    let told = profile(values, outcomes)
    #expect((told.all.count, told.all.missing, told.all.distinct) == (2_500, 0, 1_009))
    #expect((told.positives.count, told.positives.distinct) == (1_786, 1_009))
    #expect((told.negatives.count, told.negatives.distinct) == (714, 714))
    let all = try #require(told.all.numbers)
    #expect((all.minimum, all.maximum) == (-30, 96))
    #expect(isClose(all.mean, 32.97605) && isClose(all.deviation, 36.424180787299946))
    #expect(all.quantiles == [-23.75, 1.46875, 33, 64.5, 89.75])
    let positives = try #require(told.positives.numbers)
    #expect(isClose(positives.mean, 32.96661534154535) && isClose(positives.deviation, 36.42255915174439))
    #expect(positives.quantiles == [-23.75, 1.5, 32.9375, 64.5, 89.71875])
    let negatives = try #require(told.negatives.numbers)
    #expect(isClose(negatives.mean, 32.99964985994398) && isClose(negatives.deviation, 36.4537606479102))
    #expect(negatives.quantiles == [-23.66875, 1.4375, 33.0625, 64.34375, 89.66875])
    let histogram = try #require(told.histogram)
    #expect(histogram.edges.count == 21 && histogram.edges[0] == -30 && histogram.edges[20] == 96)
    #expect(
      histogram.positives == [
        91, 88, 91, 88, 88, 91, 89, 90, 89, 88, 90, 89, 90, 88, 88, 90, 90, 90, 88, 90,
      ])
    #expect(
      histogram.negatives == [
        36, 36, 36, 35, 36, 36, 34, 37, 35, 35, 36, 36, 36, 36, 36, 35, 35, 37, 35, 36,
      ])
  }

  @Test(arguments: [0, 3_000]) func `both ways of sorting agree`(repeated: Int) throws {
    let values =
      [3.5, -0.0, .nan, 0, -7, 1e-300, -1e-300, 1e150, -1e150, .infinity]
      + Array(repeating: 2, count: repeated)
    let told = profile(values)
    #expect(told.all.missing == 2 && told.all.count == 8 + repeated)
    #expect(told.all.distinct == (repeated > 0 ? 8 : 7))
    let numbers = try #require(told.all.numbers)
    #expect((numbers.minimum, numbers.maximum) == (-1e150, 1e150))
    #expect(numbers.mean.isFinite && numbers.deviation?.isFinite == true)
    #expect((numbers.deviation ?? 0) > 1e148)
    let histogram = try #require(told.histogram)
    #expect(histogram.positives.reduce(0, +) + histogram.negatives.reduce(0, +) == 8 + repeated)
  }

  @Test func `missing values belong to their outcome`() {
    let told = profile([1, .nan, .nan, 4, .nan], [1, 1, 0, 0, 0])
    #expect((told.all.count, told.all.missing) == (2, 3))
    #expect((told.positives.count, told.positives.missing) == (1, 1))
    #expect((told.negatives.count, told.negatives.missing) == (1, 2))
    #expect(told.positives.numbers?.deviation == nil && told.positives.numbers?.quantiles == [1, 1, 1, 1, 1])
  }

  @Test func `columns without values and without rows have no distribution`() {
    for values in [[], [Double.nan, .nan]] {
      let told = profile(values)
      #expect(told.all.numbers == nil && told.histogram == nil && told.all.missing == values.count)
      #expect(told.all.distinct == 0 && told.categories == nil)
    }
  }

  @Test(
    arguments: [
      ([0, 1, 1, 0], [-0.5, 0.5, 1.5]), ([5, 5], [4.5, 5.5]), ([-2, 17], (0...20).map { -2.5 + Double($0) }),
      ([1, 41], (0...14).map { 0.5 + 3 * Double($0) }),
    ] as [([Double], [Double])])
  func `bins of whole numbers have whole widths`(values: [Double], edges: [Double]) {
    #expect(profile(values, nil, .discrete).histogram?.edges == edges)
  }

  @Test func `bins are distinct`() throws {
    #expect(profile([2.5, 2.5]).histogram?.edges == [2.5, 2.5])
    #expect(profile([2.5, 2.5, 2.5]).histogram?.positives == [1])
    let close = try #require(profile([1, 1 + 2 * Double.ulpOfOne, 1 + 4 * Double.ulpOfOne]).histogram)
    #expect(zip(close.edges, close.edges.dropFirst()).allSatisfy { $0 < $1 })
    #expect(close.positives.reduce(0, +) == 1 && close.negatives.reduce(0, +) == 2)
    let huge = try #require(profile([9e15, 9.1e15], nil, .discrete).histogram)
    #expect(huge.edges.first == 9e15 && huge.edges.last == 9.1e15)
  }

  @Test func `the most frequent categories are listed`() throws {
    // Category number i has 300 − i rows, and the last one none.
    var codes: [Int32] = []
    for code in 0..<300 { codes += Array(repeating: Int32(code), count: 300 - code) }
    codes += [-1, -1]
    let outcomes: [UInt8] = codes.map { $0 >= 0 && $0 % 2 == 0 ? 1 : 0 }
    let levels: [String] = (0...300).map { "k\($0)" }
    let told = FeatureProfile(
      "c", .categorical, .categorical(codes: codes, levels: levels), outcomes: outcomes)
    #expect((told.all.count, told.all.missing, told.all.distinct) == (45_150, 2, 300))
    #expect((told.positives.distinct, told.negatives.distinct, told.negatives.missing) == (150, 150, 2))
    let categories = try #require(told.categories)
    #expect(categories.top.map(\.value) == Array(levels[..<50]))
    #expect(categories.top[0].positives == 300 && categories.top[0].negatives == 0)
    #expect(categories.top[1].positives == 0 && categories.top[1].negatives == 299)
    #expect(categories.others == 250 && told.histogram == nil && told.all.numbers == nil)
    let listed = categories.top.reduce(0) { $0 + $1.positives + $1.negatives }
    #expect(listed + categories.otherPositives + categories.otherNegatives == 45_150)
  }

  @Test func `long categories are listed up to a bound, and one in any case`() throws {
    let codes: [Int32] = Array(0..<10)
    let levels: [String] = (0..<10).map { String(repeating: "x", count: 100) + "\($0)" }
    func listed(_ bytes: Int) -> Int? {
      FeatureProfile(
        "c", .categorical, .categorical(codes: codes, levels: levels),
        outcomes: Array(repeating: 1, count: 10), categoryBytes: bytes
      ).categories?.top.count
    }
    #expect(listed(.max) == 10 && listed(303) == 3 && listed(302) == 2 && listed(0) == 1)
  }
}
