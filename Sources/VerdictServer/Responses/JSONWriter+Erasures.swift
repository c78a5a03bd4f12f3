import RowFormats
import VerdictCore

extension JSONWriter {
  /// The status of an erasure.
  mutating func erasure(_ erasure: Erasure) {
    object { json in
      json.name("id")
      json.integer(erasure.id)
      json.name("state")
      json.string(erasure.state.rawValue)
      json.name("subject")
      json.string(erasure.kind.rawValue)
      json.name("hash")
      json.string(erasure.hashText)
      json.name("retrain")
      json.bool(erasure.retrain)
      json.name("labels_deleted")
      json.integer(erasure.labelsDeleted)
      json.name("predictions_deleted")
      json.integer(erasure.predictionsDeleted)
      json.name("answers_deleted")
      json.integer(erasure.answersDeleted)
      json.name("models_deleted")
      json.integer(erasure.modelsDeleted)
      json.name("training_job")
      json.optional(erasure.jobID) { $0.integer($1) }
      json.name("model_version")
      json.optional(erasure.modelVersion) { $0.integer($1) }
      json.name("error")
      json.optional(erasure.error) { json, error in
        json.object { json in
          json.name("type")
          json.string(error.type)
          json.name("detail")
          json.string(error.detail)
        }
      }
      json.name("created_at")
      json.time(erasure.createdAt)
      json.name("removed_at")
      json.optional(erasure.removedAt) { $0.time($1) }
      json.name("finished_at")
      json.optional(erasure.finishedAt) { $0.time($1) }
    }
  }
}
