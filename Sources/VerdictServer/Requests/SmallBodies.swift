import Foundation
import Hummingbird
import RowFormats
import VerdictCore

/// A body without members.
enum EmptyBody {
  static func check(_ body: Body) throws {
    guard body.type != nil else { return }
    let errors = ValidationErrors()
    _ = try JSONObjectReader.of(body, known: [], errors: errors)
    try errors.check()
  }
}

/// The body that activates a model.
struct ActiveModelBody {
  var version: Int
  /// Whether no training may replace it.
  var isPinned: Bool

  static func parse(_ body: Body) throws -> ActiveModelBody {
    let errors = ValidationErrors()
    let fields = try JSONObjectReader.of(body, known: ["version", "pinned"], errors: errors)
    let version = fields.integer("version", required: true, in: 1...Int(Int32.max))
    let isPinned: Bool? = fields.member("pinned", .bool)
    return ActiveModelBody(version: try errors.checked(version), isPinned: isPinned ?? false)
  }
}

/// The body that requests an erasure.
struct ErasureBody {
  var subject: ErasureSubject
  var retrain: Bool

  static func parse(_ body: Body) throws -> ErasureBody {
    let errors = ValidationErrors()
    let kinds = ErasureSubject.Kind.allCases
    let fields = try JSONObjectReader.of(
      body, known: Set(kinds.map(\.rawValue) + ["retrain"]), errors: errors)
    let given = kinds.filter { fields.has($0.rawValue) && !fields.isNull($0.rawValue) }
    if given.count != 1 {
      errors.add("", "must have exactly one of \(kinds.map(\.rawValue).joined(separator: ", "))")
    }
    let subject = given.first.flatMap { kind in
      fields.string(kind.rawValue, .bytes(1...200)).map { ErasureSubject(kind, $0.normalized) }
    }
    let retrain = fields.member("retrain", .bool) ?? false
    return ErasureBody(subject: try errors.checked(subject), retrain: retrain)
  }
}

/// The body that creates an API key.
struct NewKeyBody {
  var name: String
  var role: Role
  var expiresAt: Date?

  static func parse(_ body: Body) throws -> NewKeyBody {
    let errors = ValidationErrors()
    let fields = try JSONObjectReader.of(body, known: ["name", "role", "expires_at"], errors: errors)
    let name = fields.string("name", required: true, .keyName)
    let role = fields.choice("role", required: true, Role.self)
    let expires = fields.string("expires_at").flatMap { text in
      let time = Timestamp.parse(text)
      if time == nil { errors.add(fields.at("expires_at"), "must be a time as in RFC 3339") }
      if let time, time <= Date() { errors.add(fields.at("expires_at"), "must lie in the future") }
      return time
    }
    return NewKeyBody(name: try errors.checked(name), role: try errors.checked(role), expiresAt: expires)
  }
}

/// An outcome in a client's form, to be read by the words of a dataset.
struct OutcomeValue {
  private let value: JSONValue

  /// The outcome in `fields`; one that no dataset can read, and the absence of a required one, are errors.
  static func read(_ fields: JSONObjectReader, required: Bool) -> OutcomeValue? {
    guard let value = required || fields.has("label") ? fields.required("label") : nil else { return nil }
    guard value.categoryName != nil else {
      fields.errors.add(fields.at("label"), "must be 0, 1, true, false or a word of the outcome")
      return nil
    }
    return OutcomeValue(value: value)
  }

  /// The outcome in a dataset.
  ///
  /// - Throws: ``Problem`` of kind `schema-mismatch` for a text that is not a word of the dataset.
  func outcome(in dataset: Dataset) throws -> Bool {
    let schema = dataset.label.schema
    guard let outcome = value.categoryName.flatMap(schema.outcome(of:)) else {
      let detail = schema.words.refusal(of: value.text)
      throw Problem(.schemaMismatch, locations: [ErrorLocation(pointer: "/label", detail: detail)])
    }
    return outcome
  }
}

/// The body that labels a prediction.
enum PredictionLabelBody {
  static func parse(_ body: Body) throws -> OutcomeValue {
    let errors = ValidationErrors()
    let fields = try JSONObjectReader.of(body, known: ["label"], errors: errors)
    let outcome = OutcomeValue.read(fields, required: true)
    return try errors.checked(outcome)
  }
}

/// A merge patch (RFC 7396) of a label.
struct LabelPatchBody {
  private let outcome: OutcomeValue?
  private let features: JSONValue?
  private let attributes: AttributesPatch
  /// The memory of the features.
  private let share: RequestMemory.Reservation?

  static func parse(_ body: Body) throws -> LabelPatchBody {
    let errors = ValidationErrors()
    let fields = try JSONObjectReader.of(
      body, known: AttributesPatch.members.union(["features", "label"]), errors: errors)
    let outcome = OutcomeValue.read(fields, required: false)
    let attributes = AttributesPatch(fields)
    if fields.isNull("features") { errors.add(fields.at("features"), "must be an object") }
    try errors.check()
    return LabelPatchBody(
      outcome: outcome, features: fields.value("features"), attributes: attributes, share: body.share)
  }

  /// The label after the patch; the dataset's schema validates the values.
  func applied(to label: Label, of dataset: Dataset) throws -> Label {
    var label = label
    if let outcome { label.label = try outcome.outcome(in: dataset) }
    attributes.apply(to: &label.attributes)
    guard let features else { return label }
    // The reader of predictions parses the patch as a row, so that the rules for values stand in one place.
    let row = JSONValue.object(["features": features])
    let batch = try PredictionReader(schema: dataset.schema).readOne(row.encoded())
    guard case .object(let object) = features else { return label }
    let named = Set(object.members.map(\.name))
    let (numbers, categories) = batch.row(0)
    for feature in dataset.features where named.contains(feature.name) {
      if feature.type == .categorical {
        label.row.set(category: categories[feature.slot], at: feature.slot)
      } else {
        label.row.set(number: numbers[feature.slot], at: feature.slot)
      }
    }
    return label
  }
}

/// The bodies of prediction requests.
enum PredictionBody {
  /// Reads one row, and reserves the memory of the row and its answer, which have a warning and a contribution for each
  /// feature at most. The contributions of pairs, which are few, are within the share of small requests.
  static func one(
    _ body: Body, _ schema: RowSchema, explain: Bool, in share: RequestMemory.Reservation
  ) throws -> RowBatch {
    let answer = schema.features.count * (explain ? 400 : 200)
    if answer > RequestMemory.small { try share.set(body.bytes.count + answer) }
    return try PredictionReader(schema: schema).readOne(body.bytes)
  }

  /// Reads many rows, and reserves the memory of the rows and of their answers.
  ///
  /// - Parameters:
  ///   - body: the body.
  ///   - schema: the schema of the dataset.
  ///   - limit: the largest number of rows.
  ///   - share: the reservation of the body.
  static func batch(
    _ body: Body, _ schema: RowSchema, limit: Int, in share: RequestMemory.Reservation
  ) throws -> RowBatch {
    do {
      return try body.rows(atMost: limit, in: share) { limits in
        let batch = try PredictionReader(schema: schema, limits: limits).readBatch(body.bytes)
        let answers = PredictionAnswers.byteCount(rows: batch.count, features: schema.features.count)
        return (batch, batch.byteCount + answers)
      }
    } catch let error as TooManyRows {
      throw Problem(
        .invalidBody,
        locations: [
          ErrorLocation(pointer: "/predictions", detail: "must have at most \(error.limit) elements")
        ])
    }
  }
}
