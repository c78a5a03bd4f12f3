import Foundation
import Learning
import VerdictCore

extension JSONWriter {
  /// A stored prediction.
  mutating func prediction(_ prediction: StoredPrediction, of dataset: Dataset) {
    object { json in
      json.name("id")
      json.uuid(prediction.id)
      json.name("features")
      json.features(prediction.row, of: dataset)
      json.name("label")
      json.outcome(prediction.label)
      json.name("probability")
      json.number(prediction.probability)
      json.name("threshold")
      json.number(prediction.threshold)
      json.name("model_version")
      json.integer(prediction.modelVersion)
      json.name("warnings")
      json.warnings(prediction.warnings)
      json.name("created_at")
      json.time(prediction.createdAt)
      json.name("true_label")
      json.optional(prediction.truth) { $0.outcome($1.label) }
      json.name("labelled_at")
      json.optional(prediction.truth) { $0.time($1.at) }
    }
  }

  mutating func warnings(_ warnings: [PredictionWarning]) {
    array(warnings) { json, warning in
      json.object { json in
        json.name("feature")
        json.string(warning.feature)
        json.name("kind")
        json.string(warning.kind.rawValue)
        json.name("detail")
        json.string(warning.detail)
      }
    }
  }
}
