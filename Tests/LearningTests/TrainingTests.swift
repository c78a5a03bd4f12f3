import Foundation
import Synchronization
import Testing

@testable import Learning

/// Tests of training: splits, honest validation, progress, cancellation and parameters.
@Suite struct TrainingTests {
  @Test func `splits are stratified and depend on the seed only`() throws {
    let outcomes = (0..<1_003).map { UInt8($0 % 7 == 0 ? 1 : 0) }
    let plan = try ValidationPlan(outcomes: outcomes, method: .kfold(folds: 5), seed: 9)
    for outcome in [UInt8(0), 1] {
      let counts = (0..<5).map { fold in
        outcomes.indices.count { outcomes[$0] == outcome && plan.folds.folds[$0] == UInt8(fold) }
      }
      #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }
    #expect(try ValidationPlan(outcomes: outcomes, method: .kfold(folds: 5), seed: 9) == plan)
    #expect(try ValidationPlan(outcomes: outcomes, method: .kfold(folds: 5), seed: 10) != plan)
    // Fixed values, so that a seed gives the same split on every platform and in every version.
    #expect(Array(plan.folds.folds.prefix(12)) == [3, 3, 1, 3, 1, 0, 3, 4, 1, 3, 2, 1])
    var generator = SplitMix64(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
  }

  @Test func `held-out rows do not influence the measured fit`() throws {
    // A feature that equals the outcome in the held-out rows and is noise elsewhere must not look good.
    var data = Generated(seed: 51)
    let outcomes = (0..<2_000).map { _ in UInt8(data.generator.below(2)) }
    let plan = try ValidationPlan(outcomes: outcomes, method: .holdout(fraction: 0.2), seed: 0)
    let leak = outcomes.indices.map { row in
      plan.folds.folds[row] == 0 ? 1_000 * Double(outcomes[row]) : data.normal()
    }
    let noise = try train(try .numbers([data.normals(2_000)], outcomes), parameters: TrainingParameters())
    #expect(abs(try #require(noise.kpis[.rocAUC]) - 0.5) < 0.08)
    let result = try train(try .numbers([leak], outcomes), parameters: TrainingParameters())
    let training = outcomes.indices.filter { plan.folds.folds[$0] == 1 }
    let alone = try train(
      try .numbers([training.map { leak[$0] }], training.map { outcomes[$0] }),
      parameters: TrainingParameters())
    let held = outcomes.indices.filter { plan.folds.folds[$0] == 0 }
    let scores = try alone.model.probabilities(
      try .numbers([held.map { leak[$0] }], held.map { outcomes[$0] }))
    let expected = try KPIs(scores: scores, outcomes: held.map { outcomes[$0] }, threshold: 0.5)
    #expect(abs(try #require(result.kpis[.logLoss]) - (try #require(expected[.logLoss]))) < 1e-9)
    #expect(result.kpis.confusionMatrix == expected.confusionMatrix)
  }

  @Test func `progress rises to one`() throws {
    var data = Generated(seed: 52)
    let reports = Mutex<[TrainingProgress]>([])
    var parameters = TrainingParameters()
    parameters.validation = .kfold(folds: 3)
    _ = try train(try data.table(rows: 300), parameters: parameters) { report in
      reports.withLock { $0.append(report) }
    }
    let all = reports.withLock { $0 }
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.fraction <= $1.fraction })
    #expect(all.first?.phase == "encoding" && all.last?.phase == "fitting" && all.last?.fraction == 1)
    #expect(Set(all.compactMap(\.fold)) == [1, 2, 3])
    #expect(all.contains { $0.objective != nil })
  }

  @Test(arguments: [0, 1, 5, 25]) func `cancellation stops the training at the next check`(_ after: Int)
    throws
  {
    var data = Generated(seed: 53)
    let table = try data.table(rows: 5_000)
    let asked = Mutex(0)
    #expect(throws: CancellationError.self) {
      try train(
        table, parameters: TrainingParameters(), threads: 2,
        isCancelled: {
          asked.withLock {
            $0 += 1
            return $0 > after
          }
        })
    }
    // Other threads may have been about to check.
    #expect(asked.withLock { $0 } <= after + 4)
  }

  @Test func `a parameter out of range is reported with its pointer`() throws {
    func pointer(_ json: String) throws -> String? {
      let parameters = try JSONDecoder().decode(TrainingParameters.self, from: Data(json.utf8))
      do { try parameters.validate() } catch LearningError.invalidParameter(let pointer, _) { return pointer }
      return nil
    }
    #expect(try pointer("{}") == nil)
    #expect(try pointer(#"{"C":0}"#) == "/C")
    #expect(try pointer(#"{"penalty":"elasticnet"}"#) == "/l1_ratio")
    #expect(try pointer(#"{"penalty":"l1","l1_ratio":0.5}"#) == "/l1_ratio")
    #expect(try pointer(#"{"threshold":1.5}"#) == "/threshold")
    #expect(try pointer(#"{"threshold":{"metric":"recall","at_least":0}}"#) == "/threshold/at_least")
    #expect(
      try pointer(#"{"threshold":{"cost":{"false_positive":1,"false_negative":-1}}}"#)
        == "/threshold/cost/false_negative")
    #expect(try pointer(#"{"validation":{"method":"holdout","fraction":1}}"#) == "/validation/fraction")
    #expect(try pointer(#"{"validation":{"method":"kfold","folds":1}}"#) == "/validation/folds")
    let whole = TrainingParameters()
    #expect(try JSONDecoder().decode(TrainingParameters.self, from: JSONEncoder().encode(whole)) == whole)
  }
}
