import HTTPTypes
import Hummingbird

@testable import RowFormats
@testable import VerdictCore
@testable import VerdictServer

/// Fuzz targets for the readers of rows in every format.
enum Readers {
  /// A schema with every type of feature, in both kinds of slots.
  static let schema = RowSchema(
    features: [
      Feature(name: "age", type: .discrete, slot: 0), Feature(name: "hours", type: .continuous, slot: 1),
      Feature(name: "job", type: .categorical, slot: 0),
      Feature(name: "sex", type: .categorical, categories: ["f", "m"], slot: 1),
    ], words: OutcomeWords(positive: "yes", negative: "no"))

  static func json(_ input: [UInt8]) {
    let reader = JSONLabelReader(schema: schema)
    let whole = try? reader.read(input)
    let skipping = try? reader.readSkipping(input.span.bytes)
    if let whole {
      require(whole.outcomes.count == whole.count, "as many outcomes as rows")
      require(
        skipping?.rows.count == whole.count && skipping?.skipped.count == 0, "valid rows are not skipped")
    }
    if let skipping { require(whole != nil || skipping.skipped.count > 0, "invalid rows are skipped") }
  }

  /// The input is a byte that selects where the stream is split, then the stream.
  static func ndjson(_ input: [UInt8]) {
    guard let first = input.first else { return }
    stream(first, Array(input.dropFirst())) {
      NDJSONLabelReader(schema: schema, onError: $0, rowsPerBatch: 3, limits: $1)
    }
  }

  /// The input is a byte that selects where the stream is split, a line with the query of options, then the stream.
  static func csv(_ input: [UInt8]) {
    guard let first = input.first else { return }
    let line = input.dropFirst().prefix { $0 != UInt8(ascii: "\n") }
    let body = Array(input.dropFirst(line.count + 2))
    let format = Texts.csvFormat(String(decoding: line, as: UTF8.self)) ?? CSVFormat()
    stream(first, body) {
      CSVLabelReader(schema: schema, format: format, onError: $0, rowsPerBatch: 3, limits: $1)
    }
    predictions(first, body) { CSVPredictionReader(schema: schema, format: format) }
  }

  /// A stream must yield the same rows read at once and in two pieces.
  private static func stream(
    _ first: UInt8, _ body: [UInt8], _ make: (RowErrorPolicy, StreamLimits) -> any LabelStreamReader
  ) {
    let cut = body.isEmpty ? 0 : Int(first >> 1) % body.count
    let policy: RowErrorPolicy = first & 1 == 0 ? .fail : .skip
    let whole = rows([body], make(policy, StreamLimits()))
    // With small pieces, the reader meets the split in the middle of a row.
    let parted = rows([Array(body[..<cut]), Array(body[cut...])], make(policy, StreamLimits(piece: 4)))
    require(whole == parted, "the split of a stream makes no difference")
  }

  /// The rows of a stream and the number of skipped rows; `nil` for a refused stream.
  private static func rows(_ pieces: [[UInt8]], _ reader: any LabelStreamReader) -> [String]? {
    var rows: [String] = []
    do {
      for piece in pieces { rows += try reader.feed(piece)?.texts ?? [] }
      // Each feed returns at most one batch, and the end returns the remaining rows.
      while let batch = try reader.feed([]) { rows += batch.texts }
      rows += try reader.finish()?.texts ?? []
      return rows + ["\(reader.skipped.count)"]
    } catch {
      return nil
    }
  }

  /// The first byte selects where the streams are split.
  static func predictions(_ input: [UInt8]) {
    guard let first = input.first else { return }
    let body = Array(input.dropFirst())
    let reader = PredictionReader(schema: schema)
    _ = try? reader.readOne(body)
    _ = try? reader.readBatch(body)
    predictions(first, body) { NDJSONPredictionReader(schema: schema) }
    _ = try? FeedbackReader.json(body, schema: schema)
    _ = try? FeedbackReader.ndjson(body, schema: schema)
    _ = try? FeedbackReader.csv(body, schema: schema)
  }

  private static func predictions(
    _ first: UInt8, _ body: [UInt8], _ make: () -> any PredictionStreamReader
  ) {
    let cut = body.isEmpty ? 0 : Int(first) % body.count
    let whole = answers([body], make())
    let parted = answers([Array(body[..<cut]), Array(body[cut...])], make())
    require(whole == parted, "the split of a stream makes no difference")
  }

  /// The rows to predict, with refused rows at their positions; `nil` for an unreadable stream.
  private static func answers(_ pieces: [[UInt8]], _ reader: any PredictionStreamReader) -> [String]? {
    do {
      var chunks = try pieces.map { try reader.feed($0) }
      chunks.append(try reader.finish())
      return chunks.flatMap { chunk -> [String] in
        guard let chunk else { return [] }
        var texts = chunk.batch.texts
        for refused in chunk.refused {
          require(refused.position <= texts.count, "positions of refused rows are within the rows")
          texts.insert("line \(refused.line)", at: refused.position)
        }
        return texts
      }
    } catch {
      return nil
    }
  }

  static func compressed(_ input: [UInt8]) {
    let limit = 1 << 16
    for decompressor in [GzipDecompressor(limit: limit), ZstdDecompressor(limit: limit)] as [any Decompressor]
    {
      var count = 0
      do {
        decompressor.append(input)
        while let piece = try decompressor.next() { count += piece.count }
        try decompressor.finish()
      } catch {
        continue
      }
      require(count <= limit, "the output is within the limit")
    }
  }
}

extension RowBatch {
  /// A text for each row, for comparison.
  fileprivate var texts: [String] {
    (0..<count).map { index in
      let outcome = outcomes.isEmpty ? "" : "\(outcomes[index])"
      return "\(row(index)) \(outcome) \(keys?[index] ?? "")"
    }
  }
}
