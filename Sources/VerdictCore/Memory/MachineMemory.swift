import Foundation
import Glibc

/// The memory that this process may use: the machine's, or the limit of its control group or of its address space
/// (`RLIMIT_AS`), whichever is smallest.
package enum MachineMemory {
  /// The memory in bytes when the process started.
  package static let limit: Int = {
    var limits = [physical]
    if let groups = text("/proc/self/cgroup") {
      if let group = groupPath(groups) { limits += groupLimits(group, read: text) }
      if let group = groupPath(groups, controller: "memory") {
        limits += groupLimits(
          group, root: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes", read: text)
      }
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
  ///   - sixteenths: the numerator of the fraction.
  ///   - bounds: the smallest and the largest result in bytes.
  package static func share(sixteenths: Int, in bounds: ClosedRange<Int>) -> Int {
    min(max(limit / 16 * sixteenths, bounds.lowerBound), bounds.upperBound)
  }

  /// The resident bytes of the process (proc(5), `/proc/pid/statm`); `nil` where the file cannot be read.
  static var resident: Int? {
    guard let fields = text("/proc/self/statm")?.split(separator: " "), fields.count > 1 else { return nil }
    return Int(fields[1]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
  }

  private static var physical: Int { Int(clamping: ProcessInfo.processInfo.physicalMemory) }

  /// The path of the process's group, from the contents of `/proc/self/cgroup` (cgroups(7)).
  ///
  /// - Parameters:
  ///   - groups: the contents.
  ///   - controller: the name of a controller of version 1; empty for version 2.
  static func groupPath(_ groups: String, controller: String = "") -> String? {
    for line in groups.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      if parts.count == 3,
        parts[1].split(separator: ",", omittingEmptySubsequences: false).contains(controller[...])
      {
        return String(parts[2])
      }
    }
    return nil
  }

  /// The limits of a group and of those that contain it.
  static func groupLimits(
    _ group: String, root: String = "/sys/fs/cgroup", file name: String = "memory.max",
    read: (String) -> String?
  ) -> [Int] {
    var limits: [Int] = []
    var parts = group.split(separator: "/")
    while true {
      let file = ([root] + parts.map(String.init) + [name]).joined(separator: "/")
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
