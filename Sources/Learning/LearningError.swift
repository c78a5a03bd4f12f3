/// Why a table, a set of parameters or a row to predict on cannot be worked with.
public enum LearningError: Error, Sendable, Hashable {
  /// Columns, names and outcomes do not fit together.
  case malformedTable(detail: String)
  /// There are not enough rows, in all or of one outcome, to fit and to measure a model.
  case tooFewRows(rows: Int, positives: Int, negatives: Int)
  /// All outcomes are the same, so that there is nothing to tell apart.
  case oneClass(outcome: Int, rows: Int)
  /// A training parameter is outside its range; `pointer` is a JSON Pointer (RFC 6901) into the parameters.
  case invalidParameter(pointer: String, detail: String)
  /// A number is infinite, or too large to be squared without overflow.
  case notFinite(feature: String)
  /// A row to predict on has the wrong number of values.
  case wrongFeatureCount(expected: Int, found: Int)
  /// A row to predict on has a value of the wrong type.
  case wrongValueType(feature: String, expected: String)
  /// The problem is larger than this learner takes on.
  case tooLarge(detail: String)

  /// One sentence for the person who called the API.
  public var detail: String {
    switch self {
    case .malformedTable(let detail), .tooLarge(let detail): detail
    case .tooFewRows(let rows, let positives, let negatives):
      """
      Training needs at least 2 rows of each outcome; there are \(rows) rows, \(positives) with outcome 1 and \
      \(negatives) with outcome 0.
      """
    case .oneClass(let outcome, let rows):
      "All \(rows) rows have the outcome \(outcome); training needs rows of both outcomes."
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
