import Testing

@testable import Learning

/// Tests of the count of measured rows that are in the fitted part, too.
@Suite struct DuplicateRowsTests {
  private func warnings(_ table: TrainingTable, _ method: ValidationMethod, threads: Int = 2) throws
    -> [String]
  {
    var parameters = TrainingParameters()
    parameters.validation = method
    parameters.seed = 6
    return try train(table, parameters: parameters, threads: threads).warnings
      .filter { $0.kind == .duplicateRows }.map(\.detail)
  }

  /// The count by definition: each measured row against the fitted rows of its fit.
  private func expected(_ table: TrainingTable, _ method: ValidationMethod) throws -> (Int, Int) {
    let plan = try ValidationPlan(
      outcomes: table.outcomes, method: method, seed: 6, attributes: table.attributes)
    let rows = (0..<table.rowCount).map { table.row($0) }
    let measured = rows.indices.filter {
      plan.measured.contains(Int(plan.folds.folds[$0])) && !plan.folds.isLeftOut($0)
    }
    var folds: [FeatureValues: Set<UInt8>] = [:]
    for row in rows.indices where !plan.folds.isLeftOut(row) {
      folds[rows[row], default: []].insert(plan.folds.folds[row])
    }
    return (measured.count { folds[rows[$0]]?.count ?? 0 > 1 }, measured.count)
  }

  private func check(_ table: TrainingTable, _ method: ValidationMethod) throws -> Int {
    let (count, all) = try expected(table, method)
    let found = try warnings(table, method)
    #expect(found == (try warnings(table, method, threads: 1)))
    if count == 0 {
      #expect(found == [])
    } else {
      #expect(found.count == 1)
      #expect(
        found.first?.hasPrefix(
          "\(count) of the \(all) measured rows have the same feature values as a row that was fitted on.")
          == true, "\(found) instead of \(count) of \(all)")
    }
    return count
  }

  @Test(
    arguments: [
      ValidationMethod.holdout(fraction: 0.2), .kfold(folds: 4), .time(fraction: 0.3, gapDays: 2), .split(),
    ], [1, 2, 4])
  func `duplicates are counted as by definition`(method: ValidationMethod, values: Int) throws {
    var data = Generated(seed: UInt64(values))
    let rows = 3_000
    func numbers(_ distinct: Int) -> TrainingTable.Column {
      .numeric(
        (0..<rows).map { _ in [Double(data.generator.below(distinct)), .nan][data.uniform() < 0.1 ? 1 : 0] })
    }
    let columns =
      (0..<values).map { _ in numbers(8) } + [
        .categorical(
          codes: (0..<rows).map { _ in Int32(data.generator.below(5)) - 1 }, levels: ["a", "b", "c", "d"])
      ]
    let table = try TrainingTable(
      names: columns.indices.map { "x\($0)" },
      kinds: columns.map { if case .numeric = $0 { .discrete } else { .categorical } },
      columns: columns, outcomes: (0..<rows).map { _ in UInt8(data.generator.below(2)) },
      attributes: RowAttributes(
        times: (0..<rows).map { _ in Int64(data.generator.below(30)) * 86_400_000_000 },
        splits: (0..<rows).map { _ in data.generator.below(3) == 0 ? .validation : .train }))
    #expect(try check(table, method) > 0)
  }

  @Test(arguments: [ValidationMethod.holdout(fraction: 0.2), .kfold(folds: 3)])
  func `few duplicates among many different rows are found`(method: ValidationMethod) throws {
    var data = Generated(seed: 12)
    let rows = 20_000
    var (x, y) = (data.normals(rows), data.normals(rows))
    let outcomes = data.outcomes(x)
    #expect(try check(.numbers([x, y], outcomes), method) == 0)
    // Equal in one column only.
    for row in 0..<500 { x[row] = x[row + 10_000] }
    #expect(try check(.numbers([x, y], outcomes), method) == 0)
    for row in 0..<40 { y[row] = y[row + 10_000] }
    (x[7], x[10_007], x[8], x[10_008]) = (0, -0.0, .nan, -Double.nan)
    let found = try check(.numbers([x, y], outcomes), method)
    #expect((4...80).contains(found))
  }

  @Test func `groups that are kept together give no warning`() throws {
    let rows = 200
    let table = try TrainingTable(
      names: ["x"], kinds: [.discrete], columns: [.numeric((0..<rows).map { Double($0 % 7) })],
      outcomes: (0..<rows).map { UInt8($0 % 2) },
      attributes: RowAttributes(groups: (0..<rows).map { Int32($0 / 10) }))
    #expect(try warnings(table, .holdout(fraction: 0.2, group: true)) == [])
    #expect(try warnings(table, .holdout(fraction: 0.2)).count == 1)
    let ungrouped = try TrainingTable(
      names: ["x"], kinds: [.discrete], columns: table.columns, outcomes: table.outcomes)
    #expect(try warnings(ungrouped, .holdout(fraction: 0.2, group: true)).count == 1)
  }
}
