import CKernels

/// The inverse of a factored matrix, as far as variances of coefficients and of their differences need it.
struct InverseRows {
  /// Row i is column i of L⁻¹: the covariance of coefficients i and j is the product of rows i and j.
  private let rows: Workspace
  private let stride: Int
  private let order: Int

  init(_ factor: Cholesky, runner: BlockRunner) throws {
    let (order, stride) = (factor.order, factor.stride)
    self.order = order
    self.stride = stride
    rows = Workspace(count: order * stride)
    let width = Int(CK_INVERSE_WIDTH)
    let scratch = Workspace(count: runner.threads * width * order)
    let (out, work) = (rows.start, scratch.start)
    let blocks = BlockRunner.blocks(rows: order, size: width)
    try factor.factor.withUnsafeBufferPointer { factor in
      guard let base = factor.baseAddress else { return }
      // Blocks write disjoint rows, threads disjoint scratch memory.
      nonisolated(unsafe) let source = base
      try runner.run(blocks.count) { block, thread, _ in
        ck_inverse_rows(
          source, order, stride, blocks[block].lowerBound, blocks[block].upperBound,
          work + thread * width * order, out)
      }
    }
    withExtendedLifetime(scratch) {}
  }

  /// The covariance of two coefficients.
  func covariance(_ i: Int, _ j: Int) -> Double {
    let begin = max(i, j)
    return ck_dot(rows.start + i * stride + begin, rows.start + j * stride + begin, order - begin)
  }

  /// tr(V·S) of a penalty of a term.
  func trace(_ penalty: AdditiveTerm.Penalty, first: Int) -> Double {
    var variances: [Int: Double] = [:]
    func variance(_ i: Int) -> Double {
      if let known = variances[i] { return known }
      let value = covariance(first + i, first + i)
      variances[i] = value
      return value
    }
    var sum = 0.0
    for (i, j, weight) in penalty.differences {
      sum += weight * (variance(i) + variance(j) - 2 * covariance(first + i, first + j))
    }
    for i in penalty.squares { sum += variance(i) }
    return sum
  }
}
