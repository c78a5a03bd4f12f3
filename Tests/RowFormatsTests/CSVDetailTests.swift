import Testing

@testable import RowFormats

/// Tests of CSV details: the rules of RFC 4180, the cases that it leaves open, and deviations that real files have.
@Suite("Details of CSV")
struct CSVDetailTests {
  func read(_ text: String, format: CSVFormat = CSVFormat(), chunk: Int = 1 << 20) throws -> Rows {
    try readAll(CSVLabelReader(schema: people, format: format), bytes(text), chunk: chunk)
  }

  @Test(arguments: [1, 2, 1000]) func `line endings`(chunk: Int) throws {
    for end in ["\n", "\r\n"] {
      for last in ["", end, end + end, "\r"] {
        let rows = try read("\(end)age,label\(end)1,1\(end)\(end)2,0\(last)", chunk: chunk)
        #expect(rows.numbers.map { $0[0] } == [1, 2])
        #expect(rows.outcomes == [1, 0])
      }
    }
    let mixed = try read("age,label\r\n1,1\n2,0\r\n3,1", chunk: chunk)
    #expect(mixed.numbers.map { $0[0] } == [1, 2, 3])
  }

  /// In a file of one column, an empty line after the header is a record with an empty field (RFC 4180, section 2). The line
  /// break at the end of the file is the last record's own.
  @Test(arguments: [1, 2, 3, 1000], ["\n", "\r\n"])
  func `blank lines of one column are rows`(chunk: Int, end: String) throws {
    for (values, last, expected) in [
      (["1", "", "2"], "", [1, nil, 2]), (["1", ""], end, [1, nil]), (["", "", "3"], "", [nil, nil, 3]),
      (["", ""], end, [nil, nil]), (["1"], end, [1]), (["\"\"", "", " "], "", [nil, nil, nil]),
    ] as [([String], String, [Double?])] {
      let text = "\u{FEFF}\(end)age\(end)" + values.joined(separator: end) + last
      #expect(try predictions(text, chunk: chunk).map { $0[0] } == expected, "\(text.debugDescription)")
    }
    #expect(try predictions("age\(end)", chunk: chunk) == [])
    #expect(try predictions("age,job\(end)\(end)1,\(end)\(end)", chunk: chunk).map { $0[0] } == [1])
    let schema = RowSchema(features: [])
    let refused = problems {
      _ = try readAll(CSVLabelReader(schema: schema), bytes("label\(end)1\(end)\(end)0"), chunk: chunk)
    }
    #expect(refused == ["3:label: the label is missing"])
  }

  private func predictions(_ text: String, chunk: Int) throws -> [[Double?]] {
    let reader = CSVPredictionReader(schema: people)
    let all = bytes(text)
    var chunks: [PredictionChunk?] = []
    for start in stride(from: 0, to: all.count, by: chunk) {
      chunks.append(try reader.feed(Array(all[start..<min(start + chunk, all.count)])))
    }
    chunks.append(try reader.finish())
    return Rows(chunks.compactMap { $0?.batch }).numbers
  }

  /// A lone carriage return ends no line. It belongs to the field, quoted or not.
  @Test(arguments: [1, 2, 1000]) func `carriage returns`(chunk: Int) throws {
    let rows = try read("job,label\na\rb,1\n\"c\rd\",1\n\"e\r\",1\n\"\r\n\",0\n", chunk: chunk)
    #expect(rows.categories.map { $0[0] } == ["a\rb", "c\rd", "e\r", "\r\n"])
    // A file whose lines end with a lone carriage return is therefore a single line, whose last column is unknown.
    #expect(problems { _ = try read("age,label\r1,1\r2,0\r") }.count >= 1)
  }

  @Test func `byte order marks`() throws {
    #expect(try read("\u{FEFF}\"age\",label\n1,1\n").numbers[0][0] == 1)
    #expect(try read("\u{FEFF}\nage,label\n1,1\n").numbers[0][0] == 1)
    // Only the first one is a byte order mark.
    #expect(try read("job,label\n\u{FEFF}x,1\n").categories[0][0] == "\u{FEFF}x")
    #expect(problems { _ = try read("\u{FEFF}\u{FEFF}age,label\n1,1\n") }.count == 1)
    #expect(syntax { _ = try read("\u{FEFF}") } == .empty)
    #expect(syntax { _ = try read("\n\r\n\n") } == .empty)
    #expect(problems { _ = try read("\r\nage,label\r\n\r\n") } == ["4:: there are no rows"])
  }

  @Test func quotes() throws {
    let rows = try read("job,label\n\"\"\"\",1\n\"\"\"a\"\"\",1\n\",\",0\n\"\",0\n")
    #expect(rows.categories.map { $0[0] } == ["\"", "\"a\"", ",", nil])
    for wrong in ["a\"b", " \"a\"", "\"a\" ", "\"a\"\"", "\"a\"b\""] {
      #expect(syntax { _ = try read("job,label\n\(wrong),1\n") } != nil, "\(wrong)")
    }
    #expect(try read("\"age\",\"label\"\n\"1\",\"1\"\n").numbers[0][0] == 1)
  }

  /// The error names the line of the quote, not the first line of its record nor the line where reading ended.
  @Test(arguments: [1, 100, 1 << 20]) func `lines of unclosed quotes`(chunk: Int) {
    func line(_ text: String, limits: StreamLimits = StreamLimits()) -> Int? {
      do {
        let reader = CSVLabelReader(schema: people, format: CSVFormat(), rowsPerBatch: 10, limits: limits)
        _ = try readAll(reader, bytes(text), chunk: chunk)
        return nil
      } catch {
        return (error as? SyntaxProblem)?.line
      }
    }
    let rest = String(repeating: "1,x,1\n", count: 100)
    let limits = StreamLimits(piece: 50, longestLine: 200)
    for limits in [limits, StreamLimits()] {
      #expect(line("age,job,label\n1,\"x,1\n" + rest, limits: limits) == 2)
      #expect(line("age,job,label\n\"1\",\"x\ny\",\"1\n" + rest, limits: limits) == 3)
      #expect(line("age,job,label\n1,\"x,1\n" + rest + "1,\"x\",1\n", limits: limits) == 2)
    }
  }

  @Test func headers() {
    #expect(
      problems { _ = try read("age,job,age,label,label\n1,a,2,1,0\n") } == [
        "1:age: the header names this column twice", "1:label: the header names this column twice",
      ])
    // Names are compared exactly.
    #expect(problems { _ = try read("Age, label\n1,1\n") }.count == 3)
    #expect(problems { _ = try read("age,label,\n1,1,\n") }.count == 1)
    let ignoring = CSVFormat(ignoredColumns: [""])
    #expect(problems { _ = try read(",age,label\n0,1,1\n", format: ignoring) } == [])
    #expect(problems { _ = try read(",age,,label\n0,1,,1\n", format: ignoring) }.count == 1)
  }

  @Test func `the default key column`() throws {
    let text = "key,age,label\na,1,1\n,2,0\n"
    #expect(try read(text).keys == ["a", nil])
    #expect(try read(text, format: CSVFormat(ignoredColumns: ["key"])).keys == [nil, nil])
    // With another key column configured, this one is unknown.
    let named = CSVFormat(keyColumn: "id")
    #expect(problems { _ = try read("id," + text, format: named) }.first?.hasPrefix("1:key:") == true)
    let schema = RowSchema(
      features: [Feature(name: "key", type: .categorical, slot: 0)], labelName: "_key")
    #expect(schema.keyColumn == "__key")
    let rows = try readAll(
      CSVLabelReader(schema: schema), bytes("__key,key,_key\na,b,1\n"), chunk: 1_000)
    #expect(rows.keys == ["a"])
    #expect(rows.categories == [["b"]])
    #expect(
      problems { _ = try read("key,age,label\na,1,1\na,2,1\n") }
        == [#"3:key: the key "a" is given twice in one batch"#])
  }

  @Test(arguments: [" ", ";", "|", "\t", "x"]) func delimiters(delimiter: String) throws {
    let format = CSVFormat(delimiter: Array(delimiter.utf8)[0])
    let rows = try read(
      ["age", "job", "label"].joined(separator: delimiter) + "\n"
        + ["1", "\"a\(delimiter)b\"", "1"].joined(separator: delimiter) + "\n", format: format)
    #expect(rows.categories[0][0] == "a\(delimiter)b")
    #expect(rows.numbers[0][0] == 1)
  }

  /// Also in an ignored column.
  @Test(arguments: ["age", "note"]) func `a field of ten megabytes`(column: String) {
    let field = "\"" + String(repeating: "1\n", count: 5 << 20) + "\""
    let text = column == "age" ? "age,label\n\(field),1\n" : "age,label,note\n1,1,\(field)\n"
    let reader = CSVLabelReader(schema: people, format: CSVFormat(ignoredColumns: ["note"]))
    #expect(
      throws: SyntaxProblem(.openQuote, line: 2)
    ) { _ = try readAll(reader, bytes(text), chunk: 1 << 16) }
  }
}
