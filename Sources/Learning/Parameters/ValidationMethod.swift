/// How the rows are split into those a model is fitted on and those it is measured on.
///
/// With `group`, the rows of one group are never on both sides. A method without it ignores groups.
public enum ValidationMethod: Sendable, Hashable {
  /// One model, measured on this share of the rows, 0.01…0.9; both sides keep the share of outcomes (stratified). JSON:
  /// `{"method": "holdout", "fraction": 0.2, "group": true}`.
  case holdout(fraction: Double, group: Bool = false)
  /// As many models as folds (2…20), each measured on the fold that it was not fitted on; stratified. JSON: `{"method":
  /// "kfold", "folds": 5, "group": true}`.
  case kfold(folds: Int, group: Bool = false)
  /// One model, measured on this newest share of the rows, 0.01…0.9. Rows of one time stay on one side, and rows within so many
  /// days (0…36,500) before the measured ones are on neither. JSON: `{"method": "time", "fraction": 0.2, "gap_days": 7, "group":
  /// true}`.
  case time(fraction: Double, gapDays: Double = 0, group: Bool = false)
  /// One model, measured on the rows that their owner marked as validation. JSON: `{"method": "split", "group": true}`.
  case split(group: Bool = false)

  /// The share of the rows that is measured unless the owner gives another one.
  public static let defaultFraction = 0.2
  /// The number of folds unless the owner gives another one.
  public static let defaultFolds = 5
  /// The bounds of the number of folds.
  public static let foldsRange = 2...20

  /// Whether the rows of a group stay on one side.
  public var keepsGroups: Bool {
    switch self {
    case .holdout(_, let group), .kfold(_, let group), .time(_, _, let group), .split(let group): group
    }
  }

  /// Whether the split depends on the times of the rows.
  public var usesTimes: Bool {
    if case .time = self { true } else { false }
  }

  func validate() throws(LearningError) {
    switch self {
    case .holdout(let fraction, _): try Self.validate(fraction: fraction)
    case .kfold(let folds, _):
      guard Self.foldsRange.contains(folds) else {
        throw .invalidParameter(
          pointer: "/validation/folds", detail: "folds must be a whole number from 2 to 20.")
      }
    case .time(let fraction, let gapDays, _):
      try Self.validate(fraction: fraction)
      guard gapDays >= 0, gapDays <= 36_500 else {
        throw .invalidParameter(
          pointer: "/validation/gap_days", detail: "gap_days must be a number from 0 to 36500.")
      }
    case .split: break
    }
  }

  private static func validate(fraction: Double) throws(LearningError) {
    guard fraction >= 0.01, fraction <= 0.9 else {
      throw .invalidParameter(
        pointer: "/validation/fraction", detail: "fraction must be a number from 0.01 to 0.9.")
    }
  }
}

extension ValidationMethod: Codable {
  private enum CodingKeys: String, CodingKey {
    case method, fraction, folds, group
    case gapDays = "gap_days"
  }

  private enum Method: String, Codable { case holdout, kfold, time, split }

  /// Reads one of the forms shown at the cases; `fraction` is 0.2, `folds` 5, `gap_days` 0 and `group` false where absent.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let group = try values.decodeIfPresent(Bool.self, forKey: .group) ?? false
    func fraction() throws -> Double {
      try values.decodeIfPresent(Double.self, forKey: .fraction) ?? Self.defaultFraction
    }
    switch try values.decode(Method.self, forKey: .method) {
    case .holdout: self = .holdout(fraction: try fraction(), group: group)
    case .kfold:
      let folds = try values.decodeIfPresent(Int.self, forKey: .folds) ?? Self.defaultFolds
      self = .kfold(folds: folds, group: group)
    case .time:
      let gapDays = try values.decodeIfPresent(Double.self, forKey: .gapDays) ?? 0
      self = .time(fraction: try fraction(), gapDays: gapDays, group: group)
    case .split: self = .split(group: group)
    }
  }

  /// Writes the form shown at the case; `group` only if it is true, as parameters that are older than it have none.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .holdout(let fraction, _):
      try values.encode(Method.holdout, forKey: .method)
      try values.encode(fraction, forKey: .fraction)
    case .kfold(let folds, _):
      try values.encode(Method.kfold, forKey: .method)
      try values.encode(folds, forKey: .folds)
    case .time(let fraction, let gapDays, _):
      try values.encode(Method.time, forKey: .method)
      try values.encode(fraction, forKey: .fraction)
      try values.encode(gapDays, forKey: .gapDays)
    case .split:
      try values.encode(Method.split, forKey: .method)
    }
    if keepsGroups { try values.encode(true, forKey: .group) }
  }
}
