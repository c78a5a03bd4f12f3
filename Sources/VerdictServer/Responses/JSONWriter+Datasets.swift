import RowFormats
import VerdictCore

extension JSONWriter {
  /// A dataset with its counts and active model.
  mutating func dataset(_ summary: DatasetSummary) throws {
    let dataset = summary.dataset
    try object { json in
      json.name("name")
      json.string(dataset.name)
      json.name("features")
      json.array(dataset.features) { $0.feature($1) }
      json.name("label")
      json.object { json in
        json.name("name")
        json.string(dataset.label.name)
        json.name("positive")
        json.optional(dataset.label.positive) { $0.string($1) }
        json.name("negative")
        json.optional(dataset.label.negative) { $0.string($1) }
      }
      for key in DatasetSettings.CodingKeys.allCases {
        json.name(key.rawValue)
        try json.optional(dataset.settings.value(of: key)) { try $0.encoded($1) }
      }
      json.warnings(of: dataset.label.words)
      json.name("labels_stored")
      json.integer(summary.counts.stored)
      json.name("positives")
      json.integer(summary.counts.positives)
      json.name("negatives")
      json.integer(summary.counts.negatives)
      json.name("active_model")
      json.optional(summary.activeModel) { json, model in
        json.object { json in
          json.name("version")
          json.integer(model.version)
          json.name("trained_at")
          json.time(model.trainedAt)
          json.name("labels_used")
          json.integer(model.labelsUsed)
        }
      }
      json.name("created_at")
      json.time(dataset.createdAt)
      json.name("updated_at")
      json.time(dataset.updatedAt)
    }
  }

  /// The member `warnings` of an object about the outcomes of a dataset, if there is anything to warn about.
  mutating func warnings(of words: OutcomeWords) {
    guard words.isOpen, let positive = words.positive else { return }
    name("warnings")
    array([positive]) { json, positive in
      json.object { json in
        json.name("kind")
        json.string("open_outcome")
        json.name("detail")
        json.string(
          "The outcome has one word: every other word than \"\(positive)\" means 0. "
            + "Add the second one to close the pair: PATCH {\"label\": {\"negative\": …}}.")
      }
    }
  }

  private mutating func feature(_ feature: Feature) {
    object { json in
      json.name("name")
      json.string(feature.name)
      json.name("type")
      json.string(feature.type.rawValue)
      if let categories = feature.categories {
        json.name("categories")
        json.array(categories) { $0.string($1) }
      }
    }
  }
}
