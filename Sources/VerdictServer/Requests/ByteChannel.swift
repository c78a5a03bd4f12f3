import Synchronization
import VerdictCore

/// A bounded buffer of bytes between two tasks. Bytes that arrive while the receiver is busy are received together.
///
/// It has one sender and one receiver.
final class ByteChannel: Sendable {
  private struct State {
    var bytes: [UInt8] = []
    var isFinished = false
    var failure: (any Error)?
    var receiver: CheckedContinuation<Void, Never>?
    var sender: CheckedContinuation<Void, Never>?
  }

  private let limit: Int
  private let share: RequestMemory.Reservation?
  private let state = Mutex(State())

  /// - Parameters:
  ///   - limit: the number of buffered bytes beyond which the sender waits.
  ///   - share: the reservation for buffered bytes; if it cannot grow, the sender waits, too.
  init(limit: Int, sharing share: RequestMemory.Reservation? = nil) {
    self.limit = limit
    self.share = share
  }

  /// Adds bytes, and waits while the buffer is full.
  ///
  /// - Throws: the error that the other side passed to ``finish(_:)``.
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
    count > limit || (count > RequestMemory.small && share?.resize(to: count) == false)
  }

  /// All buffered bytes, at least one; `nil` after the last ones.
  ///
  /// - Throws: the error that the other side passed to ``finish(_:)``, after the last bytes.
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

  /// Closes the channel from either side; the error of the first call counts.
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
