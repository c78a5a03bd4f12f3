/// The choices of a training and their reasons.
public struct ModelSelection: Sendable, Codable, Hashable {
  /// A family that was tried.
  public struct Candidate: Sendable, Codable, Hashable {
    /// The name of the family.
    public var family: String
    /// The criterion by which the families were compared; the smallest is chosen.
    public var score: Double

    /// Creates a candidate; see the properties.
    public init(family: String, score: Double) {
      self.family = family
      self.score = score
    }
  }

  /// The family of the model.
  public var family: String
  /// The criterion: `cross_validated_log_loss` on inner folds of the fitted rows, or `aic`. Absent if the family was given.
  public var criterion: String?
  /// The families that were compared; empty if the family was given.
  public var candidates: [Candidate]
  /// One sentence for people.
  public var reason: String

  /// Creates a selection; see the properties.
  public init(family: String, criterion: String?, candidates: [Candidate], reason: String) {
    self.family = family
    self.criterion = criterion
    self.candidates = candidates
    self.reason = reason
  }
}
