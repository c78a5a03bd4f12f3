/// Waiters by borrower: in the order of arrival for one borrower, and in turn for several.
struct WaitingLine {
  typealias WaiterID = PoolStateMachine.WaiterID

  private var waiters: [Borrower: [WaiterID]] = [:]
  /// The borrowers that have waiters; the one whose last turn is the longest ago comes first.
  private var turns: [Borrower] = []
  private var borrowers: [WaiterID: Borrower] = [:]

  var isEmpty: Bool { borrowers.isEmpty }
  var count: Int { borrowers.count }
  var all: [WaiterID] { Array(borrowers.keys) }

  /// Adds a waiter.
  mutating func append(_ waiter: WaiterID, _ borrower: Borrower) {
    borrowers[waiter] = borrower
    if waiters[borrower, default: []].isEmpty { turns.append(borrower) }
    waiters[borrower, default: []].append(waiter)
  }

  /// Removes a waiter. Returns false if it does not wait.
  mutating func remove(_ waiter: WaiterID) -> Bool {
    guard let borrower = borrowers.removeValue(forKey: waiter) else { return false }
    waiters[borrower]?.removeAll { $0 == waiter }
    if waiters[borrower]?.isEmpty ?? true {
      waiters[borrower] = nil
      turns.removeAll { $0 == borrower }
    }
    return true
  }

  /// The borrower that is next: the one with the fewest connections and, of several, the one whose last turn is the longest ago.
  ///
  /// At most as many borrowers as there are connections have one, so that the search ends after few steps.
  ///
  /// - Parameter inUse: the number of a borrower's connections; `nil` if it may not have another one.
  func next(having inUse: (Borrower) -> Int?) -> Borrower? {
    var best: (borrower: Borrower, count: Int)?
    for borrower in turns {
      guard let count = inUse(borrower), count < best?.count ?? .max else { continue }
      best = (borrower, count)
      if count == 0 { break }
    }
    return best?.borrower
  }

  /// Removes the first waiter of a borrower that has one; the borrower's next turn comes after those of all others.
  mutating func removeFirst(of borrower: Borrower) -> WaiterID {
    var queue = waiters.removeValue(forKey: borrower) ?? []
    let waiter = queue.removeFirst()
    borrowers[waiter] = nil
    if let index = turns.firstIndex(of: borrower) { turns.remove(at: index) }
    if !queue.isEmpty {
      waiters[borrower] = queue
      turns.append(borrower)
    }
    return waiter
  }

  /// The number of waiters, where each borrower counts at most `room` of its own, and all together at most `most`.
  func count(upTo most: Int, room: (Borrower) -> Int) -> Int {
    var sum = 0
    for (borrower, queue) in waiters {
      sum += min(queue.count, room(borrower))
      if sum >= most { return most }
    }
    return sum
  }
}
