/// An active-set method that minimises a quadratic model with an l1 penalty exactly.
///
/// With the signs of the non-zero coefficients known, the model is smooth in them and solved directly. A coefficient whose sign
/// would change stops the step at 0 and leaves the set; one whose gradient exceeds the penalty enters, until neither happens.
struct ActiveSet {
  private let hessian: [Double]
  private let stride: Int
  private let start: Objective.Point
  private let penalty: PenaltyWeights
  private let skipped: [Bool]
  /// The step from the point.
  private(set) var step: [Double]
  /// The gradient of the loss after the step: gradient + H·step.
  private(set) var slope: [Double]
  /// The sign of each coefficient, and the members of the active set: coefficients that are not 0 or about to leave it.
  private var sign: [Double]
  private var members: [Int]

  init(
    hessian: [Double], stride: Int, point: Objective.Point, step: [Double], penalty: PenaltyWeights,
    skipped: [Bool]
  ) {
    self.hessian = hessian
    self.stride = stride
    start = point
    self.penalty = penalty
    self.skipped = skipped
    self.step = step
    let columns = step.count
    sign = (0..<columns).map { point.beta[$0] + step[$0] < 0 ? -1 : 1 }
    members = (0..<columns).filter { column in
      !skipped[column] && (penalty.l1[column] == 0 || point.beta[column] + step[column] != 0)
    }
    // Recomputed, so that rounding errors of many small changes do not accumulate.
    slope = point.gradient
    for column in 0..<columns where step[column] != 0 {
      for row in 0..<columns { slope[row] += step[column] * hessian[column * stride + row] }
    }
  }

  /// Improves `step`. Returns whether it reached the minimum.
  mutating func solve(runner: BlockRunner) throws -> Bool {
    for _ in 0..<(3 * step.count + 20) {
      try runner.checkCancelled()
      let (correction, limit) = try direction(runner: runner)
      let (length, leaving) = crossing(correction, limit: limit)
      guard length.isFinite else { return false }
      move(correction, length: length)
      if let leaving {
        step[leaving] = -start.beta[leaving]
        members.removeAll { $0 == leaving }
      } else if let entering = entering() {
        sign[entering] = slope[entering] > 0 ? -1 : 1
        members.append(entering)
        members.sort()
      } else {
        return true
      }
    }
    return false
  }

  /// The penalised gradient of a member.
  private func penalisedGradient(_ column: Int) -> Double {
    slope[column] + penalty.l2[column] * (start.beta[column] + step[column]) + penalty.l1[column]
      * sign[column]
  }

  private func element(_ row: Int, _ column: Int) -> Double {
    hessian[row * stride + column] + (row == column ? penalty.l2[row] : 0)
  }

  /// The step to the minimum over the members, and the limit of its length. If a member depends linearly on others, the minimum
  /// may lie at the far end of a flat direction, along which only a change of sign ends the descent.
  private func direction(runner: BlockRunner) throws -> ([Double], limit: Double) {
    let width = (members.count + 7) / 8 * 8
    var matrix = [Double](repeating: 0, count: members.count * width)
    for (row, i) in members.enumerated() {
      for column in 0...row { matrix[row * width + column] = element(i, members[column]) }
    }
    let factor = try Cholesky(
      matrix, order: members.count, stride: width, skipped: [Bool](repeating: false, count: members.count),
      tolerance: 1e-11, runner: runner)
    let correction = factor.solve(members.map { -penalisedGradient($0) })
    for k in members.indices where factor.skip[k] != 0 {
      var left = penalisedGradient(members[k])
      for (row, i) in members.enumerated() { left += element(members[k], i) * correction[row] }
      guard abs(left) > 1e-7 * (penalty.l1[members[k]] + 1e-6 * abs(start.gradient[members[k]])) else {
        continue
      }
      var flat = factor.solve(members.map { element($0, members[k]) })
      for row in flat.indices { flat[row] *= left > 0 ? 1 : -1 }
      flat[k] = left > 0 ? -1 : 1
      return (flat, .infinity)
    }
    return (correction, 1)
  }

  /// The length of the step up to the first change of sign, and the coefficient that changes.
  private func crossing(_ correction: [Double], limit: Double) -> (Double, Int?) {
    var length = limit
    var leaving: Int?
    for (row, i) in members.enumerated() where penalty.l1[i] > 0 && correction[row] * sign[i] < 0 {
      let reach = max(0, (start.beta[i] + step[i]) / -correction[row])
      if reach < length {
        length = reach
        leaving = i
      }
    }
    return (length, leaving)
  }

  private mutating func move(_ correction: [Double], length: Double) {
    for (row, i) in members.enumerated() {
      let change = length * correction[row]
      guard change != 0 else { continue }
      step[i] += change
      for column in slope.indices { slope[column] += change * hessian[i * stride + column] }
    }
  }

  /// The zero coefficient whose gradient exceeds the penalty most.
  private func entering() -> Int? {
    var worst: (column: Int, excess: Double)?
    for column in slope.indices
    where !skipped[column] && penalty.l1[column] > 0 && start.beta[column] + step[column] == 0 {
      let excess = abs(slope[column]) - penalty.l1[column] * (1 + 1e-10)
      if excess > 1e-12, excess > worst?.excess ?? 0, !members.contains(column) { worst = (column, excess) }
    }
    return worst?.column
  }
}
