import Learning

extension Activation {
  /// Whether a new model takes the place of the active one.
  ///
  /// With `best`, if its KPI is not worse: a tie goes to the newer one, and an undefined KPI is worse than any value.
  /// Smaller is better for errors (``Gate/lowerIsBetter``). Trainings on the same labels that started from different
  /// coefficients agree to about 1e-11, so what differs by less than 1e-9 counts as equal.
  func admits(_ new: KPIs, over active: KPIs) -> Bool {
    guard policy == .best, let metric else { return true }
    guard let old = active.value(of: metric) else { return true }
    guard let value = new.value(of: metric) else { return false }
    return Gate.lowerIsBetter.contains(metric) ? value <= old + 1e-9 : value >= old - 1e-9
  }
}
