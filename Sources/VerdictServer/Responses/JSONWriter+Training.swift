import Foundation
import JobQueue
import Learning
import PostgreSQL
import RowFormats
import VerdictCore

extension JSONWriter {
  /// A training job.
  mutating func job(_ job: Job) throws {
    let outcome = try job.result?.decode(TrainingOutcome.self)
    let parameters = try job.parameters.decode(TrainingParameters.self)
    try object { json in
      json.name("id")
      json.integer(job.id)
      json.name("state")
      json.string(job.state.rawValue)
      json.name("trigger")
      json.string(job.origin)
      json.name("progress")
      json.number(job.progress)
      json.name("phase")
      json.optional(job.phase) { $0.string($1) }
      json.name("attempt")
      json.integer(job.attempt)
      json.name("attempts")
      json.array(job.failures) { json, failure in
        json.object { json in
          json.name("attempt")
          json.integer(failure.attempt)
          json.reason(failure.type, failure.detail)
          json.name("at")
          json.optional(failure.at) { $0.time($1) }
        }
      }
      json.name("parameters")
      try json.encoded(parameters.shown)
      json.name("created_at")
      json.time(job.createdAt)
      json.name("started_at")
      json.optional(job.startedAt) { $0.time($1) }
      json.name("finished_at")
      json.optional(job.finishedAt) { $0.time($1) }
      json.name("error")
      json.optional(job.error) { json, error in
        json.object { $0.reason(error.type, error.detail) }
      }
      json.name("model_version")
      json.optional(outcome?.modelVersion) { $0.integer($1) }
      json.name("kpis")
      try json.optional(outcome?.kpis) { try $0.encoded($1) }
    }
  }

  /// The members that say why a job or an attempt failed.
  private mutating func reason(_ type: String, _ detail: String) {
    name("type")
    string(type)
    name("detail")
    string(detail)
  }
}
