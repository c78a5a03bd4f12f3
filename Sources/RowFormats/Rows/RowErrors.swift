/// What becomes of a batch in which some rows do not fit the schema.
public enum RowErrorPolicy: String, Sendable, CaseIterable {
  /// Nothing of it is taken.
  case fail
  /// The rows that fit are taken, the others are told.
  case skip
}

/// The rows that were left out of a batch under ``RowErrorPolicy/skip``.
public struct SkippedRows: Sendable, Hashable {
  /// How many rows were left out.
  public var count: Int
  /// Why: the first hundred reasons, in the order of the input. A row may have several.
  public var problems: InputProblems

  /// Rows left out for these reasons.
  public init(count: Int, problems: InputProblems) {
    self.count = count
    self.problems = problems
  }

  /// No row was left out.
  public static let none = SkippedRows(count: 0, problems: InputProblems([], count: 0))
}
