import CKernels

/// The quadratic model with a materialised Hessian: coordinate descent finds the non-zero coefficients, then an active-set
/// method solves for them exactly.
struct ExplicitModel: QuadraticModel {
  let objective: Objective
  let skipped: [Bool]

  /// The largest number of non-zero coefficients for which the exact method is faster.
  static let exactColumns = 512

  private var penalty: PenaltyWeights { objective.penalty }
  private var columns: Int { objective.columns }
  private var stride: Int { objective.stride }

  func minimise(_ point: Objective.Point, precision: Double) throws -> (step: [Double], curved: Double) {
    var hessian = objective.hessian
    ck_mirror(&hessian, columns, stride)
    var step = [Double](repeating: 0, count: columns)
    var slope = point.gradient
    let all = skipped.map { UInt8($0 ? 0 : 1) }
    var active = all
    for round in 0..<500 {
      try objective.runner.checkCancelled()
      // One sweep over all columns, then several over the non-zero ones.
      let change = ck_descend(
        hessian, columns, stride, point.beta, penalty.l1, penalty.l2, all, &step, &slope)
      if change <= precision { break }
      var count = 0
      for column in 0..<columns where all[column] != 0 {
        active[column] = column == 0 || point.beta[column] + step[column] != 0 ? 1 : 0
        count += Int(active[column])
      }
      for _ in 0..<10 {
        try objective.runner.checkCancelled()
        if ck_descend(hessian, columns, stride, point.beta, penalty.l1, penalty.l2, active, &step, &slope)
          <= precision
        {
          break
        }
      }
      if round % 10 == 1, count <= (precision <= 1e-9 ? Self.exactColumns : Self.exactColumns / 2) {
        var exact = ActiveSet(
          hessian: hessian, stride: stride, point: point, step: step, penalty: penalty, skipped: skipped)
        if try exact.solve(runner: objective.runner) {
          (step, slope) = (exact.step, exact.slope)
          break
        }
      }
    }
    var curved = 0.0
    for column in 0..<columns {
      curved += step[column] * (slope[column] - point.gradient[column] + penalty.l2[column] * step[column])
    }
    return (step, curved)
  }
}
