/// The pool's connections and waiters as a pure state machine: events in, actions out, without I/O or a clock, so that tests can
/// try every order of events.
///
/// Waiters are served first come, first served. Idle connections are taken last in, first out, so that the others reach
/// `idleTimeout`.
struct PoolStateMachine {
  typealias Instant = ContinuousClock.Instant
  typealias ConnectionID = Int
  typealias WaiterID = Int

  struct Limits {
    var minimum: Int
    var maximum: Int
    var idleTimeout: Duration
    var maxLifetime: Duration
    /// Consecutive failed connection attempts, with no open connection, after which waiters fail.
    var maxFailures = 3
    /// The pause after the first failed attempt; doubled after each further one, up to `maxBackoff`.
    var backoff: Duration = .milliseconds(50)
    var maxBackoff: Duration = .milliseconds(400)
  }

  enum Action: Equatable {
    /// Open a connection, then call `connected` or `connectFailed`.
    case connect(ConnectionID)
    /// Call `retry` at the given time.
    case scheduleRetry(Instant)
    /// Resume the waiter with the connection.
    case resume(WaiterID, ConnectionID)
    /// Resume the waiters with an error.
    case fail([WaiterID])
    /// Close the connection, which the state machine has removed already.
    case close(ConnectionID)
    /// All connections are closed after `shutDown`.
    case shutDownComplete
  }

  /// The outcome of a request for a connection.
  enum Acquired: Equatable {
    case connection(ConnectionID)
    case waiting
    case unavailable
    case closed
  }

  struct Idle: Equatable {
    var id: ConnectionID
    var since: Instant
  }

  let limits: Limits
  private(set) var idle: [Idle] = []
  private(set) var inUse: Set<ConnectionID> = []
  private(set) var connecting: Set<ConnectionID> = []
  private(set) var waiting: [WaiterID] = []
  /// When each open connection was opened.
  private var opened: [ConnectionID: Instant] = [:]
  private var nextID = 1
  private(set) var failures = 0
  /// The earliest time of the next attempt, after failures.
  private var notBefore: Instant?
  private var isRetryScheduled = false
  private(set) var isShutDown = false

  init(_ limits: Limits) { self.limits = limits }

  var open: Int { idle.count + inUse.count }

  /// Whether recent attempts have failed and no connection is open; requests then fail at once.
  private var isUnreachable: Bool { failures >= limits.maxFailures && open == 0 }

  // MARK: Requests

  /// A task requests a connection.
  mutating func acquire(_ waiter: WaiterID, now: Instant) -> (Acquired, [Action]) {
    if isShutDown { return (.closed, []) }
    // Earlier waiters go first, though an idle connection beside waiters should not exist.
    if waiting.isEmpty, let last = idle.popLast() {
      inUse.insert(last.id)
      return (.connection(last.id), [])
    }
    if isUnreachable, connecting.isEmpty, let notBefore, now < notBefore { return (.unavailable, []) }
    waiting.append(waiter)
    return (.waiting, grow(now))
  }

  /// A waiter leaves the queue. Returns false if it has been resumed already.
  mutating func cancel(_ waiter: WaiterID) -> Bool {
    guard let index = waiting.firstIndex(of: waiter) else { return false }
    waiting.remove(at: index)
    return true
  }

  /// A connection is returned; `isUsable` if it is open and in no transaction.
  mutating func release(_ id: ConnectionID, isUsable: Bool, now: Instant) -> [Action] {
    guard inUse.remove(id) != nil else { return [] }
    guard isUsable, !isShutDown, !isTooOld(id, now) else {
      opened[id] = nil
      return [.close(id)] + (isShutDown ? completion() : grow(now))
    }
    return handOut(id, now)
  }

  // MARK: Connections

  /// An attempt succeeded.
  mutating func connected(_ id: ConnectionID, now: Instant) -> [Action] {
    guard connecting.remove(id) != nil else { return [.close(id)] }
    failures = 0
    notBefore = nil
    if isShutDown { return [.close(id)] + completion() }
    opened[id] = now
    return handOut(id, now) + grow(now)
  }

  /// An attempt failed; `isFinal` if a retry cannot succeed (wrong password, no such database).
  mutating func connectFailed(_ id: ConnectionID, isFinal: Bool, now: Instant) -> [Action] {
    guard connecting.remove(id) != nil else { return [] }
    if isShutDown { return completion() }
    failures += 1
    let factor = 1 << min(failures - 1, 10)
    notBefore = now + min(limits.backoff * factor, limits.maxBackoff)
    if open == 0, connecting.isEmpty, isFinal || failures >= limits.maxFailures {
      if isFinal { failures = max(failures, limits.maxFailures) }
      defer { waiting = [] }
      return waiting.isEmpty ? [] : [.fail(waiting)]
    }
    return grow(now)
  }

  /// An idle connection was lost. (A borrowed one is returned as not usable.)
  mutating func lost(_ id: ConnectionID, now: Instant) -> [Action] {
    guard let index = idle.firstIndex(where: { $0.id == id }) else { return [] }
    idle.remove(at: index)
    opened[id] = nil
    return isShutDown ? completion() : grow(now)
  }

  /// The time of `scheduleRetry` has come.
  mutating func retry(now: Instant) -> [Action] {
    isRetryScheduled = false
    return isShutDown ? [] : grow(now)
  }

  // MARK: Housekeeping

  /// Applies the limits on age and idle time and keeps the minimum open. Called about every second.
  mutating func tick(now: Instant) -> [Action] {
    if isShutDown { return [] }
    var actions: [Action] = []
    var spare = open + connecting.count - limits.minimum
    for entry in idle {
      let isIdle = spare > 0 && entry.since.duration(to: now) >= limits.idleTimeout
      guard isIdle || isTooOld(entry.id, now) else { continue }
      spare -= 1
      idle.removeAll { $0.id == entry.id }
      opened[entry.id] = nil
      actions.append(.close(entry.id))
    }
    return actions + grow(now)
  }

  /// Refuses further requests, closes idle connections now and borrowed ones when they are returned.
  mutating func shutDown() -> [Action] {
    guard !isShutDown else { return [] }
    isShutDown = true
    var actions: [Action] = waiting.isEmpty ? [] : [.fail(waiting)]
    waiting = []
    for entry in idle {
      opened[entry.id] = nil
      actions.append(.close(entry.id))
    }
    idle = []
    return actions + completion()
  }

  // MARK: Helpers

  private func isTooOld(_ id: ConnectionID, _ now: Instant) -> Bool {
    guard let birth = opened[id] else { return false }
    return birth.duration(to: now) >= limits.maxLifetime
  }

  private mutating func handOut(_ id: ConnectionID, _ now: Instant) -> [Action] {
    guard !waiting.isEmpty else {
      idle.append(Idle(id: id, since: now))
      return []
    }
    inUse.insert(id)
    return [.resume(waiting.removeFirst(), id)]
  }

  /// Opens connections for the waiters and for the minimum, within the maximum.
  private mutating func grow(_ now: Instant) -> [Action] {
    let wanted = max(waiting.count, limits.minimum - open) - connecting.count
    var room = min(wanted, limits.maximum - open - connecting.count)
    guard room > 0 else { return [] }
    if failures > 0 {
      // While attempts fail, one attempt at a time, after its backoff.
      guard connecting.isEmpty else { return [] }
      if let notBefore, now < notBefore {
        if isRetryScheduled { return [] }
        isRetryScheduled = true
        return [.scheduleRetry(notBefore)]
      }
      room = 1
    }
    return (0..<room).map { _ in
      defer { nextID += 1 }
      connecting.insert(nextID)
      return .connect(nextID)
    }
  }

  private func completion() -> [Action] {
    isShutDown && open == 0 && connecting.isEmpty ? [.shutDownComplete] : []
  }
}
