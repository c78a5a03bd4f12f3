import Foundation
import Glibc

/// The memory that this process may use: the machine's, or the limit of its control group (cgroup v2) or of its address space
/// (`RLIMIT_AS`), whichever is smallest.
package enum MachineMemory {
  /// The memory in bytes when the process started.
  package static let limit: Int = {
    var limits = [physical]
    if let group = text("/proc/self/cgroup").flatMap(groupPath) {
      limits += groupLimits(group, root: "/sys/fs/cgroup", read: text)
    }
    var addresses = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &addresses) == 0 {
      limits.append(Int(clamping: addresses.rlim_cur))
    }
    return limits.min() ?? physical
  }()

  /// A fraction of the memory, within bounds.
  ///
  /// - Parameters:
  ///   - eighths: the numerator of the fraction.
  ///   - bounds: the smallest and the largest result in bytes.
  package static func share(eighths: Int, in bounds: ClosedRange<Int>) -> Int {
    min(max(limit / 8 * eighths, bounds.lowerBound), bounds.upperBound)
  }

  private static var physical: Int { Int(clamping: ProcessInfo.processInfo.physicalMemory) }

  /// The path of the process's group, from the contents of `/proc/self/cgroup`.
  static func groupPath(_ groups: String) -> String? {
    groups.split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
  }

  /// The limits of a group and of those that contain it.
  static func groupLimits(_ group: String, root: String, read: (String) -> String?) -> [Int] {
    var limits: [Int] = []
    var parts = group.split(separator: "/")
    while true {
      let file = ([root] + parts.map(String.init) + ["memory.max"]).joined(separator: "/")
      // The file of a group without a limit says "max".
      if let bytes = read(file).flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) {
        limits.append(bytes)
      }
      guard !parts.isEmpty else { return limits }
      parts.removeLast()
    }
  }

  private static func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }
}
