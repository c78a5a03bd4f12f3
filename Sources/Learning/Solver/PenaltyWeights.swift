/// The penalty of each design column in units of the loss, divided by C: `l1[j]·|β[j]| + ½·l2[j]·β[j]²`.
struct PenaltyWeights: Sendable {
  var l1: [Double]
  var l2: [Double]

  /// The penalty of the training parameters on all columns but the intercept.
  init(_ parameters: TrainingParameters, columns: Int) {
    let (first, second): (Double, Double) =
      switch parameters.penalty {
      case .none: (0, 0)
      case .l2: (0, 1)
      case .l1: (1, 0)
      case .elasticnet: (parameters.l1Ratio ?? 0, 1 - (parameters.l1Ratio ?? 0))
      }
    l1 = [Double](repeating: first / parameters.c, count: columns)
    l2 = [Double](repeating: second / parameters.c, count: columns)
    l1[0] = 0
    l2[0] = 0
  }

  /// Whether the objective is twice differentiable everywhere.
  var isSmooth: Bool { l1.allSatisfy { $0 == 0 } }

  /// Whether there is a penalty at all.
  var isPenalising: Bool { !(l1.allSatisfy { $0 == 0 } && l2.allSatisfy { $0 == 0 }) }

  func value(_ beta: [Double]) -> Double {
    beta.indices.reduce(0) { $0 + l1[$1] * abs(beta[$1]) + 0.5 * l2[$1] * beta[$1] * beta[$1] }
  }
}
