import Foundation

@testable import RowFormats
@testable import VerdictCore
@testable import VerdictServer

/// Fuzz target for the request bodies that are parsed through `JSONValue`.
enum Bodies {
  private static let training = NewDataset(name: "adult", features: []).settings.training

  /// A dataset with the features of ``Readers/schema``.
  static let dataset = Dataset(
    id: 1, name: "adult", features: Readers.schema.features, label: LabelDefinition(positive: "yes"),
    settings: DatasetSettings(), activeVersion: nil, revision: 1, createdAt: .distantPast,
    updatedAt: .distantPast)

  private static let label = Label(
    id: 1, label: true, row: FeatureRow(numbers: [39], categories: []), key: nil, predictionID: nil,
    createdAt: .distantPast, updatedAt: .distantPast)

  static func small(_ input: [UInt8]) {
    guard let value = try? JSONValue.parse(input) else { return }
    require((try? JSONValue.parse(value.encoded())) == value, "JSON values round-trip")
    let body = Body(type: .json, bytes: input)
    if let new = try? NewDatasetBody.parse(body) {
      require(TextRule.slug.admits(new.name) && !new.features.isEmpty, "a dataset has a slug and features")
    }
    _ = try? DatasetPatchBody.parse(body).change(of: dataset)
    _ = try? TrainingParametersBody.parse(body).applied(to: training)
    if let choice = try? ActiveModelBody.parse(body) { require(choice.version > 0, "versions are positive") }
    if let key = try? NewKeyBody.parse(body) { require(!key.name.isEmpty, "a key has a name") }
    _ = try? PredictionLabelBody.parse(body).outcome(in: dataset)
    _ = try? LabelPatchBody.parse(body).applied(to: label, of: dataset)
    _ = try? EmptyBody.check(body)
  }
}
