package import Foundation
package import Learning
import PostgreSQL

/// A stored prediction.
package struct StoredPrediction: Sendable {
  /// UUID version 7.
  package var id = UUID()
  /// The values that were predicted for.
  package var row = FeatureRow(numbers: [], categories: [])
  /// The predicted outcome.
  package var label = false
  /// The probability of outcome 1.
  package var probability = 0.0
  /// The lowest probability that means outcome 1.
  package var threshold = 0.0
  /// The model version that predicted.
  package var modelVersion = 0
  /// The model's warnings about the values.
  package var warnings: [PredictionWarning] = []
  /// The time of the prediction.
  package var createdAt = Date.distantPast
  /// The true outcome, if a client has said it.
  package var trueLabel: Bool?
  /// The last time at which a client said the true outcome.
  package var labelledAt: Date?
  /// The client's own id of the case.
  package var reference: String?
  /// The person or thing that the case belongs to.
  package var group: String?
  /// When the case happened, if the client said so.
  package var givenTime: Date?

  /// When the case happened: when it was predicted, unless the client said otherwise.
  package var occurredAt: Date { givenTime ?? createdAt }
}

/// A column of stored predictions: the one definition of its SQL, its decoding, its binary form in the INSERT, and its JSON
/// and CSV forms. The cases stand in the order of the JSON members; a raw value is the SQL column and, but for the values
/// of features, the JSON member and CSV column.
///
/// A new column needs a property of ``StoredPrediction`` and a case here, where the compiler names every switch that must
/// handle it, beside a migration and the contract.
package enum PredictionColumn: String, CaseIterable, Sendable {
  case id
  /// Continuous and discrete values by slot; in JSON and CSV the features of both types.
  case numbers
  /// Categories by slot.
  case categories
  case label
  case probability
  case threshold
  case modelVersion = "model_version"
  case warnings
  case createdAt = "created_at"
  case trueLabel = "true_label"
  case labelledAt = "labelled_at"
  case reference
  case group = "group_name"
  case occurredAt = "occurred_at"

  /// The columns of the CSV form in their order. Warnings have no CSV form.
  package static let csv: [PredictionColumn] = [
    .id, .createdAt, .modelVersion, .label, .probability, .threshold, .trueLabel, .labelledAt, .reference,
    .group, .occurredAt, .numbers,
  ]

  /// The composite type of a row in the parameter of the INSERT (migration 0011).
  ///
  /// Servers of two versions may run at once, so a type is never changed: a new column needs another type, named here.
  static let rowType = "prediction_row"
  /// The composite type of a row with attributes (migration 0018): the columns of ``AttributeColumn/ofPredictions`` follow.
  static let caseType = "prediction_case"

  /// Calls `body` for each attribute of ``rowType`` in order.
  ///
  /// Inlined calls rather than a loop over ``rowColumns``: the compiler then removes the switch over the column, which a loop
  /// evaluates for each value of each row.
  @inline(__always)
  static func forEachRowColumn(_ body: (PredictionColumn) -> Void) {
    body(.id)
    body(.label)
    body(.probability)
    body(.numbers)
    body(.categories)
    body(.warnings)
  }

  /// The attributes of ``rowType`` in order.
  static let rowColumns: [PredictionColumn] = {
    var columns: [PredictionColumn] = []
    forEachRowColumn { columns.append($0) }
    return columns
  }()
}

// MARK: Reading

extension PredictionColumn {
  /// The statement that reads all columns; a WHERE clause on `p` and `l` follows, where `l` is the label made of a prediction.
  static let select: Query = {
    let expressions = allCases.map { "\(unescaped: $0.expression)" as Query }
    return "SELECT " + Query.list(expressions) + """
       FROM predictions p
      LEFT JOIN labels l
        ON l.tenant_id = p.tenant_id AND l.dataset_id = p.dataset_id AND l.prediction_id = p.id

      """
  }()

  private var expression: String {
    switch self {
    case .trueLabel: "l.label"
    case .labelledAt: "l.updated_at"
    default: "p.\(rawValue)"
    }
  }

  /// Decodes a row of ``select``.
  static func prediction(_ row: some ColumnDecoder) throws -> StoredPrediction {
    var prediction = StoredPrediction()
    for (index, column) in allCases.enumerated() {
      try column.decode(row, at: index, into: &prediction)
    }
    return prediction
  }

  private func decode(_ row: some ColumnDecoder, at index: Int, into prediction: inout StoredPrediction)
    throws
  {
    switch self {
    case .id: prediction.id = try row.column(index)
    case .numbers: prediction.row.numbers = try row.column(index)
    case .categories: prediction.row.categories = try row.column(index)
    case .label: prediction.label = try row.column(index)
    case .probability: prediction.probability = try row.column(index)
    case .threshold: prediction.threshold = try row.column(index)
    case .modelVersion: prediction.modelVersion = Int(try row.column(index, as: Int32.self))
    case .warnings:
      prediction.warnings = try row.column(index, as: JSONB?.self)?.decode([PredictionWarning].self) ?? []
    case .createdAt: prediction.createdAt = try row.column(index)
    case .trueLabel: prediction.trueLabel = try row.column(index)
    case .labelledAt: prediction.labelledAt = try row.column(index)
    case .reference: prediction.reference = try row.column(index)
    case .group: prediction.group = try row.column(index)
    case .occurredAt: prediction.givenTime = try row.column(index)
    }
  }
}

/// A row whose columns are decoded by position: of a query, or of a COPY in binary format.
protocol ColumnDecoder {
  func column<T: PostgresDecodable & PostgresEncodable>(_ index: Int, as type: T.Type) throws -> T
}

extension ColumnDecoder {
  fileprivate func column<T: PostgresDecodable & PostgresEncodable>(_ index: Int) throws -> T {
    try column(index, as: T.self)
  }
}

extension Row: ColumnDecoder {
  func column<T: PostgresDecodable & PostgresEncodable>(_ index: Int, as type: T.Type) throws -> T {
    try decode(at: index, as: type)
  }
}

extension BinaryCopyReader: ColumnDecoder {
  func column<T: PostgresDecodable & PostgresEncodable>(_ index: Int, as type: T.Type) throws -> T {
    try decode(index, as: type)
  }
}

// MARK: Writing

extension PredictionColumn {
  /// The bytes of a value in the binary form of ``rowType``; 0 for NULL.
  @inline(__always)
  func size(of answers: PredictionAnswers, row: Int, warnings: Data?) -> Int {
    switch self {
    case .id: 16
    case .label: 1
    case .probability: 8
    case .numbers: RowArrayWriter.numbersSize(answers.rows, row)
    case .categories: RowArrayWriter.categoriesSize(answers.rows, row)
    case .warnings: warnings.map { 1 + $0.count } ?? 0
    // The database or the statement sets these, and AttributeColumn writes the attributes.
    case .threshold, .modelVersion, .createdAt, .trueLabel, .labelledAt, .reference, .group, .occurredAt: 0
    }
  }

  /// Writes a value with its type and length.
  @inline(__always)
  func write(_ answers: PredictionAnswers, row: Int, warnings: Data?, to writer: inout RowArrayWriter) {
    switch self {
    case .id:
      writer.column(.uuid, 16)
      withUnsafeBytes(of: answers.ids[row].uuid) { for byte in $0 { writer.integer(byte) } }
    case .label:
      writer.column(.bool, 1)
      writer.integer(UInt8(answers.label(row) ? 1 : 0))
    case .probability:
      writer.column(.float8, 8)
      writer.integer(answers.probabilities[row].bitPattern)
    case .numbers: writer.numbersColumn(answers.rows, row)
    case .categories: writer.categoriesColumn(answers.rows, row)
    case .warnings:
      guard let warnings else { return writer.null(.jsonb) }
      writer.column(.jsonb, 1 + warnings.count)
      // The version of jsonb's binary form.
      writer.integer(UInt8(1))
      for byte in warnings { writer.integer(byte) }
    case .threshold, .modelVersion, .createdAt, .trueLabel, .labelledAt, .reference, .group, .occurredAt:
      break
    }
  }
}

// MARK: JSON and CSV

extension PredictionColumn {
  /// The name of the JSON member and the CSV column; `nil` for a part of another one.
  package var member: String? {
    switch self {
    case .numbers: "features"
    case .categories: nil
    case .group: "group"
    default: rawValue
    }
  }

  /// The value in a form that text formats can write.
  package enum Value: Sendable {
    case uuid(UUID)
    case integer(Int)
    case number(Double)
    case text(String)
    /// 0 or 1.
    case outcome(Bool)
    case time(Date)
    /// The values of all features.
    case features(FeatureRow)
    case warnings([PredictionWarning])
    case null
  }

  /// The value in a prediction.
  package func value(in prediction: StoredPrediction) -> Value {
    switch self {
    case .id: .uuid(prediction.id)
    case .numbers: .features(prediction.row)
    case .categories: .null
    case .label: .outcome(prediction.label)
    case .probability: .number(prediction.probability)
    case .threshold: .number(prediction.threshold)
    case .modelVersion: .integer(prediction.modelVersion)
    case .warnings: .warnings(prediction.warnings)
    case .createdAt: .time(prediction.createdAt)
    case .trueLabel: prediction.trueLabel.map { .outcome($0) } ?? .null
    case .labelledAt: prediction.labelledAt.map { .time($0) } ?? .null
    case .reference: prediction.reference.map { .text($0) } ?? .null
    case .group: prediction.group.map { .text($0) } ?? .null
    case .occurredAt: .time(prediction.occurredAt)
    }
  }
}
