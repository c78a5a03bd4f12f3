import Foundation
import Learning
import VerdictCore

extension JSONWriter {
  /// An answer as it goes out at once.
  mutating func answer(_ answer: PredictionAnswer, explain: Bool) throws {
    try object { json in
      if let id = answer.id {
        json.name("id")
        json.uuid(id)
      }
      json.name("label")
      json.integer(answer.prediction.label)
      json.name("probability")
      json.number(answer.prediction.probability)
      json.name("threshold")
      json.number(answer.model.model.threshold)
      json.name("model_version")
      json.integer(answer.model.version)
      json.name("labels_used")
      json.integer(answer.model.labelsUsed)
      json.name("warnings")
      json.warnings(answer.prediction.warnings)
      guard explain else { return }
      json.name("intercept")
      json.number(answer.model.model.standardizedIntercept)
      json.name("contributions")
      let contributions = try answer.model.model.contributions(of: answer.values)
      json.array(zip(contributions, answer.values.values)) { json, pair in
        json.object { json in
          json.name("feature")
          json.string(pair.0.feature)
          json.name("value")
          json.value(pair.1)
          json.name("contribution")
          json.number(pair.0.contribution)
        }
      }
    }
  }

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

  private mutating func warnings(_ warnings: [PredictionWarning]) {
    array(warnings) { json, warning in
      json.object { json in
        json.name("feature")
        json.string(warning.feature)
        json.name("kind")
        json.string(warning.kind.wireName)
        json.name("detail")
        json.string(warning.detail)
      }
    }
  }
}

extension PredictionWarning.Kind {
  /// The kind as the contract names it.
  fileprivate var wireName: String {
    switch self {
    case .unseenCategory: "unseen-category"
    case .unseenMissing: "unseen-missing"
    case .outsideRange: "outside-range"
    }
  }
}
