import Synchronization
import VerdictCore

/// Limits the memory for the bodies of requests and responses: in total, and to half of that for one tenant.
///
/// Small bodies are not counted, since the number of connections bounds them.
final class BodyMemory: Sendable {
  /// The memory for bodies is exhausted.
  struct Exhausted: Error, Sendable {}

  /// The size in bytes up to which a body is not counted.
  static let small = 16 << 10

  /// The limit of the process: eight bodies of the largest size that is read into memory.
  static let process = BodyMemory(limit: 512 << 20)

  /// The limit that requests count against.
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

  /// A limit of so many bytes.
  init(limit: Int) {
    self.limit = limit
  }

  /// The bytes in use.
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

  /// The bytes of one request; released with the last reference.
  final class Share: Sendable {
    private let memory: BodyMemory
    private let tenant: TenantID
    private let bytes = Mutex(0)

    /// An empty share for a tenant.
    init(of memory: BodyMemory = .current, for tenant: TenantID) {
      self.memory = memory
      self.tenant = tenant
    }

    deinit { memory.giveBack(bytes.withLock { $0 }, tenant) }

    /// Changes the share to a total of so many bytes.
    ///
    /// - Returns: false, without a change, if the memory does not suffice.
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

    /// Changes the share to a total of so many bytes.
    ///
    /// - Throws: ``Exhausted``.
    func grow(to count: Int) throws {
      guard resize(to: count) else { throw Exhausted() }
    }
  }
}
