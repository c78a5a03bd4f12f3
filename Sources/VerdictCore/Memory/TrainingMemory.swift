import JobQueue
import Synchronization

/// The memory that the trainings of a process share. A training reserves what it needs before it reads its labels, and waits
/// while others hold it; one that needs more than there is fails.
///
/// The cache of labels lives on what no training holds: it makes room for one that begins.
package final class TrainingMemory: Sendable {
  /// A training cannot have more memory while others run; the queue tries it again.
  package struct Busy: RetryableJobError {}

  /// The default limit in bytes: three sixteenths of the machine's memory.
  package static let defaultLimit = MachineMemory.share(sixteenths: 3, in: (64 << 20)...(1 << 40))

  private struct Waiting {
    var id: Int
    var bytes: Int
    var continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var held = 0
    var peak = 0
    var next = 0
    var waiting: [Waiting] = []
    /// A running training that waits for more: there is one at most, so that two cannot wait for each other.
    var growing: Waiting?

    mutating func take(_ bytes: Int) {
      held += bytes
      peak = max(peak, held)
    }
  }

  /// The limit in bytes.
  package let limit: Int
  private let pressure: MemoryPressure?
  private let state = Mutex(State())

  /// How long a training waits while the process has little memory left.
  private static let patience = Duration.seconds(30)

  /// A ledger of all trainings together.
  ///
  /// - Parameters:
  ///   - limit: the limit in bytes.
  ///   - pressure: the pressure under which no training begins.
  package init(limit: Int, pressure: MemoryPressure? = nil) {
    self.limit = limit
    self.pressure = pressure
  }

  /// The number of bytes that trainings hold.
  package var held: Int { state.withLock(\.held) }

  /// The largest number of bytes that trainings have held at a time.
  package var peak: Int { state.withLock(\.peak) }

  /// Whether a running training waits for more.
  var isGrowing: Bool { state.withLock { $0.growing != nil } }

  /// Reserves memory for a training, in order of arrival.
  ///
  /// - Parameters:
  ///   - bytes: what the training needs.
  ///   - description: the training, such as "Training on 10 labels with 2 features", for the failure.
  /// - Throws: ``TrainingFailure`` of the type `too-large` if no training may have so much; ``Busy`` while the process has little
  ///   memory left; `CancellationError`.
  package func reserve(_ bytes: Int, for description: String) async throws -> TrainingReservation {
    try check(bytes, description)
    if let pressure, try await !pressure.relief(below: .critical, within: Self.patience) { throw Busy() }
    let id = state.withLock { state -> Int? in
      if state.waiting.isEmpty, state.growing == nil, state.held + bytes <= limit {
        state.take(bytes)
        return nil
      }
      state.next += 1
      return state.next
    }
    if let id { try await wait(id) { $0.waiting.append(Waiting(id: id, bytes: bytes, continuation: $1)) } }
    return TrainingReservation(self, bytes)
  }

  fileprivate func grow(from present: Int, to bytes: Int, for description: String) async throws {
    try check(bytes, description)
    let more = bytes - present
    let id = try state.withLock { state -> Int? in
      if state.held + more <= limit {
        state.take(more)
        return nil
      }
      guard state.growing == nil else { throw Busy() }
      state.next += 1
      return state.next
    }
    guard let id else { return }
    try await wait(id) { state, continuation in
      guard state.growing == nil else { return continuation.resume(returning: false) }
      state.growing = Waiting(id: id, bytes: more, continuation: continuation)
    }
  }

  private func check(_ bytes: Int, _ description: String) throws(TrainingFailure) {
    guard bytes > limit else { return }
    throw TrainingFailure.tooLarge(description, bytes: bytes, limit: limit)
  }

  /// Waits until memory was taken for the request that `enter` enters.
  private func wait(
    _ id: Int, _ enter: (inout sending State, CheckedContinuation<Bool, Never>) -> Void
  ) async throws {
    let isAdmitted = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        state.withLock { enter(&$0, continuation) }
        // The memory that was released before the request was entered.
        admit()
        if Task.isCancelled { abandon(id) }
      }
    } onCancel: {
      abandon(id)
    }
    guard isAdmitted else {
      try Task.checkCancellation()
      throw Busy()
    }
  }

  private func abandon(_ id: Int) {
    let waiting = state.withLock { state -> Waiting? in
      if let growing = state.growing, growing.id == id {
        state.growing = nil
        return growing
      }
      guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
      return state.waiting.remove(at: index)
    }
    waiting?.continuation.resume(returning: false)
    admit()
  }

  fileprivate func release(_ bytes: Int) {
    guard bytes > 0 else { return }
    state.withLock { $0.held -= bytes }
    admit()
  }

  /// Gives memory that is free to those that wait: to a running training first, so that it can end.
  private func admit() {
    let admitted = state.withLock { state -> [Waiting] in
      var admitted: [Waiting] = []
      if let growing = state.growing {
        guard state.held + growing.bytes <= limit else { return [] }
        state.take(growing.bytes)
        state.growing = nil
        admitted.append(growing)
      }
      while let first = state.waiting.first, state.held + first.bytes <= limit {
        state.take(first.bytes)
        admitted.append(state.waiting.removeFirst())
      }
      return admitted
    }
    for waiting in admitted { waiting.continuation.resume(returning: true) }
  }
}

/// The memory of one training. Its last reference releases it.
package final class TrainingReservation: Sendable {
  private let memory: TrainingMemory
  private let bytes: Mutex<Int>

  fileprivate init(_ memory: TrainingMemory, _ bytes: Int) {
    self.memory = memory
    self.bytes = Mutex(bytes)
  }

  deinit { memory.release(bytes.withLock { $0 }) }

  /// The number of reserved bytes.
  package var count: Int { bytes.withLock { $0 } }

  /// Makes the reservation at least `count` bytes; waits while other trainings hold them.
  ///
  /// - Parameters:
  ///   - count: the number of bytes.
  ///   - description: the training, for the failure.
  /// - Throws: as ``TrainingMemory/reserve(_:for:)``, and ``TrainingMemory/Busy`` while another training waits for more, too.
  package func grow(to count: Int, for description: String) async throws {
    let present = self.count
    guard count > present else { return }
    try await memory.grow(from: present, to: count, for: description)
    bytes.withLock { $0 += count - present }
  }
}
