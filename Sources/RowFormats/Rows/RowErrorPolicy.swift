/// The treatment of a batch in which some rows do not fit the schema.
public enum RowErrorPolicy: String, Sendable, CaseIterable {
  /// Refuses the whole batch.
  case fail
  /// Accepts the rows that fit and reports the others.
  case skip
}

/// The rows that were left out of a batch under ``RowErrorPolicy/skip``.
public struct SkippedRows: Sendable, Hashable {
  /// The number of rows that were left out.
  public var count: Int
  /// The first hundred reasons, in the order of the input. A row may have several.
  public var problems: InputProblems

  /// Creates a report of `count` rows that were left out because of `problems`.
  public init(count: Int, problems: InputProblems) {
    self.count = count
    self.problems = problems
  }

  /// A report that no row was left out.
  public static let none = SkippedRows(count: 0, problems: InputProblems([], count: 0))
}
