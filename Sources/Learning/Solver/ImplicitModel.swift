import CKernels

/// The quadratic model without a materialised Hessian: coordinate descent on H·d = Xᵀ(W·(X·d)), which keeps X·d for every row.
/// The levels of one factor share no row, so that they are updated together.
struct ImplicitModel: QuadraticModel {
  let objective: Objective
  let skipped: [Bool]

  private var penalty: PenaltyWeights { objective.penalty }

  func minimise(_ point: Objective.Point, precision: Double) throws -> (step: [Double], curved: Double) {
    var step = [Double](repeating: 0, count: objective.columns)
    var along = [Double](repeating: 0, count: objective.matrix.rowCount)
    for round in 0..<300 {
      // Numeric coefficients at 0 are visited in every tenth round only.
      let change = try sweep(point, &step, &along, all: round % 10 == 0)
      if change <= precision {
        if round % 10 == 0 { break }
        if try sweep(point, &step, &along, all: true) <= precision { break }
      }
    }
    var curved = ck_weighted_square(objective.curvature, along, along.count)
    for column in step.indices { curved += penalty.l2[column] * step[column] * step[column] }
    return (step, curved)
  }

  /// Visits every coordinate once. Returns the largest change in standard errors.
  private func sweep(
    _ point: Objective.Point, _ step: inout [Double], _ along: inout [Double], all: Bool
  ) throws -> Double {
    let design = objective.matrix.raw
    let count = along.count
    var largest = 0.0
    let weight = objective.curvature
    var (product, square) = (0.0, 0.0)
    for i in along.indices {
      product += weight[i] * along[i]
      square += weight[i]
    }
    let change = update(0, point, product, square, &step, &largest)
    if change != 0 { for i in along.indices { along[i] += change } }
    for slot in objective.matrix.layout.slots {
      try objective.runner.checkCancelled()
      switch slot {
      case .numeric(let index, let column, let indicator):
        guard let values = design.numeric[index] else { continue }
        for (column, missing) in [(column, Int32(0)), (indicator ?? 0, 1)] where column > 0 {
          guard all || point.beta[column] + step[column] != 0 else { continue }
          let (mean, inverse) = (design.mean[index], design.inverse_scale[index])
          ck_column_sums(values, mean, inverse, missing, weight, along, count, &product, &square)
          let change = update(column, point, product, square, &step, &largest)
          if change != 0 { ck_column_add(values, mean, inverse, missing, change, count, &along) }
        }
      case .factor(let index, let first, let levels, let missing):
        guard let codes = design.codes[index] else { continue }
        var products = [Double](repeating: 0, count: levels + 1)
        var squares = products
        var changes = products
        ck_factor_sums(codes, levels, weight, along, count, &products, &squares)
        for level in 0..<(levels + (missing == nil ? 0 : 1)) {
          changes[level] = update(first + level, point, products[level], squares[level], &step, &largest)
        }
        ck_factor_add(codes, levels, changes, count, &along)
      }
    }
    return largest
  }

  /// Moves one coordinate to its minimum with the others fixed. Returns the change.
  private func update(
    _ column: Int, _ point: Objective.Point, _ product: Double, _ square: Double, _ step: inout [Double],
    _ largest: inout Double
  ) -> Double {
    let curvature = square + penalty.l2[column]
    guard curvature > 0, !skipped[column] else { return 0 }
    let at = point.beta[column] + step[column]
    let target = square * at - (point.gradient[column] + product)
    let size = max(0, abs(target) - penalty.l1[column]) / curvature
    let change = (target < 0 ? -size : size) - at
    step[column] += change
    largest = max(largest, curvature.squareRoot() * abs(change))
    return change
  }
}
