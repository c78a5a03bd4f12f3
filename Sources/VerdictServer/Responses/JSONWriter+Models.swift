import NIOCore
import Learning
import VerdictCore

extension JSONWriter {
  /// A model version without its coefficients.
  mutating func modelSummary(_ record: ModelRecord) throws {
    try object { try $0.modelMembers(record) }
  }

  /// A model version with its coefficients.
  mutating func model(_ record: ModelRecord) throws {
    try object { json in
      try json.modelMembers(record)
      json.name("intercept")
      json.number(record.model.intercept)
      json.name("intercept_standard_error")
      json.optional(record.model.interceptStandardError) { $0.number($1) }
      json.name("standardized_intercept")
      json.number(record.model.standardizedIntercept)
      json.name("iterations")
      json.integer(record.model.iterations)
      json.name("training_loss")
      json.number(record.model.trainingLoss)
      json.name("features")
      json.array(record.model.features) { $0.modelFeature($1) }
      json.name("coefficients")
      json.array(record.model.features.flatMap(ShownCoefficient.all(of:))) { $0.coefficient($1) }
      json.name("warnings")
      json.array(record.warnings) { $0.trainingWarning($1) }
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

  /// One line of the history of KPIs.
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
  mutating func liveKPIs(_ kpis: KPIs, version: Int) throws {
    try object { json in
      json.name("model_version")
      json.integer(version)
      try json.members(of: kpis)
    }
  }

  /// The members of a value that encodes as an object, into the object that is being written.
  private mutating func members(of value: some Encodable) throws {
    var nested = JSONWriter()
    try nested.encoded(value)
    raw(nested.buffer.readableBytesView.dropFirst().dropLast())
  }

  private mutating func modelMembers(_ record: ModelRecord) throws {
    name("version")
    integer(record.version)
    name("created_at")
    time(record.createdAt)
    name("training_job")
    integer(record.jobID)
    name("active")
    bool(record.isActive)
    name("labels_used")
    integer(record.labelsUsed)
    name("threshold")
    number(record.model.threshold)
    name("converged")
    bool(record.model.converged)
    name("labels_deleted_since")
    integer(record.labelsDeletedSince)
    name("parameters")
    try encoded(record.parameters)
    name("kpis")
    try encoded(record.kpis)
  }
}
