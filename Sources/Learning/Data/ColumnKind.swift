/// What the values of a feature are; decides how they enter the design matrix.
public enum ColumnKind: String, Sendable, Codable, Hashable, CaseIterable {
  /// A real number, standardised.
  case continuous
  /// An ordered whole number, standardised like a continuous one.
  case discrete
  /// One of a set of names without an order, one column for each name.
  case categorical
}
