/// The time from which on rows are measured, and the time before which they are fitted on.
///
/// A cut lies between two times that rows have, never inside one. Of all cuts with both outcomes on both sides, it is the one
/// that holds out a number of rows nearest to the wanted share.
struct TimeCut: Sendable, Hashable {
  /// The earliest time of a measured row.
  let first: Int64
  /// Rows before this time are fitted on. Those from it up to ``first`` are left out.
  let end: Int64
  /// The number of rows before ``first``.
  let before: Int
  /// Whether another cut is nearer to the wanted share but leaves a side without an outcome.
  let isMoved: Bool

  /// Finds the cut.
  ///
  /// - Parameters:
  ///   - times: the time of each row, in microseconds.
  ///   - outcomes: the outcome of each row, 0 or 1.
  ///   - fraction: the share of the rows to measure.
  ///   - gap: rows within so many microseconds before the first measured one are left out.
  ///   - checkpoint: called every few milliseconds, cancels by throwing.
  /// - Throws: `LearningError.oneTime` and `.cannotValidate`.
  init(
    times: [Int64], outcomes: [UInt8], fraction: Double, gap: Int64, checkpoint: () throws -> Void
  ) throws {
    let sorted = try [UInt8(0), 1].map { outcome in
      try ScoreRanking.sorted(
        Array(times.indices.lazy.filter { outcomes[$0] == outcome }.map { Self.key(times[$0]) }),
        checkpoint: checkpoint)
    }
    let totals = sorted.map(\.count)
    let rows = times.count
    let wanted = min(max(rows - Int((Double(rows) * fraction).rounded()), 1), rows - 1)
    var (usable, nearest): (TimeCut?, Int?)
    // The rows of each outcome before the current time, and before the gap.
    var (before, early) = ([0, 0], [0, 0])
    var step = 0
    while before[0] < totals[0] || before[1] < totals[1] {
      let key = (0...1).compactMap { before[$0] < totals[$0] ? sorted[$0][before[$0]] : nil }.min() ?? 0
      let (first, count) = (Self.time(key), before[0] + before[1])
      if count > 0 {
        let end = first.subtractingReportingOverflow(gap)
        let edge = Self.key(end.overflow ? .min : end.partialValue)
        for outcome in 0...1 {
          while early[outcome] < before[outcome], sorted[outcome][early[outcome]] < edge {
            early[outcome] += 1
          }
        }
        let distance = abs(count - wanted)
        if distance < nearest ?? .max { nearest = distance }
        let isUsable = (0...1).allSatisfy { early[$0] > 0 && before[$0] < totals[$0] }
        if isUsable, distance < usable.map({ abs($0.before - wanted) }) ?? .max {
          usable = TimeCut(first: first, end: Self.time(edge), before: count, isMoved: false)
        }
      }
      for outcome in 0...1 {
        while before[outcome] < totals[outcome], sorted[outcome][before[outcome]] == key {
          before[outcome] += 1
          step += 1
          if step % (1 << 18) == 0 { try checkpoint() }
        }
      }
    }
    guard let nearest else { throw LearningError.oneTime(rows: rows) }
    guard let usable else {
      throw LearningError.cannotValidate(
        detail: """
          Wherever the rows are cut by time, \(gap > 0 ? "with the gap left out, " : "")the older or the newer ones all have one \
          outcome.
          """)
    }
    self.init(
      first: usable.first, end: usable.end, before: usable.before,
      isMoved: abs(usable.before - wanted) > nearest)
  }

  private init(first: Int64, end: Int64, before: Int, isMoved: Bool) {
    self.first = first
    self.end = end
    self.before = before
    self.isMoved = isMoved
  }

  /// An unsigned integer that sorts like the time.
  private static func key(_ time: Int64) -> UInt64 { UInt64(bitPattern: time) ^ 1 << 63 }
  private static func time(_ key: UInt64) -> Int64 { Int64(bitPattern: key ^ 1 << 63) }
}
