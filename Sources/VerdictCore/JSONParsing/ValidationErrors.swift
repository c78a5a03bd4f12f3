package import RowFormats

/// Collects the errors of one request body, so that the client learns of all of them at once.
///
/// A class, because nested objects of one body report to the same collection. It stays within one task.
package final class ValidationErrors {
  /// The errors in the order of their detection.
  package private(set) var problems: [InputProblem] = []

  /// Creates an empty collection.
  package init() {}

  /// Whether no error has been recorded.
  package var isEmpty: Bool { problems.isEmpty }

  /// Records an error at a JSON Pointer (RFC 6901) into the body.
  package func add(_ pointer: String, _ detail: String) {
    problems.append(InputProblem(pointer: pointer, detail: detail))
  }
}
