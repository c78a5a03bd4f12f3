import Testing

@testable import Learning

/// Tests of splits that keep the rows of a group together.
@Suite struct GroupPlanTests {
  /// Random rows of groups of very different sizes, some without a group, with outcomes that depend on the group.
  private struct Rows {
    var groups: [Int32] = []
    var outcomes: [UInt8] = []

    init(seed: UInt64, groups count: Int, largest: Int) {
      var data = Generated(seed: seed)
      for group in 0..<count {
        let size = 1 + Int(Double(largest - 1) * data.uniform() * data.uniform() * data.uniform())
        let rate = data.uniform() * data.uniform()
        for _ in 0..<size {
          groups.append(data.uniform() < 0.1 ? -1 : Int32(group))
          outcomes.append(data.uniform() < rate ? 1 : 0)
        }
      }
      // Rows of a group are not next to each other.
      for last in stride(from: groups.count - 1, to: 0, by: -1) {
        let place = data.generator.below(last + 1)
        groups.swapAt(last, place)
        outcomes.swapAt(last, place)
      }
    }

    func plan(_ method: ValidationMethod, seed: UInt64 = 0) throws -> ValidationPlan {
      try ValidationPlan(
        outcomes: outcomes, method: method, seed: seed, attributes: RowAttributes(groups: groups))
    }

    /// The folds of each group.
    func folds(_ plan: ValidationPlan) -> [Int32: Set<UInt8>] {
      var folds: [Int32: Set<UInt8>] = [:]
      for row in groups.indices where groups[row] >= 0 {
        folds[groups[row], default: []].insert(plan.folds.folds[row])
      }
      return folds
    }

    func counts(_ plan: ValidationPlan) -> [[Int]] {
      (0..<plan.folds.count).map { fold in
        [UInt8(0), 1].map { outcome in
          outcomes.indices.count { outcomes[$0] == outcome && plan.folds.folds[$0] == UInt8(fold) }
        }
      }
    }
  }

  @Test(
    arguments: 0..<8,
    [ValidationMethod.holdout(fraction: 0.2, group: true), .kfold(folds: 5, group: true)])
  func `a group is on one side, and sides have their shares`(seed: UInt64, method: ValidationMethod) throws {
    let rows = Rows(seed: seed, groups: 400, largest: 40)
    let plan = try rows.plan(method, seed: seed)
    #expect(rows.folds(plan).values.allSatisfy { $0.count == 1 })
    #expect(plan.rows == rows.counts(plan) && plan.folds.leftOut.isEmpty && plan.warnings == [])
    #expect(plan.measured == (plan.folds.count == 2 ? [0] : [0, 1, 2, 3, 4]))
    let totals = plan.sizes
    for fold in plan.measured {
      for outcome in 0...1 {
        let share = Double(plan.rows[fold][outcome]) / Double(totals[outcome])
        #expect(abs(share - 0.2) < 0.005, "fold \(fold), outcome \(outcome)")
      }
    }
    #expect(try rows.plan(method, seed: seed) == plan)
    #expect(try rows.plan(method, seed: seed + 1) != plan)
  }

  @Test func `large groups are held out as often as small ones`() throws {
    let sizes = (0..<200).map { 1 << ($0 % 8) }
    let groups = sizes.enumerated().flatMap { group, size in Array(repeating: Int32(group), count: size) }
    let outcomes = groups.indices.map { UInt8($0 % 3 == 0 ? 1 : 0) }
    var held = [Int](repeating: 0, count: 8)
    for seed in 0..<20 as Range<UInt64> {
      let plan = try ValidationPlan(
        outcomes: outcomes, method: .holdout(fraction: 0.2, group: true), seed: seed,
        attributes: RowAttributes(groups: groups))
      var folds = [UInt8](repeating: 0, count: 200)
      for row in groups.indices { folds[Int(groups[row])] = plan.folds.folds[row] }
      for group in folds.indices where folds[group] == 0 { held[group % 8] += 1 }
    }
    // 20 splits of 25 groups of each size: 100 of 500 are expected.
    #expect(held.allSatisfy { (70...130).contains($0) }, "\(held)")
  }

  @Test func `few groups are split whenever that is possible`() throws {
    var data = Generated(seed: 3)
    var (possible, impossible) = (0, 0)
    for _ in 0..<3_000 {
      let count = 2 + data.generator.below(5)
      let rows = 4 + data.generator.below(12)
      let groups = (0..<rows).map { _ in Int32(data.generator.below(count)) }
      let rates = (0..<count).map { _ in [0, 0.1, 0.5, 1][data.generator.below(4)] }
      let outcomes = groups.map { data.uniform() < rates[Int($0)] ? UInt8(1) : 0 }
      guard outcomes.count(where: { $0 == 1 }) >= 2, outcomes.count(where: { $0 == 0 }) >= 2 else { continue }
      let carriers = [UInt8(0), 1].map { outcome in
        Set(groups.indices.filter { outcomes[$0] == outcome }.map { groups[$0] }).count
      }
      for method in [ValidationMethod.holdout(fraction: 0.3, group: true), .kfold(folds: 3, group: true)] {
        func plan() throws -> ValidationPlan {
          try ValidationPlan(
            outcomes: outcomes, method: method, seed: 1,
            attributes: RowAttributes(groups: groups))
        }
        guard carriers.allSatisfy({ $0 >= 2 }) else {
          impossible += 1
          #expect { try plan() } throws: { error in
            if case LearningError.cannotValidate = error { true } else { false }
          }
          continue
        }
        possible += 1
        let made = try plan()
        for fold in made.measured {
          for outcome in 0...1 {
            #expect(made.rows[fold][outcome] < made.sizes[outcome])
            #expect(made.rows[fold][outcome] > 0 || made.measured.count > 1)
          }
        }
        #expect(made.folds.count <= min(carriers[0], carriers[1], 3) || made.measured.count == 1)
      }
    }
    #expect(possible > 1_000 && impossible > 500)
  }

  @Test func `fewer folds than asked for are reported`() throws {
    let plan = try ValidationPlan(
      outcomes: [0, 0, 0, 1, 1, 1], method: .kfold(folds: 5, group: true), seed: 0,
      attributes: RowAttributes(groups: [0, 1, 2, 0, 1, 1]))
    #expect(plan.folds.count == 2)
    #expect(
      plan.warnings.map(\.detail) == [
        "Rows of the rarer outcome belong to 2 groups, so 2 folds were used, not 5."
      ])
  }

  @Test func `without groups, or unless groups are kept, the split is the same as ever`() throws {
    let rows = Rows(seed: 9, groups: 50, largest: 20)
    for (plain, grouped) in [
      (ValidationMethod.holdout(fraction: 0.2), ValidationMethod.holdout(fraction: 0.2, group: true)),
      (.kfold(folds: 4), .kfold(folds: 4, group: true)),
    ] {
      let expected = try ValidationPlan(outcomes: rows.outcomes, method: plain, seed: 4)
      #expect(try rows.plan(plain, seed: 4) == expected)
      #expect(try ValidationPlan(outcomes: rows.outcomes, method: grouped, seed: 4) == expected)
      #expect(try rows.plan(grouped, seed: 4) != expected)
    }
  }
}
