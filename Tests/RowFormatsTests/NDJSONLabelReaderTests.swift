import Testing

@testable import RowFormats

/// Tests of reading labels from NDJSON.
@Suite("Labels as NDJSON")
struct NDJSONLabelReaderTests {
  /// A reader that parses as soon as it has a complete row.
  func eager(_ rowsPerBatch: Int = 1) -> NDJSONLabelReader {
    NDJSONLabelReader(
      schema: people, rowsPerBatch: rowsPerBatch, limits: StreamLimits(piece: 1, longestLine: 10_000))
  }

  static let text =
    "\u{FEFF}{\"features\":{\"age\":1,\"job\":\"a\\nb\"},\"label\":1,\"key\":\"x\"}\n"
    + "\n \t\r\n{\"label\":0,\"features\":{\"hours\":2.5}}\r\n{\"features\":{\"sex\":\"f\"},\"label\":1}"

  @Test(arguments: [1, 2, 3, 10, 1000]) func chunks(chunk: Int) throws {
    let rows = try readAll(eager(), bytes(Self.text), chunk: chunk)
    #expect(rows.numbers == [[1, nil], [nil, 2.5], [nil, nil]])
    #expect(rows.categories == [["a\nb", nil], [nil, nil], [nil, "f"]])
    #expect(rows.outcomes == [1, 0, 1])
    #expect(rows.keys == ["x", nil, nil])
  }

  @Test(arguments: [1, 7, 1000]) func `problems are reported with their line`(chunk: Int) {
    let text = """
      {"features":{"age":"x"},"label":1}

      {"features":{"age":1},"label":1
      {"features":{"age":1},"label":1} {}
      {"features":{},"label":1,"key":"k"}
      "never closed
      {"features":{"a/b":1},"label":1,"key":"k"}
      {"features":{},"label":0,"key":"k"}
      """
    #expect(
      problems { _ = try readAll(eager(), bytes(text), chunk: chunk) } == [
        #"1:/features/age: must be a number, not "x""#,
        "3:: the input ends too early at byte 31 of the line",
        "4:: more content after the end at byte 33 of the line",
        "6:: a string is never closed at byte 0 of the line",
        "7:/features/a~1b: the dataset has no such feature",
        #"8:/key: the key "k" is given twice in one batch"#,
      ])
  }

  @Test func `a row may not span lines`() {
    #expect(
      problems { _ = try readAll(eager(), bytes("{\"features\":{},\n\"label\":1}\n"), chunk: 100) }.count == 2
    )
  }

  @Test func `keys are unique across batches`() {
    let line = "{\"features\":{},\"label\":0,\"key\":\"k\"}\n"
    #expect(
      problems { _ = try readAll(eager(), bytes(line + line), chunk: line.utf8.count) }
        == [#"2:/key: the key "k" is given twice in one batch"#])
  }

  @Test func `empty input and lines that are too long`() {
    #expect(problems { _ = try readAll(eager(), [], chunk: 1) } == ["1:: there are no rows"])
    let endless = Array(repeating: UInt8(ascii: "["), count: 20_000)
    #expect(syntax { _ = try readAll(eager(), endless, chunk: 100) } == .tooLarge)
  }
}
