/// The state of work that takes turns: a bounded number of pieces runs, and tenants that wait are served in turn.
///
/// Pure, so that its rules can be tested without time and threads.
struct TurnQueue {
  /// The use of a piece of work. Those that come first are served first.
  enum Use: Int, Comparable {
    /// A prediction waits for it.
    case prediction
    /// Any other request waits for it.
    case request

    static func < (left: Use, right: Use) -> Bool { left.rawValue < right.rawValue }
  }

  private struct Waiting {
    var id: Int
    var tenant: TenantID
    var use: Use
  }

  /// The most pieces that run at once.
  let limit: Int
  /// The number of pieces that run.
  private(set) var running = 0
  private var waiting: [Waiting] = []
  private var runningOf: [TenantID: Int] = [:]
  /// The number of the last turn of each tenant that has work.
  private var lastTurn: [TenantID: Int] = [:]
  private var turns = 0

  /// A queue of at most `limit` running pieces.
  init(limit: Int) {
    self.limit = max(1, limit)
  }

  /// The number of pieces that wait.
  var waitingCount: Int { waiting.count }

  /// Whether the piece may run at once; otherwise it waits.
  mutating func enter(_ id: Int, _ tenant: TenantID, _ use: Use) -> Bool {
    if admits(tenant) {
      start(tenant)
      return true
    }
    waiting.append(Waiting(id: id, tenant: tenant, use: use))
    return false
  }

  /// Ends a piece of a tenant's work.
  ///
  /// - Returns: the piece that runs next.
  mutating func leave(_ tenant: TenantID) -> Int? {
    running -= 1
    runningOf[tenant, default: 1] -= 1
    if runningOf[tenant] == 0 { runningOf[tenant] = nil }
    // By use, then by the tenant whose last turn is the longest ago, then by arrival.
    let next = waiting.indices.filter { admits(waiting[$0].tenant) }
      .min { rank(waiting[$0]) < rank(waiting[$1]) }
    var id: Int?
    if let next {
      let piece = waiting.remove(at: next)
      start(piece.tenant)
      id = piece.id
    }
    if waiting.isEmpty, running == 0 { lastTurn = [:] }
    return id
  }

  /// Removes a piece that waits; false if it does not.
  mutating func abandon(_ id: Int) -> Bool {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return false }
    waiting.remove(at: index)
    return true
  }

  /// Whether a piece of the tenant may run: where several run, the last place is for other tenants.
  private func admits(_ tenant: TenantID) -> Bool {
    running < limit && runningOf[tenant, default: 0] < max(1, limit - 1)
  }

  private func rank(_ piece: Waiting) -> (Use, Int, Int) {
    (piece.use, lastTurn[piece.tenant] ?? 0, piece.id)
  }

  private mutating func start(_ tenant: TenantID) {
    running += 1
    runningOf[tenant, default: 0] += 1
    turns += 1
    lastTurn[tenant] = turns
  }
}
