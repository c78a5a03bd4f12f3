/// A value of a table whose columns have no types yet.
public enum TableCell: Sendable, Hashable {
  /// An empty field of CSV, or `null`.
  case missing
  /// A field of CSV, which is not empty. It may be the text of a number.
  case field(String)
  /// A string of JSON, which is never a number.
  case string(String)
  /// A number of JSON in its original text.
  case number(String)
  /// A boolean of JSON.
  case bool(Bool)
}
