import VerdictCore

/// The readers of bodies.
enum Readers {
  /// Every type of feature, in both kinds of slots.
  static let schema = RowSchema(
    features: [
      Feature(name: "age", type: .discrete, slot: 0), Feature(name: "hours", type: .continuous, slot: 1),
      Feature(name: "job", type: .categorical, slot: 0),
      Feature(name: "sex", type: .categorical, categories: ["f", "m"], slot: 1),
    ], positive: "yes")

  static func json(_ input: [UInt8]) {
    let reader = JSONLabelReader(schema: schema)
    let whole = try? reader.read(input)
    let skipping = try? reader.readSkipping(input.span.bytes)
    if let whole {
      require(whole.outcomes.count == whole.count, "as many outcomes as rows")
      require(
        skipping?.rows.count == whole.count && skipping?.skipped.count == 0, "nothing to skip in what fits")
    }
    if let skipping { require(whole != nil || skipping.skipped.count > 0, "what does not fit is skipped") }
  }

  /// What a stream gives, read at once and in two pieces, must be the same.
  static func stream(_ input: [UInt8], _ make: (RowErrorPolicy) -> any LabelStreamReader) {
    guard let first = input.first else { return }
    let body = Array(input.dropFirst())
    let cut = body.isEmpty ? 0 : Int(first >> 1) % body.count
    let policy: RowErrorPolicy = first & 1 == 0 ? .fail : .skip
    let whole = rows([body], make(policy))
    let parted = rows([Array(body[..<cut]), Array(body[cut...])], make(policy))
    require(whole == parted, "a stream's pieces make no difference")
  }

  /// The rows of a stream, and how many were left out; `nil` for one that is refused.
  private static func rows(_ pieces: [[UInt8]], _ reader: any LabelStreamReader) -> [Int]? {
    var rows = 0
    do {
      for piece in pieces { rows += try reader.feed(piece)?.count ?? 0 }
      // Each feed answers one batch at the most; what is left comes with the end.
      while let batch = try reader.feed([]) { rows += batch.count }
      rows += try reader.finish()?.count ?? 0
      return [rows, reader.skipped.count]
    } catch {
      return nil
    }
  }

  static func predictions(_ input: [UInt8]) {
    let reader = PredictionReader(schema: schema)
    _ = try? reader.readOne(input)
    _ = try? reader.readBatch(input)
    let ndjson = NDJSONPredictionReader(schema: schema)
    _ = try? ndjson.feed(input)
    _ = try? ndjson.finish()
    let csv = CSVPredictionReader(schema: schema)
    _ = try? csv.feed(input)
    _ = try? csv.finish()
    _ = try? FeedbackReader.json(input, positive: "yes")
    _ = try? FeedbackReader.ndjson(input, positive: nil)
    _ = try? FeedbackReader.csv(input, positive: "yes")
  }

  static func compressed(_ input: [UInt8]) {
    let limit = 1 << 16
    for expander in [Inflate(limit: limit), Unzstd(limit: limit)] as [any Expander] {
      var count = 0
      do {
        expander.append(input)
        while let piece = try expander.next() { count += piece.count }
        try expander.finish()
      } catch {
        continue
      }
      require(count <= limit, "no more than the limit comes out")
    }
  }
}
