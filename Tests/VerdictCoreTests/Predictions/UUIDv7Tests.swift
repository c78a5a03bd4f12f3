import Foundation
import Testing

@testable import VerdictCore

/// Ids of predictions: in time's order, and unguessable between two known ones.
@Suite struct UUIDv7Tests {
  private static let time = Date(timeIntervalSince1970: 1_800_000_000)

  /// The bits after the time, without version and variant, in units of the smallest step's range.
  private static func tail(_ id: UUID) -> (high: UInt64, low: UInt64) {
    withUnsafeBytes(of: id.uuid) { bytes in
      let (upper, lower) = (
        bytes.loadUnaligned(as: UInt64.self).bigEndian,
        bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self).bigEndian
      )
      return (upper & 0xFFF, lower & (1 << 62 - 1))
    }
  }

  private static func bytes(_ id: UUID) -> [UInt8] { withUnsafeBytes(of: id.uuid) { Array($0) } }

  @Test func `ids have the form of version 7 and their time`() {
    let sequence = UUIDv7Sequence()
    for id in [sequence.next(at: Self.time)] + sequence.next(300, at: Self.time) {
      let bytes = Self.bytes(id)
      #expect(bytes[6] >> 4 == 7 && bytes[8] >> 6 == 2)
      #expect(bytes.prefix(6).reduce(0) { $0 << 8 | UInt64($1) } == 1_800_000_000_000)
      #expect(Self.bytes(.lowest(at: Self.time)).lexicographicallyPrecedes(bytes))
    }
  }

  @Test func `the ids of a batch ascend by unguessable steps`() {
    let ids = UUIDv7Sequence().next(20_000, at: Self.time)
    var steps: [UInt64] = []
    for (one, next) in zip(ids, ids.dropFirst()) {
      #expect(Self.bytes(one).lexicographicallyPrecedes(Self.bytes(next)))
      steps.append((Self.tail(next).low &- Self.tail(one).low) & (1 << 62 - 1))
    }
    // Uniform over 56 bits: few are small, none occurs twice, and each of the upper bits is set in about half.
    #expect(Set(steps).count == steps.count)
    #expect(steps.count { $0 < 1 << 48 } < 200)
    #expect(steps.allSatisfy { $0 <= 1 << 56 })
    for bit in 0..<56 {
      let share = Double(steps.count { $0 >> bit & 1 == 1 }) / Double(steps.count)
      #expect((0.45...0.55).contains(share), "bit \(bit): \(share)")
    }
  }

  @Test func `the order survives a clock that stands still or goes back a little`() {
    let sequence = UUIDv7Sequence()
    var last = sequence.next(at: Self.time)
    for milliseconds in [0.0, 1, 1, -5, 2, -9_000, 3] {
      let next = sequence.next(at: Self.time.addingTimeInterval(milliseconds / 1_000))
      #expect(Self.bytes(last).lexicographicallyPrecedes(Self.bytes(next)))
      last = next
    }
  }

  @Test func `a clock that was set back is followed`() {
    let sequence = UUIDv7Sequence()
    _ = sequence.next(at: Self.time)
    let id = sequence.next(at: Self.time.addingTimeInterval(-3_600))
    #expect(Self.bytes(id).prefix(6).reduce(0) { $0 << 8 | UInt64($1) } == 1_799_996_400_000)
  }

  @Test func `the largest steps carry into the time`() {
    let sequence = UUIDv7Sequence(random: { .max })
    let ids = sequence.next(300_000, at: Self.time)
    #expect(zip(ids, ids.dropFirst()).allSatisfy { Self.bytes($0).lexicographicallyPrecedes(Self.bytes($1)) })
    let end = Self.bytes(ids[ids.count - 1]).prefix(6).reduce(0) { $0 << 8 | UInt64($1) }
    #expect((1_800_000_000_001...1_800_000_000_002).contains(end))
  }

  @Test func `concurrent callers get ids of one order`() async {
    let sequence = UUIDv7Sequence()
    let parts = await withTaskGroup(of: [UUID].self) { group in
      for _ in 0..<8 { group.addTask { sequence.next(1_000, at: Self.time) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(parts.joined()).count == 8_000)
    for part in parts {
      #expect(
        zip(part, part.dropFirst()).allSatisfy { Self.bytes($0).lexicographicallyPrecedes(Self.bytes($1)) })
    }
  }
}
