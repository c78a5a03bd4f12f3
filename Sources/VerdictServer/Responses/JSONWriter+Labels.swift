import Foundation
import Learning
import RowFormats
import VerdictCore

extension JSONWriter {
  /// A training row of a dataset.
  mutating func label(_ label: Label, of dataset: Dataset) {
    object { json in
      json.name("id")
      json.integer(label.id)
      json.name("features")
      json.features(label.row, of: dataset)
      json.name("label")
      json.outcome(label.label)
      json.name("key")
      json.optional(label.key) { $0.string($1) }
      json.name("reference")
      json.optional(label.attributes.reference) { $0.string($1) }
      json.name("group")
      json.optional(label.attributes.group) { $0.string($1) }
      json.name("occurred_at")
      json.time(label.occurredAt)
      json.name("weight")
      json.number(label.attributes.weight ?? 1)
      json.name("split")
      json.optional(label.attributes.split) { $0.string($1.rawValue) }
      json.name("source")
      json.string(label.source.rawValue)
      json.name("prediction_id")
      json.optional(label.predictionID) { $0.uuid($1) }
      json.name("created_at")
      json.time(label.createdAt)
      json.name("updated_at")
      json.time(label.updatedAt)
    }
  }

  /// All features of a row, missing ones as `null`.
  mutating func features(_ row: FeatureRow, of dataset: Dataset) {
    object { json in
      for feature in dataset.features {
        json.name(feature.name)
        json.value(row[feature])
      }
    }
  }

  /// One feature value.
  mutating func value(_ value: FeatureValue) {
    switch value {
    case .number(let number): self.number(number)
    case .category(let name): string(name)
    case .missing: null()
    }
  }

  /// 0 or 1.
  mutating func outcome(_ value: Bool) {
    integer(value ? 1 : 0)
  }

  mutating func uuid(_ id: UUID) {
    string(id.uuidString.lowercased())
  }
}
