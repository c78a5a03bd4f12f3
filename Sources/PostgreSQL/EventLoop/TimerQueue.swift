internal import HeapModule

/// The timers of one event loop, ordered by their deadlines.
struct TimerQueue {
  /// Identifies a timer.
  typealias Token = UInt64

  private struct Entry: Comparable {
    let deadline: ContinuousClock.Instant
    let token: Token
    static func < (left: Entry, right: Entry) -> Bool {
      (left.deadline, left.token) < (right.deadline, right.token)
    }
    static func == (left: Entry, right: Entry) -> Bool { left.token == right.token }
  }

  private var heap = Heap<Entry>()
  /// The callbacks. A cancelled timer is removed from here at once, and from `heap` later.
  private var bodies: [Token: @Sendable () -> Void] = [:]
  private var nextToken: Token = 1

  var isEmpty: Bool { bodies.isEmpty }

  /// The earliest deadline.
  var next: ContinuousClock.Instant? { heap.min?.deadline }

  mutating func add(_ deadline: ContinuousClock.Instant, _ body: @escaping @Sendable () -> Void) -> Token {
    defer { nextToken += 1 }
    heap.insert(Entry(deadline: deadline, token: nextToken))
    bodies[nextToken] = body
    return nextToken
  }

  /// Cancels a timer. Returns its callback, so that the caller releases it outside its lock.
  mutating func cancel(_ token: Token) -> (@Sendable () -> Void)? {
    let body = bodies.removeValue(forKey: token)
    // With long timeouts on short statements the heap would otherwise keep growing for the length of a timeout.
    if bodies.isEmpty {
      heap = Heap()
    } else {
      while let first = heap.min, bodies[first.token] == nil { heap.removeMin() }
      if heap.count > 64, heap.count > 4 * bodies.count {
        heap = Heap(heap.unordered.filter { bodies[$0.token] != nil })
      }
    }
    return body
  }

  /// Removes and returns the callbacks that are due, earliest first.
  mutating func takeDue(upTo now: ContinuousClock.Instant) -> [@Sendable () -> Void] {
    var due: [@Sendable () -> Void] = []
    while let first = heap.min, first.deadline <= now {
      heap.removeMin()
      if let body = bodies.removeValue(forKey: first.token) { due.append(body) }
    }
    return due
  }
}
