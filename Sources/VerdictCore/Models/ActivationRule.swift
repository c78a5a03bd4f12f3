import Learning

extension Activation {
  /// Values that differ by less count as equal: trainings on the same labels that started from different coefficients
  /// agree to about 1e-11.
  private static let tolerance = 1e-9

  /// Whether a new model replaces the active one.
  ///
  /// With `best`, if its KPI is not worse: a tie goes to the newer model, and an undefined KPI is worse than any value.
  func admits(_ new: KPIs, over active: KPIs) -> Bool {
    guard policy == .best, let metric else { return true }
    guard let old = active[metric] else { return true }
    guard let value = new[metric] else { return false }
    return metric.isAtLeastAsGood(value, as: old, tolerance: Self.tolerance)
  }
}
