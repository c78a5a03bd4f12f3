internal import DequeModule
internal import Synchronization

/// Generates identifiers of operations, so that a cancellation hits the operation that it is meant for.
enum OperationID {
  private static let counter = Atomic<UInt64>(1)

  static func next() -> UInt64 { counter.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// The reason why an operation is to end early.
enum Interruption: Sendable {
  case cancelled
  case statementTimeout
}

/// The current operation of a connection and those that wait, first come, first served. Accessed under the connection's lock;
/// callers resume the returned continuations outside of it.
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

  /// The reason why this operation is to end early, if it is.
  func interruption(of id: UInt64) -> Interruption? { current == id ? reason : nil }

  /// Records the first reason. Returns false if the operation is not the current one or has a reason already.
  mutating func interrupt(_ id: UInt64, _ reason: Interruption) -> Bool {
    guard current == id, self.reason == nil else { return false }
    self.reason = reason
    return true
  }

  /// Makes an operation the current one if there is none. Returns whether it did.
  mutating func begin(_ id: UInt64) -> Bool {
    guard current == nil else { return false }
    current = id
    return true
  }

  mutating func append(_ id: UInt64, _ turn: Turn) { waiting.append(Waiting(id: id, turn: turn)) }

  /// Removes a waiting operation; the caller resumes it with false.
  mutating func removeWaiter(_ id: UInt64) -> Turn? {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
    return waiting.remove(at: index).turn
  }

  /// Ends the current operation and makes the next one current; the caller resumes it with true.
  mutating func end() -> Turn? {
    current = nil
    reason = nil
    guard !waiting.isEmpty else { return nil }
    let next = waiting.removeFirst()
    current = next.id
    return next.turn
  }
}
