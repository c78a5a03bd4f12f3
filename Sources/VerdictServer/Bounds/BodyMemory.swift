import Synchronization
import VerdictCore

/// Bounds how many bytes of requests and answers lie in memory for all clients together, and at half of that for the clients
/// of one tenant.
///
/// What is small is not counted: there are at most as many of those as connections.
final class BodyMemory: Sendable {
  /// There is no room for a body.
  struct Exhausted: Error, Sendable {}

  /// Up to how many bytes a body is not counted.
  static let small = 16 << 10

  /// The whole process's: eight bodies of the largest size that is read into memory.
  static let process = BodyMemory(limit: 512 << 20)

  /// The one that requests count in.
  @TaskLocal static var current = process

  private struct State {
    var taken = 0
    var byTenant: [TenantID: Int] = [:]

    mutating func add(_ count: Int, _ tenant: TenantID) {
      taken += count
      byTenant[tenant, default: 0] += count
      if byTenant[tenant] == 0 { byTenant[tenant] = nil }
    }
  }

  private let limit: Int
  private let state = Mutex(State())

  /// Room for so many bytes.
  init(limit: Int) {
    self.limit = limit
  }

  /// How many bytes are taken.
  var taken: Int { state.withLock { $0.taken } }

  fileprivate func take(_ count: Int, _ tenant: TenantID) -> Bool {
    state.withLock { state in
      guard state.taken + count <= limit, (state.byTenant[tenant] ?? 0) + count <= limit / 2 else {
        return false
      }
      state.add(count, tenant)
      return true
    }
  }

  fileprivate func giveBack(_ count: Int, _ tenant: TenantID) { state.withLock { $0.add(-count, tenant) } }

  /// What one request has of it, given back with the last reference.
  final class Share: Sendable {
    private let memory: BodyMemory
    private let tenant: TenantID
    private let bytes = Mutex(0)

    /// An empty share of a tenant's.
    init(of memory: BodyMemory = .current, for tenant: TenantID) {
      self.memory = memory
      self.tenant = tenant
    }

    deinit { memory.giveBack(bytes.withLock { $0 }, tenant) }

    /// Takes room for so many bytes in all, if there is; less gives back.
    ///
    /// - Returns: whether there was room.
    func resize(to count: Int) -> Bool {
      bytes.withLock { bytes in
        if count > bytes {
          guard memory.take(count - bytes, tenant) else { return false }
        } else {
          memory.giveBack(bytes - count, tenant)
        }
        bytes = count
        return true
      }
    }

    /// Takes room for so many bytes in all.
    ///
    /// - Throws: ``Exhausted``.
    func grow(to count: Int) throws {
      guard resize(to: count) else { throw Exhausted() }
    }
  }
}
