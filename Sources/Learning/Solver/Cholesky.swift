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

  /// Solves A·x = b; x is 0 in columns left out.
  func solve(_ vector: [Double]) -> [Double] {
    var solution = vector
    ck_cholesky_solve(factor, order, stride, skip, &solution)
    return solution
  }
}
