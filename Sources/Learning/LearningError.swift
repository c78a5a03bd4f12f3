/// The reason why a table, a set of training parameters or a row to predict is refused.
public enum LearningError: Error, Sendable, Hashable {
  /// The columns, names and outcomes of a table are inconsistent.
  case malformedTable(detail: String)
  /// There are too few rows, in total or of one outcome, to fit and to measure a model.
  case tooFewRows(rows: Int, positives: Int, negatives: Int)
  /// All rows have the same outcome.
  case oneClass(outcome: Int, rows: Int)
  /// All rows have the same time, so that none are newer than others.
  case oneTime(rows: Int)
  /// The rows cannot be split as the validation asks for.
  case cannotValidate(detail: String)
  /// A training parameter is outside its range; `pointer` is a JSON Pointer (RFC 6901) into the parameters.
  case invalidParameter(pointer: String, detail: String)
  /// A number is infinite, or too large to be squared without overflow.
  case notFinite(feature: String)
  /// A row to predict has the wrong number of values.
  case wrongFeatureCount(expected: Int, found: Int)
  /// A row to predict has a value of the wrong type.
  case wrongValueType(feature: String, expected: String)
  /// The problem exceeds a limit of the learner.
  case tooLarge(detail: String)

  /// A sentence for the client of the API.
  public var detail: String {
    switch self {
    case .malformedTable(let detail), .tooLarge(let detail), .cannotValidate(let detail): detail
    case .tooFewRows(let rows, let positives, let negatives):
      """
      Training needs at least 2 rows of each outcome; there are \(rows) rows, \(positives) with outcome 1 and \
      \(negatives) with outcome 0.
      """
    case .oneClass(let outcome, let rows):
      "All \(rows) rows have the outcome \(outcome); training needs rows of both outcomes."
    case .oneTime(let rows):
      """
      All \(rows) rows have the same time; a validation by time needs rows of at least two. Rows without occurred_at have the time at \
      which they came.
      """
    case .invalidParameter(_, let detail): detail
    case .notFinite(let feature):
      "The feature '\(feature)' has a number that is not finite or is beyond ±1e150."
    case .wrongFeatureCount(let expected, let found):
      "The model takes \(expected) feature values, \(found) were given."
    case .wrongValueType(let feature, let expected):
      "The feature '\(feature)' takes a \(expected)."
    }
  }
}
