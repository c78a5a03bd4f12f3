import Learning
import RowFormats
import VerdictCore

/// The body of a request for a training: parameters that replace the dataset's for this training alone. `null` stands for the
/// dataset's own.
struct TrainingParametersBody {
  private let value: JSONValue

  /// Reads the body, which may be missing.
  static func parse(_ body: Body) throws -> TrainingParametersBody {
    guard body.type != nil else { return TrainingParametersBody(value: .object([:])) }
    return TrainingParametersBody(value: try body.document())
  }

  /// The parameters of a job on a dataset with `defaults`.
  ///
  /// - Throws: ``Problem`` of kind `invalid-body`.
  func applied(to defaults: TrainingParameters) throws -> TrainingParameters {
    let errors = ValidationErrors()
    return try errors.checked(JSONParser.trainingParameters(defaults: defaults).parse(value, errors))
  }
}
