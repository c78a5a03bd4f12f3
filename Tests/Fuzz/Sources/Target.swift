@testable import VerdictCore

/// The fuzz targets: every reader of client input.
enum Target: String, CaseIterable {
  case headers, bodies, csv, json, ndjson, predictions, compressed, texts

  func run(_ input: [UInt8]) {
    switch self {
    case .headers: Texts.headers(String(decoding: input, as: UTF8.self))
    case .bodies: Bodies.small(input)
    case .csv: Readers.csv(input)
    case .json: Readers.json(input)
    case .ndjson: Readers.ndjson(input)
    case .predictions: Readers.predictions(input)
    case .compressed: Readers.compressed(input)
    case .texts:
      Texts.key(String(decoding: input, as: UTF8.self))
      Texts.cursor(String(decoding: input, as: UTF8.self))
    }
  }
}
