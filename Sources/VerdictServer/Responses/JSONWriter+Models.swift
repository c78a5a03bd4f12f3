import NIOCore
import Learning
import RowFormats
import VerdictCore

extension JSONWriter {
  /// A model version as lists show it.
  mutating func modelSummary(_ model: ModelSummary) throws {
    try object { try $0.modelMembers(model) }
  }

  /// A model version with what its family shows of it.
  mutating func model(_ record: ModelRecord) throws {
    try object { json in
      try json.modelMembers(record.summary)
      json.name("family")
      json.string(record.family)
      for member in record.model.describe() {
        json.name(member.name)
        json.description(member.value)
      }
      json.name("warnings")
      json.array(record.warnings) { $0.trainingWarning($1) }
      json.name("comparison")
      try json.optional(record.comparison) { try $0.encoded($1) }
    }
  }

  private mutating func description(_ description: ModelDescription) {
    switch description {
    case .number(let number): optional(number) { $0.number($1) }
    case .count(let count): integer(count)
    case .text(let text): optional(text) { $0.string($1) }
    case .list(let list): optional(list) { json, list in json.array(list) { $0.description($1) } }
    case .members(let members):
      object { json in
        for member in members {
          json.name(member.name)
          json.description(member.value)
        }
      }
    }
  }

  private mutating func trainingWarning(_ warning: TrainingWarning) {
    object { json in
      json.name("kind")
      json.string(warning.kind.rawValue)
      json.name("feature")
      json.optional(warning.feature) { $0.string($1) }
      json.name("detail")
      json.string(warning.detail)
    }
  }

  /// An entry of the history of KPIs.
  mutating func kpiRecord(_ record: KPIRecord) throws {
    try object { json in
      json.name("model_version")
      json.integer(record.modelVersion)
      json.name("training_job")
      json.integer(record.jobID)
      json.name("trained_at")
      json.time(record.trainedAt)
      json.name("trigger")
      json.string(record.trigger.rawValue)
      try json.members(of: record.kpis)
    }
  }

  /// The live KPIs of a version.
  mutating func liveKPIs(_ live: LiveKPIs, version: Int) throws {
    try object { json in
      json.name("model_version")
      json.integer(version)
      json.name("since")
      json.optional(live.since) { $0.time($1) }
      json.name("unlabelled")
      try json.encoded(live.unlabelled)
      json.name("too_young")
      try json.encoded(live.tooYoung)
      json.name("reason")
      json.optional(live.reason) { $0.string($1) }
      try json.members(of: live.kpis)
    }
  }

  /// Writes the members of a value that encodes as an object into the current object.
  mutating func members(of value: some Encodable) throws {
    var nested = JSONWriter()
    try nested.encoded(value)
    raw(nested.bytes.dropFirst().dropLast())
  }

  private mutating func modelMembers(_ model: ModelSummary) throws {
    name("version")
    integer(model.version)
    name("created_at")
    time(model.createdAt)
    name("training_job")
    integer(model.jobID)
    name("active")
    bool(model.isActive)
    name("pinned")
    bool(model.isPinned)
    name("labels_used")
    integer(model.labelsUsed)
    name("threshold")
    number(model.threshold)
    name("converged")
    bool(model.converged)
    name("labels_deleted_since")
    integer(model.labelsDeletedSince)
    name("erased_labels")
    integer(model.erasedLabels)
    name("parameters")
    try encoded(model.parameters.shown)
    name("kpis")
    try encoded(model.kpis)
  }
}
