/// The pool's connections and waiters as a pure state machine: events in, actions out, without I/O or a clock, so that tests can
/// try every order of events.
///
/// A free connection goes to urgent work first, then to the owner that has borrowed the fewest, and for one owner in the order of
/// arrival. The number of connections that owners may borrow is bounded, for each and in total (``Limits``). Idle connections are
/// taken last in, first out, so that the others reach `idleTimeout`.
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

    /// The most connections that one owner may borrow, and the most that it may borrow for urgent work: three quarters.
    var perOwner: Int { max(1, maximum - max(1, maximum / 4)) }
    /// The most connections for the work of all owners that is not urgent: the reserve, an eighth, is left to urgent work.
    var shared: Int { max(1, maximum - max(1, maximum / 8)) }
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
  /// The borrower of each borrowed connection.
  private var borrowed: [ConnectionID: Borrower] = [:]
  /// The number of connections of each borrower with a bound of its own.
  private var counts: [Borrower: Int] = [:]
  /// The number of connections of owners whose work is not urgent.
  private var shared = 0
  private(set) var connecting: Set<ConnectionID> = []
  /// The waiters whose work is urgent.
  private var urgent = WaitingLine()
  /// The other waiters.
  private var ordinary = WaitingLine()
  /// When each open connection was opened.
  private var opened: [ConnectionID: Instant] = [:]
  private var nextID = 1
  private(set) var failures = 0
  /// The earliest time of the next attempt, after failures.
  private var notBefore: Instant?
  private var isRetryScheduled = false
  private(set) var isShutDown = false

  init(_ limits: Limits) { self.limits = limits }

  var open: Int { idle.count + borrowed.count }
  var inUse: Set<ConnectionID> { Set(borrowed.keys) }
  var inUseCount: Int { borrowed.count }
  func isBorrowed(_ id: ConnectionID) -> Bool { borrowed[id] != nil }
  var waiting: [WaiterID] { (urgent.all + ordinary.all).sorted() }
  var waitingCount: Int { urgent.count + ordinary.count }

  /// Whether recent attempts have failed and no connection is open; requests then fail at once.
  private var isUnreachable: Bool { failures >= limits.maxFailures && open == 0 }

  // MARK: Requests

  /// A task requests a connection.
  mutating func acquire(
    _ waiter: WaiterID, for borrower: Borrower = .process, now: Instant
  ) -> (Acquired, [Action]) {
    if isShutDown { return (.closed, []) }
    if let id = takeIdle(for: borrower) { return (.connection(id), []) }
    if isUnreachable, connecting.isEmpty, let notBefore, now < notBefore { return (.unavailable, []) }
    if borrower.isUrgent { urgent.append(waiter, borrower) } else { ordinary.append(waiter, borrower) }
    return (.waiting, grow(now))
  }

  /// Lends an idle connection, if there is one and the borrower may have it.
  ///
  /// Nobody is overtaken: while a connection is idle, every waiter has reached a bound.
  mutating func takeIdle(for borrower: Borrower) -> ConnectionID? {
    guard !isShutDown, !idle.isEmpty, mayBorrow(borrower), let last = idle.popLast() else { return nil }
    lend(last.id, to: borrower)
    return last.id
  }

  /// A waiter leaves the queue. Returns false if it has been resumed already.
  mutating func cancel(_ waiter: WaiterID) -> Bool { urgent.remove(waiter) || ordinary.remove(waiter) }

  /// A connection is returned; `isUsable` if it is open and in no transaction.
  mutating func release(_ id: ConnectionID, isUsable: Bool, now: Instant) -> [Action] {
    guard let borrower = borrowed.removeValue(forKey: id) else { return [] }
    takeBack(from: borrower)
    guard isUsable, !isShutDown, !isTooOld(id, now) else {
      opened[id] = nil
      return [.close(id)] + (isShutDown ? completion() : serve() + grow(now))
    }
    idle.append(Idle(id: id, since: now))
    return serve()
  }

  // MARK: Connections

  /// An attempt succeeded.
  mutating func connected(_ id: ConnectionID, now: Instant) -> [Action] {
    guard connecting.remove(id) != nil else { return [.close(id)] }
    failures = 0
    notBefore = nil
    if isShutDown { return [.close(id)] + completion() }
    opened[id] = now
    idle.append(Idle(id: id, since: now))
    return serve() + grow(now)
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
      return failAll()
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
    var actions = failAll()
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

  /// Whether the bounds allow the borrower another connection.
  private func mayBorrow(_ borrower: Borrower) -> Bool {
    switch borrower {
    case .process: true
    case .urgent: (counts[borrower] ?? 0) < limits.perOwner
    case .owner: shared < limits.shared && (counts[borrower] ?? 0) < limits.perOwner
    }
  }

  private mutating func lend(_ id: ConnectionID, to borrower: Borrower) {
    borrowed[id] = borrower
    if borrower == .process { return }
    counts[borrower, default: 0] += 1
    if case .owner = borrower { shared += 1 }
  }

  private mutating func takeBack(from borrower: Borrower) {
    guard let count = counts[borrower] else { return }
    counts[borrower] = count > 1 ? count - 1 : nil
    if case .owner = borrower { shared -= 1 }
  }

  /// Lends idle connections to waiters, as far as the bounds allow.
  private mutating func serve() -> [Action] {
    var actions: [Action] = []
    while let last = idle.last {
      let taken =
        (urgent.isEmpty ? nil : next(of: \.urgent)) ?? (ordinary.isEmpty ? nil : next(of: \.ordinary))
      guard let (waiter, borrower) = taken else { break }
      idle.removeLast()
      lend(last.id, to: borrower)
      actions.append(.resume(waiter, last.id))
    }
    return actions
  }

  private mutating func next(
    of line: WritableKeyPath<PoolStateMachine, WaitingLine>
  ) -> (WaiterID, Borrower)? {
    guard let borrower = self[keyPath: line].next(having: { mayBorrow($0) ? counts[$0] ?? 0 : nil }) else {
      return nil
    }
    return (self[keyPath: line].removeFirst(of: borrower), borrower)
  }

  private mutating func failAll() -> [Action] {
    let all = waiting
    urgent = WaitingLine()
    ordinary = WaitingLine()
    return all.isEmpty ? [] : [.fail(all)]
  }

  /// The number of waiters that the bounds allow a connection, at most `limits.maximum`.
  private var admissible: Int {
    let most = limits.maximum
    func waiters(_ line: WaitingLine) -> Int {
      line.count(upTo: most) { borrower in
        borrower == .process ? most : max(0, limits.perOwner - (counts[borrower] ?? 0))
      }
    }
    return waiters(urgent) + min(waiters(ordinary), max(0, limits.shared - shared))
  }

  /// Opens connections for the waiters and for the minimum, within the maximum.
  private mutating func grow(_ now: Instant) -> [Action] {
    let wanted = max(admissible, limits.minimum - open) - connecting.count
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
