public import Learning

extension Gate {
  /// Refuses a model that does not reach the gate.
  ///
  /// A KPI that is undefined (a ratio with denominator 0) does not reach any gate. For errors, where less is better
  /// (`log_loss`, `brier_score`), the bound is the largest value that still passes.
  ///
  /// - Throws: ``DomainError/belowGate(metric:value:minimum:modelVersion:)``.
  public func check(_ kpis: KPIs, modelVersion: Int) throws {
    let value = kpis.value(of: metric)
    if let value, Self.lowerIsBetter.contains(metric) ? value <= minimum : value >= minimum { return }
    throw DomainError.belowGate(metric: metric, value: value, minimum: minimum, modelVersion: modelVersion)
  }

  /// The KPIs for which less is better.
  static let lowerIsBetter: Set<String> = ["log_loss", "brier_score"]
}
