extension LogisticModel {
  /// What the owner of the model should know of it.
  func warnings(separated: Bool) -> [TrainingWarning] {
    var warnings: [TrainingWarning] = []
    if separated {
      warnings.append(
        TrainingWarning(
          kind: .separated,
          detail: """
            Some values tell the outcomes apart without error, so that without a stronger penalty the best \
            coefficients are infinite; the fit stopped on the way. Use the penalty 'l2' or a smaller C.
            """))
    } else if !converged {
      warnings.append(
        TrainingWarning(
          kind: .notConverged,
          detail: "The fit ended after \(iterations) steps without reaching the tolerance."))
    }
    for feature in features {
      switch feature.coefficient?.status {
      case .constant:
        warnings.append(
          TrainingWarning(
            kind: .constantFeature, feature: feature.name,
            detail: "The feature '\(feature.name)' has only one value and is left out."))
      case .collinear:
        warnings.append(
          TrainingWarning(
            kind: .collinearFeature, feature: feature.name,
            detail: "The feature '\(feature.name)' follows from others and is left out."))
      default: continue
      }
    }
    return warnings
  }
}
