/// What the pool knows of its connections and of who waits for one: events in, actions out, no I/O and no clock
/// of its own, so that every order of events can be tested.
///
/// Waiters are served in the order they came. Free connections are taken from the most recently used end, so
/// that the others can reach their idle limit.
struct PoolStateMachine {
  typealias Instant = ContinuousClock.Instant
  typealias ConnectionID = Int
  typealias WaiterID = Int

  struct Limits {
    var minimum: Int
    var maximum: Int
    var idleTimeout: Duration
    var maxLifetime: Duration
    /// Failed connection attempts in a row, with none open, after which waiters are told.
    var maxFailures = 3
    /// The pause after the first failed attempt; doubled after each, up to `maxBackoff`.
    var backoff: Duration = .milliseconds(50)
    var maxBackoff: Duration = .milliseconds(400)
  }

  enum Action: Equatable {
    /// Open a connection now; answer with `connected` or `connectFailed`.
    case connect(ConnectionID)
    /// Call `retry` at the given time.
    case scheduleRetry(Instant)
    /// Hand the connection to the waiter.
    case resume(WaiterID, ConnectionID)
    /// Tell the waiters that it will not be.
    case fail([WaiterID])
    /// Close the connection, which the pool has forgotten already.
    case close(ConnectionID)
    /// All connections are gone after `shutDown`.
    case shutDownComplete
  }

  /// What became of a request.
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
  /// No attempt before this, after failures.
  private var notBefore: Instant?
  private var isRetryScheduled = false
  private(set) var isShutDown = false

  init(_ limits: Limits) { self.limits = limits }

  var open: Int { idle.count + inUse.count }

  /// True when the server has not been reached lately: requests are then answered quickly.
  private var isUnreachable: Bool { failures >= limits.maxFailures && open == 0 }

  // MARK: Requests

  /// Somebody wants a connection.
  mutating func acquire(_ waiter: WaiterID, now: Instant) -> (Acquired, [Action]) {
    if isShutDown { return (.closed, []) }
    // Who came earlier goes first, though an idle connection beside waiters should not exist.
    if waiting.isEmpty, let last = idle.popLast() {
      inUse.insert(last.id)
      return (.connection(last.id), [])
    }
    if isUnreachable, connecting.isEmpty, let notBefore, now < notBefore { return (.unavailable, []) }
    waiting.append(waiter)
    return (.waiting, grow(now))
  }

  /// Somebody does not want to wait any longer. False if the waiter has been answered already.
  mutating func cancel(_ waiter: WaiterID) -> Bool {
    guard let index = waiting.firstIndex(of: waiter) else { return false }
    waiting.remove(at: index)
    return true
  }

  /// A connection comes back; `isUsable` if it is connected and in no transaction.
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

  /// An attempt failed; `isFinal` if trying again cannot help (wrong password, no such database).
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

  /// A connection that nobody has borrowed is gone. (A borrowed one comes back as not usable.)
  mutating func lost(_ id: ConnectionID, now: Instant) -> [Action] {
    guard let index = idle.firstIndex(where: { $0.id == id }) else { return [] }
    idle.remove(at: index)
    opened[id] = nil
    return isShutDown ? completion() : grow(now)
  }

  /// The time that `scheduleRetry` asked for has come.
  mutating func retry(now: Instant) -> [Action] {
    isRetryScheduled = false
    return isShutDown ? [] : grow(now)
  }

  // MARK: Housekeeping

  /// Applies the limits on age and idleness and keeps the minimum open. To be called every second or so.
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

  /// No more requests; idle connections close now, borrowed ones when they come back.
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

  // MARK: Inside

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

  /// Opens what is needed and allowed: one for each waiter, and the minimum.
  private mutating func grow(_ now: Instant) -> [Action] {
    let wanted = max(waiting.count, limits.minimum - open) - connecting.count
    var room = min(wanted, limits.maximum - open - connecting.count)
    guard room > 0 else { return [] }
    if failures > 0 {
      // While the server does not answer, one attempt at a time and not too often.
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
