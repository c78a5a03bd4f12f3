/// The progress of a training.
public struct TrainingProgress: Sendable, Hashable, Codable {
  /// `encoding`, `validating`, `measuring` or `fitting`.
  public var phase: String
  /// Share of the work that is done, 0…1, never falling.
  public var fraction: Double
  /// The fold that is being fitted, counted from 1; absent in the final fit.
  public var fold: Int?
  /// Newton steps in this fit so far.
  public var iteration: Int
  /// The penalised loss at this step.
  public var objective: Double?
}
