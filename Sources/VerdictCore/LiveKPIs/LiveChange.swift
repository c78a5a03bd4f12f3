import Learning

/// The change that a transaction makes to the confusion matrices of model versions on labelled predictions.
struct LiveChange: Sendable, Equatable {
  /// The changes by version.
  private(set) var matrices: [Int: ConfusionMatrix] = [:]

  /// Whether nothing changes.
  var isEmpty: Bool { matrices.isEmpty }

  /// Adds `count` labelled predictions of a version. A negative count subtracts them.
  mutating func add(_ count: Int, version: Int, predicted: Bool, outcome: Bool) {
    guard count != 0 else { return }
    var matrix =
      matrices[version]
      ?? ConfusionMatrix(truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0)
    switch (predicted, outcome) {
    case (true, true): matrix.truePositive += count
    case (true, false): matrix.falsePositive += count
    case (false, false): matrix.trueNegative += count
    case (false, true): matrix.falseNegative += count
    }
    matrices[version] = matrix
  }

  /// Adds another change.
  mutating func add(_ other: LiveChange) {
    for (version, matrix) in other.matrices {
      add(matrix.truePositive, version: version, predicted: true, outcome: true)
      add(matrix.falsePositive, version: version, predicted: true, outcome: false)
      add(matrix.trueNegative, version: version, predicted: false, outcome: false)
      add(matrix.falseNegative, version: version, predicted: false, outcome: true)
    }
  }

  /// Adds a stored label. A label without a prediction changes nothing.
  mutating func add(_ count: Int, version: Int?, predicted: Bool?, outcome: Bool) {
    guard let version, let predicted else { return }
    add(count, version: version, predicted: predicted, outcome: outcome)
  }
}
