@testable import VerdictCore

/// The readers of what comes from outside.
enum Target: String, CaseIterable {
  case json, ndjson, csv, predictions, compressed, key, cursor, headers

  func run(_ input: [UInt8]) {
    switch self {
    case .json: Readers.json(input)
    case .ndjson:
      Readers.stream(input) { NDJSONLabelReader(schema: Readers.schema, onError: $0, rowsPerBatch: 3) }
    case .csv: Readers.stream(input) { CSVLabelReader(schema: Readers.schema, onError: $0, rowsPerBatch: 3) }
    case .predictions: Readers.predictions(input)
    case .compressed: Readers.compressed(input)
    case .key: Texts.key(String(decoding: input, as: UTF8.self))
    case .cursor: Texts.cursor(String(decoding: input, as: UTF8.self))
    case .headers: Texts.headers(String(decoding: input, as: UTF8.self))
    }
  }
}
