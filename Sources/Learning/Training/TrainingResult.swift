/// What a training comes back with.
public struct TrainingResult: Sendable {
  /// Fitted on all rows.
  public var model: LogisticModel
  /// Measured on held-out rows.
  public var kpis: KPIs
  /// Drawn on the same rows.
  public var curves: Curves
  /// What the owner should know of.
  public var warnings: [TrainingWarning]
}
