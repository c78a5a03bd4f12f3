package import Foundation
import Synchronization

extension UUID {
  /// The smallest UUID of version 7 of a time, a lower bound of all later ids.
  static func lowest(at date: Date) -> UUID {
    UUIDv7Sequence.Position(milliseconds: UUIDv7Sequence.milliseconds(date), high: 0, low: 0).uuid
  }

  /// A UUID of version 7 (RFC 9562, section 5.7), later than all earlier ones of the process, so that new rows extend an index
  /// at its right-hand end.
  package static func version7() -> UUID { UUIDv7Sequence.process.next(at: Date()) }

  /// Ids for rows that belong together, in the order of the rows.
  static func version7(count: Int) -> [UUID] { UUIDv7Sequence.process.next(count, at: Date()) }
}

/// A sequence of UUIDs of version 7: 48 bits of Unix time in milliseconds, then 74 bits.
///
/// The ids of one millisecond ascend by random steps of 56 bits (RFC 9562, section 6.2, method 2). An id between two known ones
/// is therefore as hard to guess as a secret of about that size, and the order of ids is that of their creation.
final class UUIDv7Sequence: Sendable {
  /// The sequence of the process.
  static let process = UUIDv7Sequence()

  /// An id as a number: the time, and the bits after it.
  struct Position: Equatable, Comparable {
    var milliseconds: UInt64
    /// The upper twelve of the other bits.
    var high: UInt64
    /// The lower 62 of them.
    var low: UInt64

    static func < (one: Position, other: Position) -> Bool {
      (one.milliseconds, one.high, one.low) < (other.milliseconds, other.high, other.low)
    }
  }

  private let last = Mutex(Position(milliseconds: 0, high: 0, low: 0))
  private let random: @Sendable () -> UInt64

  /// A sequence that begins with its first id.
  ///
  /// - Parameter random: the source of unpredictable numbers, which tests replace.
  init(random: @escaping @Sendable () -> UInt64 = EntropyBuffer.next) { self.random = random }

  /// The next id.
  func next(at date: Date) -> UUID { last.withLock { advance(&$0, to: Self.milliseconds(date)).uuid } }

  /// The next ids, in their order. Ids of other callers may be between them.
  func next(_ count: Int, at date: Date) -> [UUID] {
    let now = Self.milliseconds(date)
    var ids: [UUID] = []
    ids.reserveCapacity(count)
    while ids.count < count {
      // Parts, so that a large batch does not hold up other callers.
      let part = min(count - ids.count, Self.part)
      last.withLock { last in
        for _ in 0..<part { ids.append(advance(&last, to: now).uuid) }
      }
    }
    return ids
  }

  /// The number of ids that are made at a time.
  private static let part = 128

  /// The milliseconds by which the clock may go back while the order of ids goes on. A clock that was set back further has
  /// its new time in the ids, because filters by time expect it there.
  private static let tolerance: UInt64 = 10_000

  /// Moves a position to its successor.
  private func advance(_ last: inout Position, to now: UInt64) -> Position {
    if now > last.milliseconds || last.milliseconds - now > Self.tolerance {
      // The cleared upper bit leaves room for the steps.
      last = Position(milliseconds: now, high: random() & 0x7FF, low: random() & Position.lowMask)
    } else {
      last.add(1 + random() >> 8)
    }
    return last
  }

  /// The Unix time of a date.
  static func milliseconds(_ date: Date) -> UInt64 { UInt64(max(0, date.timeIntervalSince1970 * 1_000)) }
}

extension UUIDv7Sequence.Position {
  fileprivate static let lowMask: UInt64 = (1 << 62) - 1

  /// Adds a step, and carries into the time when the bits of a millisecond are used up.
  fileprivate mutating func add(_ step: UInt64) {
    low += step
    high += low >> 62
    low &= Self.lowMask
    milliseconds += high >> 12
    high &= 0xFFF
  }

  /// The id.
  var uuid: UUID {
    func byte(_ value: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: value >> (8 * index)) }
    return UUID(
      uuid: (
        byte(milliseconds, 5), byte(milliseconds, 4), byte(milliseconds, 3), byte(milliseconds, 2),
        byte(milliseconds, 1), byte(milliseconds, 0),
        byte(high, 1) & 0x0F | 0x70, byte(high, 0),
        byte(low, 7) & 0x3F | 0x80, byte(low, 6), byte(low, 5), byte(low, 4), byte(low, 3), byte(low, 2),
        byte(low, 1), byte(low, 0)
      ))
  }
}
