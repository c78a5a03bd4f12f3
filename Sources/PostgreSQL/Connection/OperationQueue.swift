internal import DequeModule
internal import Synchronization

/// Names one use of a connection, so that a cancellation can only meet the use that it is meant for.
enum OperationID {
  private static let counter = Atomic<UInt64>(1)

  static func next() -> UInt64 { counter.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// Why an operation is to end early.
enum Interruption: Sendable {
  case cancelled
  case statementTimeout
}

/// Who uses a connection now, and who is next. Behind the connection's lock; the continuations that it returns
/// are to be resumed outside of it.
struct OperationQueue {
  typealias Turn = UnsafeContinuation<Bool, Never>

  private struct Waiting {
    let id: UInt64
    let turn: Turn
  }

  private(set) var current: UInt64?
  private var reason: Interruption?
  private var waiting = Deque<Waiting>()

  var isBusy: Bool { current != nil }

  /// Why this operation is to end, if it is.
  func interruption(of id: UInt64) -> Interruption? { current == id ? reason : nil }

  /// Notes the first reason. False if the operation is not the current one or is ending already.
  mutating func interrupt(_ id: UInt64, _ reason: Interruption) -> Bool {
    guard current == id, self.reason == nil else { return false }
    self.reason = reason
    return true
  }

  /// Makes an operation the current one if there is none.
  mutating func begin(_ id: UInt64) -> Bool {
    guard current == nil else { return false }
    current = id
    return true
  }

  mutating func append(_ id: UInt64, _ turn: Turn) { waiting.append(Waiting(id: id, turn: turn)) }

  /// Takes a waiting operation out; it is to be told false.
  mutating func removeWaiter(_ id: UInt64) -> Turn? {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
    return waiting.remove(at: index).turn
  }

  /// Hands over to the next one, which is to be told true.
  mutating func end() -> Turn? {
    current = nil
    reason = nil
    guard !waiting.isEmpty else { return nil }
    let next = waiting.removeFirst()
    current = next.id
    return next.turn
  }
}
