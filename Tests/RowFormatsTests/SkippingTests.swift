import TestSupport
import Testing

@testable import RowFormats

/// Tests of skipping invalid rows: they are reported, and the other rows are read as if the invalid ones were absent.
@Suite("Skipping rows")
struct SkippingTests {
  func json(_ text: String) throws -> (rows: Rows, skipped: SkippedRows) {
    let read = try JSONLabelReader(schema: people).readSkipping(bytes(text).span.bytes)
    return (Rows([read.rows]), read.skipped)
  }

  func stream(
    _ reader: some LabelStreamReader, _ text: String, chunk: Int = 1 << 20
  ) throws -> (rows: Rows, skipped: SkippedRows) {
    let rows = try readAll(reader, bytes(text), chunk: chunk)
    return (rows, reader.skipped)
  }

  func ndjson(_ text: String, chunk: Int = 1 << 20) throws -> (rows: Rows, skipped: SkippedRows) {
    let limits = StreamLimits(piece: 1, longestLine: 1 << 12)
    return try stream(
      NDJSONLabelReader(schema: people, onError: .skip, rowsPerBatch: 2, limits: limits), text, chunk: chunk)
  }

  func csv(
    _ text: String, format: CSVFormat = CSVFormat(), chunk: Int = 1 << 20
  ) throws -> (rows: Rows, skipped: SkippedRows) {
    let limits = StreamLimits(piece: 1, longestLine: 1 << 12)
    let reader = CSVLabelReader(
      schema: people, format: format, onError: .skip, rowsPerBatch: 2, limits: limits)
    return try stream(reader, text, chunk: chunk)
  }

  func places(_ skipped: SkippedRows) -> [String] {
    skipped.problems.problems.map { "\($0.line.map { "\($0):" } ?? "")\($0.pointer ?? $0.column ?? "")" }
  }

  @Test func `rows of JSON`() throws {
    let (rows, skipped) = try json(
      """
      {"labels":[
        {"features":{"age":1,"job":"a"},"label":1,"key":"k"},
        {"features":{"age":"x","hours":true},"label":7},
        17,
        {"features":{"age":2,"job":"b"},"label":0,"key":"k"},
        {"features":{"sex":"?"},"label":0,"key":"l"},
        {"features":{"age":3},"label":0,"key":"l"}
      ]}
      """)
    #expect(rows.numbers.map { $0[0] } == [1, 3])
    #expect(rows.categories.map { $0[0] } == ["a", nil])
    #expect(rows.outcomes == [1, 0])
    // The key of a skipped row may be used by a later one.
    #expect(rows.keys == ["k", "l"])
    #expect(skipped.count == 4)
    #expect(skipped.problems.count == 6)
    #expect(
      places(skipped) == [
        "/labels/1/features/age", "/labels/1/features/hours", "/labels/1/label", "/labels/2", "/labels/3/key",
        "/labels/4/features/sex",
      ])
  }

  @Test func `nothing of a valid batch is skipped`() throws {
    #expect(try json(#"{"labels":[{"features":{},"label":1}]}"#).skipped == .none)
    #expect(try ndjson("{\"features\":{},\"label\":1}\n").skipped == .none)
    #expect(try csv("age,label\n1,1\n").skipped == .none)
  }

  @Test func `errors of the whole body are not skipped`() {
    #expect(problems { _ = try json("{}") } == ["/labels: is missing"])
    #expect(problems { _ = try json(#"{"labels":[]}"#) } == ["/labels: must have at least one element"])
    #expect(syntax { _ = try json(#"{"labels":[{"features":{},"label":1}"#) } == .truncated)
    #expect(problems { _ = try csv("agee,label\n1,1\n") }.count == 1)
    #expect(problems { _ = try csv("age\n1\n") } == ["1:label: the header does not name this column"])
    #expect(syntax { _ = try csv("age,label\n1,1\n2,\"1\n") } == .unclosedString)
    #expect(syntax { _ = try csv("age,label\n1,1\n2,\"1\"x\n") } == .misplacedQuote)
    #expect(problems { _ = try csv("age,label\n") } == ["2:: there are no rows"])
    #expect(problems { _ = try ndjson("\n\n") } == ["1:: there are no rows"])
    let endless = String(repeating: "[", count: 10_000)
    #expect(syntax { _ = try ndjson(endless, chunk: 100) } == .tooLarge)
  }

  /// Regardless of the number of invalid rows before it.
  @Test func `errors of the whole body are reported`() {
    let row = #"{"features":{"age":"x"},"label":1}"#
    let rows = Array(repeating: row, count: 150).joined(separator: ",")
    let error = #expect(throws: InputProblems.self) { try json(#"{"labels":[\#(rows)],"more":1,"less":2}"#) }
    #expect(error?.problems.count == 100)
    #expect(error?.count == 152)
    #expect(error?.problems.last?.pointer == "/more")
  }

  @Test(arguments: [1, 3, 1000]) func `lines of NDJSON`(chunk: Int) throws {
    let (rows, skipped) = try ndjson(
      """
      {"features":{"age":1},"label":1,"key":"k"}
      {"features":{"age":"x"},"label":1} {}

      {"features":{"age":2},"label":1} {}
      {"features":{"age":3},"label":1
      nonsense
      "never closed
      [1]
      {"features":{"age":4},"label":0,"key":"k"}
      {"features":{"age":5},"label":0}
      """, chunk: chunk)
    #expect(rows.numbers.map { $0[0] } == [1, 5])
    #expect(rows.keys == ["k", nil])
    #expect(rows.outcomes == [1, 0])
    #expect(skipped.count == 7)
    #expect(places(skipped) == ["2:", "4:", "5:", "6:", "7:", "8:", "9:/key"])
    #expect(skipped.problems.count == 7)
  }

  @Test(arguments: [1, 3, 1000]) func `records of CSV`(chunk: Int) throws {
    let format = CSVFormat(filters: [CSVFormat.Filter(column: "set", value: "a")])
    let (rows, skipped) = try csv(
      """
      age,job,label,key,set
      1,x,1,k,a
      oops,x,1,k2,b
      y,"two
      lines",2,k3,a
      2,x,1,k,a
      3,x,1,a
      4,x,1,k3,a

      5,,0,,a
      """, format: format, chunk: chunk)
    #expect(rows.numbers.map { $0[0] } == [1, 4, 5])
    #expect(rows.keys == ["k", "k3", nil])
    #expect(skipped.count == 3)
    #expect(places(skipped) == ["4:age", "4:label", "6:key", "7:"])
  }

  @Test func `all rows may be skipped`() throws {
    let batch = try json(#"{"labels":[{"features":{},"label":2},{"features":{},"label":3}]}"#)
    #expect(batch.rows == Rows([]))
    #expect(batch.skipped.count == 2)
    #expect(try ndjson("no\nnot\n").skipped.count == 2)
    #expect(try csv("age,label\nx,1\n").skipped.count == 1)
  }

  /// The same rows in three formats, some of them randomly made invalid. The rows read are the valid ones.
  @Test(arguments: 0..<20) func `random mixtures of valid and invalid rows`(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    var good: [Double?] = []
    var elements: [String] = []
    var records = ["hours,label,key"]
    var used: Set<Int> = []
    for index in 0..<Int.random(in: 1...400, using: &random) {
      let spoilt = Int.random(in: 0..<4, using: &random) == 0
      let key = Int.random(in: 0..<300, using: &random)
      if !spoilt, used.insert(key).inserted { good.append(Double(index)) }
      let value = spoilt ? "\"x\"" : "\(index)"
      elements.append(#"{"features":{"hours":\#(value)},"label":1,"key":"\#(key)"}"#)
      records.append("\(value),1,\(key)")
    }
    let chunk = Int.random(in: 1...3_000, using: &random)
    let lines = elements.joined(separator: "\n")
    for read in [
      try json(#"{"labels":[\#(elements.joined(separator: ","))]}"#), try ndjson(lines, chunk: chunk),
      try csv(records.joined(separator: "\n"), chunk: chunk),
    ] {
      #expect(read.rows.numbers.map { $0[1] } == good)
      #expect(read.skipped.count == elements.count - good.count)
      #expect(read.skipped.problems.count == elements.count - good.count)
    }
  }
}
