import Synchronization
import Testing

@testable import Learning

/// Tests of changes to the data that must not change a prediction.
@Suite struct InvarianceTests {
  static let penalties: [TrainingParameters] = [
    .init(.l2), .init(.l1, c: 0.1), .init(.elasticnet), .init(.none),
  ]

  @Test(arguments: penalties, 0..<3) func `the order of rows`(_ parameters: TrainingParameters, _ round: Int)
    throws
  {
    var data = Generated(seed: 11 + 100 * UInt64(round))
    let table = try data.table(rows: 1_000)
    let order = (0..<1_000).shuffled(using: &data.generator)
    let shuffled = try TrainingTable(
      names: table.names, kinds: table.kinds,
      columns: table.columns.map { column in
        switch column {
        case .numeric(let values): .numeric(order.map { values[$0] })
        case .categorical(let codes, let levels): .categorical(codes: order.map { codes[$0] }, levels: levels)
        }
      }, outcomes: order.map { table.outcomes[$0] })
    try expectSame(table, shuffled, parameters) { order[$0] }
  }

  @Test(arguments: penalties, 0..<3) func `shift and scale of a feature`(
    _ parameters: TrainingParameters, _ round: Int
  ) throws {
    var data = Generated(seed: 12 + 100 * UInt64(round))
    let table = try data.table(rows: 1_000)
    guard case .numeric(let values) = table.columns[0] else { return }
    let moved = try table.replacing(
      0, by: .numeric(values.map { [-1e3, 1e-6, 1e6][round] * $0 + [5e6, 3, -1e7][round] }))
    try expectSame(table, moved, parameters) { $0 }
  }

  @Test(arguments: penalties, 0..<3) func `names and order of categories`(
    _ parameters: TrainingParameters, _ round: Int
  ) throws {
    var data = Generated(seed: 13 + 100 * UInt64(round))
    let table = try data.table(rows: 1_000)
    guard case .categorical(let codes, _) = table.columns[2] else { return }
    let renamed = try table.replacing(
      2, by: .categorical(codes: codes.map { 2 - $0 }, levels: ["bleu", "vert", "rouge"]))
    try expectSame(table, renamed, parameters) { $0 }
  }

  @Test(arguments: penalties) func `the number of threads`(_ parameters: TrainingParameters) throws {
    var data = Generated(seed: 14)
    let table = try data.table(rows: 20_000)
    let one = try train(table, parameters: parameters, threads: 1)
    for threads in [2, 3, 8] {
      let many = try train(table, parameters: parameters, threads: threads)
      // Identical to the last bit.
      #expect(many.model == one.model)
      #expect(many.kpis == one.kpis)
    }
  }

  @Test(arguments: penalties) func `a warm start`(_ parameters: TrainingParameters) throws {
    var data = Generated(seed: 15)
    let table = try data.table(rows: 2_000)
    let steps = Mutex([0, 0])
    let cold = try train(table, parameters: parameters) { report in
      steps.withLock { $0[0] += min(1, report.iteration) }
    }
    let warm = try train(table, parameters: parameters, warmStart: cold.model) { report in
      steps.withLock { $0[1] += min(1, report.iteration) }
    }
    #expect(steps.withLock { $0[1] < $0[0] })
    #expect(distance(try warm.model.probabilities(table), try cold.model.probabilities(table)) < 1e-9)
    #expect(abs(try #require(warm.kpis[.logLoss]) - (try #require(cold.kpis[.logLoss]))) < 1e-9)
  }

  private func expectSame(
    _ first: TrainingTable, _ second: TrainingTable, _ parameters: TrainingParameters, row: (Int) -> Int
  ) throws {
    let a = try train(first, parameters: parameters).model.probabilities(first)
    let b = try train(second, parameters: parameters).model.probabilities(second)
    #expect(distance(b.indices.map { a[row($0)] }, b) < 1e-9)
  }
}
