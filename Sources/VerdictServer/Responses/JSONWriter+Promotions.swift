import Learning
import RowFormats
import VerdictCore

extension JSONWriter {
  /// An entry of the history of a dataset's active model.
  mutating func promotion(_ promotion: Promotion) throws {
    try object { json in
      json.name("id")
      json.integer(promotion.id)
      json.name("at")
      json.time(promotion.at)
      json.name("version")
      json.integer(promotion.version)
      json.name("previous_version")
      json.optional(promotion.previousVersion) { $0.integer($1) }
      json.name("reason")
      json.string(promotion.reason)
      json.name("pinned")
      json.bool(promotion.isPinned)
      json.name("by")
      json.promoter(promotion.promoter, keyName: promotion.keyName)
      json.name("comparison")
      try json.optional(promotion.comparison) { try $0.encoded($1) }
    }
  }

  private mutating func promoter(_ promoter: Promotion.Promoter, keyName: String?) {
    let type: String
    var job: Int?
    var key: Int?
    switch promoter {
    case .training(let id):
      type = "training"
      job = id
    case .actor(.key(let id)):
      type = "key"
      key = id
    case .actor(.commandLine): type = "command_line"
    }
    object { json in
      json.name("type")
      json.string(type)
      json.name("training_job")
      json.optional(job) { $0.integer($1) }
      json.name("key_id")
      json.optional(key) { $0.integer($1) }
      json.name("key_name")
      json.optional(keyName) { $0.string($1) }
    }
  }

  /// Two versions on the same rows.
  mutating func comparison(_ comparison: ModelComparison) throws {
    try object { json in
      json.name("champion")
      json.integer(comparison.champion)
      json.name("challenger")
      json.integer(comparison.challenger)
      json.name("rows_used")
      json.integer(comparison.rowsUsed)
      json.name("sampled")
      json.bool(comparison.isSampled)
      json.name("validation")
      try json.encoded(comparison.validation)
      try json.members(of: comparison.result)
    }
  }
}
