import CMalloc
import Foundation

/// The settings of glibc's allocator (mallopt(3)) for a server whose memory is limited.
///
/// By default each thread may have a heap of its own. Memory that is freed between two blocks in use stays with its heap until it is
/// trimmed, so that requests and trainings that kept to their bounds took half as much again.
package enum HeapSettings {
  /// The size in bytes from which on a block is mapped by itself, and goes back to the system when it is freed: the largest that
  /// glibc takes. The bodies of large requests stay below: the pages of a new mapping are cleared at their first use, which cost
  /// batches of 25,000 labels 4 to 7 % with a size of 1 MiB.
  private static let mapped = 32 << 20

  /// Applies the settings to the process, before it has many threads. Those that the environment makes (`MALLOC_ARENA_MAX`,
  /// `MALLOC_MMAP_THRESHOLD_`, `MALLOC_TRIM_THRESHOLD_`) stay.
  package static func apply() {
    let environment = ProcessInfo.processInfo.environment
    func set(_ parameter: Int32, _ value: Int, unless variable: String) {
      if environment[variable] == nil { _ = mallopt(parameter, Int32(clamping: value)) }
    }
    // More heaps than processors save no waiting.
    let heaps = max(2, ProcessInfo.processInfo.activeProcessorCount)
    set(M_ARENA_MAX, heaps, unless: "MALLOC_ARENA_MAX")
    set(M_MMAP_THRESHOLD, mapped, unless: "MALLOC_MMAP_THRESHOLD_")
    // As glibc sets it when it adapts the threshold above itself.
    set(M_TRIM_THRESHOLD, 2 * mapped, unless: "MALLOC_TRIM_THRESHOLD_")
  }
}
