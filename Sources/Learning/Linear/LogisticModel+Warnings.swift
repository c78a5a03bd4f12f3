extension LogisticModel {
  /// Findings about the fit for the model's owner.
  func warnings(separated: [String]) -> [TrainingWarning] {
    var warnings: [TrainingWarning] = []
    if !separated.isEmpty {
      warnings.append(
        TrainingWarning(
          kind: .separated, feature: separated.count == 1 ? separated[0] : nil,
          detail: """
            \(separated.prefix(5).joined(separator: ", "))\(separated.count > 5 ? " and others" : "") tell the \
            outcomes apart without error for some rows, so that without a penalty the best coefficients are \
            infinite; the fit stopped on the way. Use the penalty 'l2'.
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
