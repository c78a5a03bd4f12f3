import Testing

@testable import Learning

/// Tests of splits by time, and by the owner's marks.
@Suite struct TimePlanTests {
  private static let day: Int64 = 86_400_000_000

  private func plan(
    _ times: [Int64], _ outcomes: [UInt8], groups: [Int32]? = nil, _ method: ValidationMethod
  ) throws -> ValidationPlan {
    try ValidationPlan(
      outcomes: outcomes, method: method, seed: 0,
      attributes: RowAttributes(groups: groups, times: times))
  }

  private func detail(_ plan: () throws -> ValidationPlan) -> String? {
    do {
      _ = try plan()
      return nil
    } catch let error as LearningError {
      return error.detail
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: 0..<12) func `the newest rows are held out, and no time is cut`(seed: UInt64) throws {
    var data = Generated(seed: seed)
    let days = 5 + data.generator.below(200)
    let gap = seed % 3 == 0 ? 0 : Double(data.generator.below(20)) / 4
    // Batches: many rows have one time, and some days are empty.
    let times = (0..<2_000).map { _ in Int64(data.generator.below(days)) * Self.day - 50 * Self.day }
    let outcomes = times.map { _ in UInt8(data.generator.below(2)) }
    let groups = seed % 2 == 0 ? nil : times.map { _ in Int32(data.generator.below(1_500)) - 1 }
    let fraction = 0.1 + 0.4 * data.uniform()
    let plan = try plan(
      times, outcomes, groups: groups,
      .time(fraction: fraction, gapDays: gap, group: groups != nil))
    func side(_ row: Int) -> ValidationPlan.Side {
      plan.folds.isLeftOut(row) ? .leftOut : plan.folds.folds[row] == 0 ? .measured : .fitted
    }
    let measured = times.indices.filter { side($0) == .measured }
    let cut = try #require(measured.map { times[$0] }.min())
    let known = Set(measured.compactMap { groups?[$0] }.filter { $0 >= 0 })
    for row in times.indices {
      #expect((times[row] >= cut) == (side(row) == .measured))
      guard times[row] < cut else { continue }
      let isNear = Double(cut - times[row]) <= gap * Double(Self.day)
      #expect((isNear || groups.map { known.contains($0[row]) } == true) == (side(row) == .leftOut))
    }
    // No other cut is nearer to the share.
    let wanted = Double(times.count) * fraction
    let best = Set(times).filter { $0 > times.min() ?? 0 }.map { time in
      abs(Double(times.count { $0 >= time }) - wanted)
    }.min()
    #expect(abs(Double(measured.count) - wanted) <= (best ?? 0) + 1)
    #expect(plan.measured == [0] && plan.folds.count == 2 && plan.warnings == [])
    #expect(plan.sizes == [0, 1].map { outcome in outcomes.count { $0 == UInt8(outcome) } })
    #expect(plan.rows[1].reduce(0, +) == times.indices.count { side($0) == .fitted })
  }

  @Test func `rows of one single time are an error that says so`() throws {
    #expect(throws: LearningError.oneTime(rows: 40)) {
      try plan(
        Array(repeating: 7, count: 40), (0..<40).map { UInt8($0 % 2) }, .time(fraction: 0.2))
    }
    #expect(LearningError.oneTime(rows: 40).detail.hasPrefix("All 40 rows have the same time"))
    #expect(
      detail { try ValidationPlan(outcomes: [0, 0, 1, 1], method: .time(fraction: 0.2), seed: 0) }
        == "The rows have no times, so that none are newer than others.")
  }

  @Test func `the cut moves to where both sides have both outcomes`() throws {
    // The newest five of twenty rows have one outcome.
    let outcomes = (0..<20).map { UInt8($0 < 15 && $0 % 2 == 0 ? 1 : 0) }
    let plan = try plan((0..<20).map { Int64($0) }, outcomes, .time(fraction: 0.2))
    #expect(plan.rows.map { $0.reduce(0, +) } == [6, 14])
    #expect(plan.rows[0] == [5, 1])
    #expect(plan.warnings.map(\.kind) == [.validationChanged])
    #expect(plan.warnings[0].detail.hasSuffix("the newest 6 of 20 rows were held out."))
  }

  @Test func `sides that lack an outcome are named`() throws {
    let sorted: [UInt8] = [0, 0, 0, 0, 1, 1, 1, 1]
    #expect(
      detail { try plan((0..<8).map { Int64($0) }, sorted, .time(fraction: 0.2)) }
        == "Wherever the rows are cut by time, the older or the newer ones all have one outcome.")
    let mixed: [UInt8] = [0, 1, 0, 1, 0, 1, 0, 1]
    let days = (0..<8).map { Int64($0) * Self.day }
    #expect(detail { try plan(days, mixed, .time(fraction: 0.25, gapDays: 4)) } == nil)
    #expect(
      detail { try plan(days, mixed, .time(fraction: 0.25, gapDays: 7)) }
        == "Wherever the rows are cut by time, with the gap left out, the older or the newer ones all have one outcome."
    )
    #expect(
      detail {
        try plan(days, mixed, groups: [0, 1, 0, 1, 0, 1, 0, 1], .time(fraction: 0.25, group: true))
      }
        == "Without the groups that are on both sides of the cut, the rows to fit on are 0 with the outcome 1 and none with 0."
    )
  }

  @Test func `the ends of time do not overflow`() throws {
    let plan = try plan(
      [.min, .min, .min + 1, .min + 1, .max, .max], [0, 1, 0, 1, 0, 1], .time(fraction: 0.3, gapDays: 36_500))
    #expect(plan.folds.folds == [1, 1, 1, 1, 0, 0] && plan.folds.leftOut == [])
  }

  @Test func `marked rows are measured and all others fitted on`() throws {
    func marked(_ splits: [RowAttributes.Split], _ groups: [Int32]? = nil) throws -> ValidationPlan {
      try ValidationPlan(
        outcomes: [0, 1, 0, 1, 0, 1], method: .split(group: groups != nil), seed: 0,
        attributes: RowAttributes(groups: groups, splits: splits))
    }
    let plan = try marked([.train, .none, .validation, .validation, .none, .train])
    #expect(plan.folds.folds == [1, 1, 0, 0, 1, 1] && plan.folds.leftOut == [])
    #expect(plan.rows == [[1, 1], [2, 2]] && plan.measured == [0])
    let grouped = try marked(
      [.train, .none, .validation, .validation, .none, .train], [0, 1, 0, -1, -1, -1])
    #expect(grouped.folds.folds == [0, 1, 0, 0, 1, 1] && grouped.folds.leftOut == [1, 0, 0, 0, 0, 0])
    #expect(grouped.rows == [[2, 1], [1, 2]])
    #expect(
      detail { try marked([.train, .none, .none, .none, .none, .none]) }
        == "No row has the split validation, so that there is nothing to measure.")
    #expect(
      detail { try marked([.none, .validation, .none, .validation, .none, .none]) }
        == "The rows to measure are 2 with the outcome 1 and none with 0.")
    #expect(
      detail { try marked([.validation, .validation, .validation, .none, .validation, .none]) }
        == "The rows to fit on are 2 with the outcome 1 and none with 0.")
  }
}
