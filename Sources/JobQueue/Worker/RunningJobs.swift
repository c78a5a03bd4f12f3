import Foundation
import Synchronization

/// The attempts that a worker is running, by the tokens of their leases.
final class RunningJobs: Sendable {
  private let controls = Mutex<[UUID: JobControl]>([:])

  var count: Int { controls.withLock(\.count) }
  var all: [JobControl] { controls.withLock { Array($0.values) } }

  func add(_ control: JobControl) { controls.withLock { $0[control.lease.token] = control } }

  func remove(_ control: JobControl) { controls.withLock { $0[control.lease.token] = nil } }

  func contains(_ control: JobControl) -> Bool { controls.withLock { $0[control.lease.token] != nil } }
}
