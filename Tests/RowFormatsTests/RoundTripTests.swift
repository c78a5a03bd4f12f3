import TestSupport
import Testing

@testable import RowFormats

/// Tests that written rows are read back unchanged, for random schemas and values.
@Suite("Round trips")
struct RoundTripTests {
  var random = SeededRandom(seed: 7)

  static let awkward = [
    "", " ", "a,b", "\"", "\"\"", "a\nb", "a\r\nb", "\r", "é😀", "\\", "null", "NaN", "0", "a;b", "\t",
    "\u{FEFF}x",
    String(repeating: "x", count: 1000), "\u{1}\u{1f}", "true", "-0", "1e5",
  ]

  mutating func text() -> String { Self.awkward.randomElement(using: &random) ?? "" }

  mutating func number(_ type: FeatureType) -> Double {
    if type == .discrete { return Double(Int64.random(in: -(1 << 53)...(1 << 53), using: &random)) }
    while true {
      let value = Double(bitPattern: .random(in: .min ... .max, using: &random))
      if value.isFinite { return value }
    }
  }

  mutating func schema() -> RowSchema {
    var slots: [Bool: Int] = [:]
    var features: [Feature] = []
    for index in 0..<Int.random(in: 1...12, using: &random) {
      let type = FeatureType.allCases.randomElement(using: &random) ?? .continuous
      let slot = slots[type == .categorical, default: 0]
      slots[type == .categorical] = slot + 1
      features.append(Feature(name: "\(text().prefix(20))\(index)", type: type, slot: slot))
    }
    let words: [OutcomeWords] = [
      OutcomeWords(), OutcomeWords(positive: "1"), OutcomeWords(positive: "0"),
      OutcomeWords(positive: ">50K"),
      OutcomeWords(positive: "yes, \"sir\"", negative: "no"), OutcomeWords(positive: "0", negative: "1"),
      OutcomeWords(positive: "1.0", negative: "0.0"), OutcomeWords(positive: "False", negative: "True"),
      OutcomeWords(positive: "no", negative: "1"), OutcomeWords(positive: "2", negative: "si\u{301}"),
    ]
    return RowSchema(
      features: features.shuffled(using: &random), labelName: "the \"label\"",
      words: words.randomElement(using: &random) ?? OutcomeWords())
  }

  /// Gives a row some attributes.
  mutating func giveAttributes(to row: inout LabelledRow) {
    // Categories and identifiers have the same texts, but an identifier has at most 200 bytes.
    if Bool.random(using: &random) { row.group = "g\(text().prefix(60))" }
    if Bool.random(using: &random) { row.reference = "\(text().prefix(60))r" }
    let years = Int64(-62_135_596_800_000_000)...253_402_300_799_999_999
    if Bool.random(using: &random) { row.time = Int64.random(in: years, using: &random) }
    if Bool.random(using: &random) { row.weight = Double.random(in: 1e-9...10, using: &random) }
    if Bool.random(using: &random) { row.split = RowSplit.allCases.randomElement(using: &random) }
  }

  mutating func rows(_ schema: RowSchema, count: Int) -> [LabelledRow] {
    let attributed = Bool.random(using: &random)
    return (0..<count).map { index in
      var row = LabelledRow(
        numbers: Array(repeating: nil, count: schema.numberSlots),
        categories: Array(repeating: nil, count: schema.categorySlots),
        outcome: UInt8.random(in: 0...1, using: &random),
        key: Bool.random(using: &random) ? "\(index)\(text().prefix(30))" : nil)
      if attributed { giveAttributes(to: &row) }
      for feature in schema.features where Int.random(in: 0..<5, using: &random) > 0 {
        if feature.type == .categorical {
          let name = text()
          // The empty string is no category.
          row.categories[feature.slot] = name.isEmpty ? nil : name
        } else {
          row.numbers[feature.slot] = number(feature.type)
        }
      }
      return row
    }
  }

  func bits(_ numbers: [[Double?]]) -> [[UInt64?]] { numbers.map { $0.map { $0?.bitPattern } } }

  func check(_ read: Rows, _ rows: [LabelledRow]) {
    #expect(bits(read.numbers) == bits(rows.map(\.numbers)))
    #expect(read.categories == rows.map(\.categories))
    #expect(read.outcomes == rows.map(\.outcome))
    #expect(read.keys == rows.map(\.key))
    #expect(read.groups == rows.map(\.group))
    #expect(read.references == rows.map(\.reference))
    #expect(read.times == rows.map(\.time))
    #expect(read.weights == rows.map(\.weight))
    #expect(read.splits == rows.map(\.split))
  }

  @Test mutating func `every format`() throws {
    for _ in 0..<100 {
      let schema = schema()
      let rows = rows(schema, count: Int.random(in: 1...20, using: &random))
      let writer = RowWriter(schema: schema)

      var lines: [UInt8] = []
      for row in rows { writer.appendNDJSONLine(row, to: &lines) }
      let limits = StreamLimits(piece: Int.random(in: 1...500, using: &random), longestLine: 1 << 20)
      let ndjson = NDJSONLabelReader(schema: schema, rowsPerBatch: 3, limits: limits)
      check(try readAll(ndjson, lines, chunk: Int.random(in: 1...500, using: &random)), rows)

      var body = bytes(#"{"labels":["#)
      for (index, row) in rows.enumerated() {
        if index > 0 { body.append(UInt8(ascii: ",")) }
        writer.appendJSONObject(row, to: &body)
      }
      body += bytes("]}")
      check(Rows([try JSONLabelReader(schema: schema).read(body)]), rows)

      var table: [UInt8] = []
      writer.appendCSVHeader(keyColumn: "the key", attributes: CaseAttribute.allCases, to: &table)
      for row in rows {
        writer.appendCSVRecord(row, hasKey: true, attributes: CaseAttribute.allCases, to: &table)
      }
      let csv = CSVLabelReader(
        schema: schema, format: CSVFormat(keyColumn: "the key"), rowsPerBatch: 3, limits: limits)
      let read = try readAll(csv, table, chunk: Int.random(in: 1...500, using: &random))
      check(read, rows)
    }
  }

  @Test mutating func `every chunk boundary`() throws {
    let schema = schema()
    let rows = rows(schema, count: 4)
    let writer = RowWriter(schema: schema)
    var lines: [UInt8] = []
    var table: [UInt8] = []
    writer.appendCSVHeader(keyColumn: "k", attributes: CaseAttribute.allCases, to: &table)
    for row in rows {
      writer.appendNDJSONLine(row, to: &lines)
      writer.appendCSVRecord(row, hasKey: true, attributes: CaseAttribute.allCases, to: &table)
    }
    let limits = StreamLimits(piece: 1, longestLine: 1 << 20)
    for cut in 0...max(lines.count, table.count) {
      let ndjson = NDJSONLabelReader(schema: schema, rowsPerBatch: 1, limits: limits)
      check(try readAll(ndjson, lines, cut: cut), rows)
      let csv = CSVLabelReader(
        schema: schema, format: CSVFormat(keyColumn: "k"), rowsPerBatch: 1, limits: limits)
      check(try readAll(csv, table, cut: cut), rows)
    }
  }

  func readAll(_ reader: some LabelStreamReader, _ text: [UInt8], cut: Int) throws -> Rows {
    let cut = min(cut, text.count)
    let batches = [
      try reader.feed(Array(text[..<cut])), try reader.feed(Array(text[cut...])), try reader.finish(),
    ]
    return Rows(batches.compactMap { $0 })
  }

  func readAll(_ reader: some LabelStreamReader, _ text: [UInt8], chunk: Int) throws -> Rows {
    try RowFormatsTests.readAll(reader, text, chunk: chunk)
  }
}
