/// What becomes of a batch in which some rows do not fit the schema.
package enum RowErrorPolicy: String, Sendable, CaseIterable {
  /// Nothing of it is taken.
  case fail
  /// The rows that fit are taken, the others are told.
  case skip
}

/// The rows that were left out of a batch under ``RowErrorPolicy/skip``.
package struct SkippedRows: Sendable, Hashable {
  /// How many rows were left out.
  package var count: Int
  /// Why: the first hundred reasons, in the order of the input. A row may have several.
  package var problems: InputProblems

  /// Rows left out for these reasons.
  package init(count: Int, problems: InputProblems) {
    self.count = count
    self.problems = problems
  }

  /// No row was left out.
  package static let none = SkippedRows(count: 0, problems: InputProblems([], count: 0))
}
