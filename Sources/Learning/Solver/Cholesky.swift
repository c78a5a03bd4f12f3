import CKernels

/// The Cholesky factorisation L·Lᵀ of a symmetric positive semidefinite matrix, without the columns that depend linearly on
/// earlier ones.
struct Cholesky {
  private(set) var factor: [Double]
  let order: Int
  let stride: Int
  /// 1 for each column that is left out.
  private(set) var skip: [UInt8]

  /// Factors a lower triangle. A column is left out if its pivot falls to `tolerance` times its diagonal element.
  init(
    _ matrix: [Double], order: Int, stride: Int, skipped: [Bool], tolerance: Double, runner: BlockRunner
  ) throws {
    factor = matrix
    self.order = order
    self.stride = stride
    skip = skipped.map { $0 ? 1 : 0 }
    let floor = (0..<order).map { tolerance * matrix[$0 * stride + $0] }
    for begin in Swift.stride(from: 0, to: order, by: 64) {
      try runner.checkCancelled()
      ck_cholesky(&factor, order, stride, begin, min(begin + 64, order), floor, &skip)
    }
  }

  /// The same on all threads of the runner, for large matrices. The result does not depend on their number.
  init(
    byBlocks matrix: [Double], order: Int, stride: Int, skipped: [Bool], tolerance: Double,
    runner: BlockRunner
  ) throws {
    factor = matrix
    self.order = order
    self.stride = stride
    skip = skipped.map { $0 ? 1 : 0 }
    let floor = (0..<order).map { tolerance * matrix[$0 * stride + $0] }
    for begin in Swift.stride(from: 0, to: order, by: 64) {
      let end = min(begin + 64, order)
      // Only the rows of the panel itself.
      ck_cholesky(&factor, end, stride, begin, end, floor, &skip)
      let blocks = BlockRunner.blocks(rows: order - end, size: 32)
      try factor.withUnsafeMutableBufferPointer { factor in
        try skip.withUnsafeBufferPointer { skip in
          guard let base = factor.baseAddress, let skip = skip.baseAddress else { return }
          // Blocks write disjoint rows, and read rows that are factored.
          nonisolated(unsafe) let (matrix, left) = (base, skip)
          try runner.run(blocks.count) { block, _, _ in
            ck_cholesky_rows(
              matrix, stride, begin, end, left, end + blocks[block].lowerBound, end + blocks[block].upperBound
            )
          }
        }
      }
    }
  }

  /// Solves A·x = b; x is 0 in columns left out.
  func solve(_ vector: [Double]) -> [Double] {
    var solution = vector
    ck_cholesky_solve(factor, order, stride, skip, &solution)
    return solution
  }
}
