package import RowFormats

/// Collects the errors of one request body, so that the client learns of all of them at once.
///
/// A class, because nested objects of one body report to the same collection. It stays within one task.
package final class ValidationErrors {
  /// In the order in which they were found.
  package private(set) var problems: [InputProblem] = []

  /// No errors yet.
  package init() {}

  /// Whether nothing was wrong so far.
  package var isEmpty: Bool { problems.isEmpty }

  /// Notes an error at a JSON Pointer (RFC 6901) into the body.
  package func add(_ pointer: String, _ detail: String) {
    problems.append(InputProblem(pointer: pointer, detail: detail))
  }
}
