import Synchronization
import VerdictCore

/// Bounds the memory for the bodies of requests and responses: one limit for the process, and half of it for each tenant.
///
/// Small bodies are not counted, because the limit of connections bounds their number.
final class BodyMemory: Sendable {
  /// The limit leaves no memory for a body.
  struct Exhausted: Error, Sendable {}

  /// The size in bytes up to which a body is not counted.
  static let small = 16 << 10

  /// The limit of the process: eight bodies of the largest size that is read into memory.
  static let process = BodyMemory(limit: 512 << 20)

  /// The memory in which requests count; tests replace it.
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

  /// A limit of `limit` bytes.
  init(limit: Int) {
    self.limit = limit
  }

  /// The number of bytes that are reserved.
  var taken: Int { state.withLock { $0.taken } }

  /// The number of bytes that a tenant has reserved, and the most that it may reserve.
  func usage(of tenant: TenantID) -> (used: Int, limit: Int) {
    (state.withLock { $0.byTenant[tenant] } ?? 0, limit / 2)
  }

  fileprivate func reserve(_ count: Int, _ tenant: TenantID) -> Bool {
    state.withLock { state in
      guard state.taken + count <= limit, (state.byTenant[tenant] ?? 0) + count <= limit / 2 else {
        return false
      }
      state.add(count, tenant)
      return true
    }
  }

  fileprivate func release(_ count: Int, _ tenant: TenantID) { state.withLock { $0.add(-count, tenant) } }

  /// The reservation of one request. Its last reference releases it.
  final class Reservation: Sendable {
    private let memory: BodyMemory
    private let tenant: TenantID
    private let bytes = Mutex(0)

    /// An empty reservation for a tenant.
    init(of memory: BodyMemory = .current, for tenant: TenantID) {
      self.memory = memory
      self.tenant = tenant
    }

    deinit { memory.release(bytes.withLock { $0 }, tenant) }

    /// Changes the size of the reservation to `count` bytes.
    ///
    /// - Returns: false, without a change, if the limit does not allow it.
    func resize(to count: Int) -> Bool {
      bytes.withLock { bytes in
        if count > bytes {
          guard memory.reserve(count - bytes, tenant) else { return false }
        } else {
          memory.release(bytes - count, tenant)
        }
        bytes = count
        return true
      }
    }

    /// Changes the size of the reservation to `count` bytes.
    ///
    /// - Throws: ``Exhausted`` if the limit does not allow it.
    func grow(to count: Int) throws {
      guard resize(to: count) else { throw Exhausted() }
    }
  }
}
