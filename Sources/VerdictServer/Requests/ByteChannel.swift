import Synchronization

/// Bytes on their way from one task to another, joined while the receiver is busy: it gets all that has come together.
///
/// One sender, one receiver.
final class ByteChannel: Sendable {
  private struct State {
    var bytes: [UInt8] = []
    var isFinished = false
    var failure: (any Error)?
    var receiver: CheckedContinuation<Void, Never>?
    var sender: CheckedContinuation<Void, Never>?
  }

  private let limit: Int
  private let share: BodyMemory.Share?
  private let state = Mutex(State())

  /// - Parameters:
  ///   - limit: how many bytes may lie here before the sender has to wait.
  ///   - share: what takes room in memory for them; where there is none, the sender has to wait as well.
  init(limit: Int, sharing share: BodyMemory.Share? = nil) {
    self.limit = limit
    self.share = share
  }

  /// Adds bytes, and waits while there are too many.
  ///
  /// - Throws: what ``finish(_:)`` was given by the other side.
  func send(_ bytes: [UInt8]) async throws {
    let receiver = state.withLock { state in
      if state.bytes.isEmpty { state.bytes = bytes } else { state.bytes += bytes }
      defer { state.receiver = nil }
      return state.receiver
    }
    receiver?.resume()
    await withCheckedContinuation { continuation in
      let waits = state.withLock { state in
        guard isFull(state.bytes.count), !state.isFinished else { return false }
        state.sender = continuation
        return true
      }
      if !waits { continuation.resume() }
    }
    if let failure = state.withLock(\.failure) { throw failure }
  }

  private func isFull(_ count: Int) -> Bool {
    count > limit || (count > BodyMemory.small && share?.resize(to: count) == false)
  }

  /// All bytes that are here, at least one; `nil` after the last ones.
  ///
  /// - Throws: what ``finish(_:)`` was given by the other side, after the last bytes.
  func receive() async throws -> [UInt8]? {
    await withCheckedContinuation { continuation in
      let waits = state.withLock { state in
        guard state.bytes.isEmpty, !state.isFinished else { return false }
        state.receiver = continuation
        return true
      }
      if !waits { continuation.resume() }
    }
    let (bytes, failure, sender) = state.withLock { state in
      defer {
        state.bytes = []
        _ = share?.resize(to: 0)
        state.sender = nil
      }
      return (state.bytes, state.failure, state.sender)
    }
    sender?.resume()
    if !bytes.isEmpty { return bytes }
    if let failure { throw failure }
    return nil
  }

  /// Nothing more comes, or nobody listens any more; the first reason counts.
  func finish(_ failure: (any Error)? = nil) {
    let (receiver, sender) = state.withLock { state in
      if !state.isFinished { state.failure = failure }
      state.isFinished = true
      defer {
        state.receiver = nil
        state.sender = nil
      }
      return (state.receiver, state.sender)
    }
    receiver?.resume()
    sender?.resume()
  }
}
