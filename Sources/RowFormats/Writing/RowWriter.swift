/// Writes labelled rows as JSON, NDJSON and CSV that the readers of this module read back to the same rows.
///
/// Doubles are written in the shortest form that reads back exactly. A row may have fewer slots than the schema, because
/// it was stored before features were added; those values are missing. All functions append, so that one buffer serves
/// many rows.
public struct RowWriter: Sendable {
  /// The features and outcome names of the rows.
  public let schema: RowSchema
  /// `"name":` for each feature of the schema.
  @usableFromInline let jsonNames: [[UInt8]]
  /// The values of the label for outcomes 0 and 1 that every reader reads back.
  @usableFromInline let jsonOutcomes: [[UInt8]]
  @usableFromInline let csvOutcomes: [[UInt8]]

  /// Creates a writer for rows of `schema`.
  public init(schema: RowSchema) {
    self.schema = schema
    jsonNames = schema.features.map { feature in
      var bytes: [UInt8] = []
      bytes.append(jsonString: feature.name.utf8)
      return bytes + [UInt8(ascii: ":")]
    }
    jsonOutcomes = ["0", "1"].enumerated().map { outcome, digit in
      // Where the words are 0 or 1 themselves, only they say which is meant.
      if schema.outcome(of: digit) == (outcome == 1) { return Array(digit.utf8) }
      var bytes: [UInt8] = []
      bytes.append(jsonString: schema.words.text(of: UInt8(outcome)).utf8)
      return bytes
    }
    csvOutcomes = [UInt8(0), 1].map { outcome in
      var bytes: [UInt8] = []
      bytes.append(csvField: schema.words.text(of: outcome).utf8)
      return bytes
    }
  }
}

/// A labelled row that ``RowWriter`` can write from wherever its values are stored.
///
/// The writing functions are generic and inlinable: a conforming type in another module is written without dynamic
/// dispatch.
public protocol WritableRow {
  /// UTF-8 text.
  associatedtype Text: Collection<UInt8>
  /// The value of the continuous or discrete feature at `slot`; `nil` if it is missing or the row has no such slot.
  func number(_ slot: Int) -> Double?
  /// The value of the categorical feature at `slot`; `nil` if it is missing or the row has no such slot.
  func category(_ slot: Int) -> Text?
  /// The true outcome, 0 or 1.
  var outcome: UInt8 { get }
  /// The client's key of the row.
  var keyText: Text? { get }
  /// The person or thing that the row belongs to.
  var groupText: Text? { get }
  /// The client's id of the case.
  var referenceText: Text? { get }
  /// The time of the case in microseconds since 1970-01-01 00:00:00 UTC.
  var time: Int64? { get }
  /// How much the row counts.
  var weight: Double? { get }
  /// Whether the row is fitted on or measured.
  var split: RowSplit? { get }
}

extension WritableRow {
  /// Appends the attributes that the row has as further members of a JSON object.
  @inlinable
  func appendAttributes(to bytes: inout [UInt8]) {
    if let reference = referenceText {
      bytes.append(contentsOf: #","reference":"#.utf8)
      bytes.append(jsonString: reference)
    }
    if let group = groupText {
      bytes.append(contentsOf: #","group":"#.utf8)
      bytes.append(jsonString: group)
    }
    if let time {
      bytes.append(contentsOf: #","occurred_at":""#.utf8)
      bytes.append(time: time)
      bytes.append(UInt8(ascii: "\""))
    }
    if let weight {
      bytes.append(contentsOf: #","weight":"#.utf8)
      bytes.append(number: weight)
    }
    if let split {
      bytes.append(contentsOf: #","split":""#.utf8)
      bytes.append(contentsOf: split.rawValue.utf8)
      bytes.append(UInt8(ascii: "\""))
    }
  }

  /// Appends one attribute as a CSV field; an empty one if the row does not have it.
  @inlinable
  func append(_ attribute: CaseAttribute, to bytes: inout [UInt8]) {
    switch attribute {
    case .reference: if let text = referenceText { bytes.append(csvField: text) }
    case .group: if let text = groupText { bytes.append(csvField: text) }
    case .occurredAt: if let time { bytes.append(time: time) }
    case .weight: if let weight { bytes.append(number: weight) }
    case .split: if let split { bytes.append(contentsOf: split.rawValue.utf8) }
    }
  }
}
