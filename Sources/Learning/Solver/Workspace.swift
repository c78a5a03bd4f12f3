/// Memory for the kernels to write to, which is not touched before its first use: filling it here would take longer
/// than a cancelled training may. Given back with its owner, which must not let `start` outlive it.
final class Workspace {
  /// Undefined until written.
  let start: UnsafeMutablePointer<Double>

  init(count: Int) { start = .allocate(capacity: max(1, count)) }

  deinit { start.deallocate() }
}

/// The first address from here on that is a multiple of 64, for the widest vectors; scratch memory has 8 doubles to
/// spare for it.
func aligned(_ pointer: UnsafeMutablePointer<Double>) -> UnsafeMutablePointer<Double> {
  pointer + (64 - Int(bitPattern: pointer) & 63) / 8 % 8
}
