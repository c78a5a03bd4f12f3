import Testing
import RowFormats

/// Tests of reading labels from CSV.
@Suite("Labels as CSV")
struct CSVLabelReaderTests {
  func read(
    _ text: String, schema: RowSchema = people, format: CSVFormat = CSVFormat(), chunk: Int = 1 << 20
  ) throws -> Rows {
    try readAll(CSVLabelReader(schema: schema, format: format), bytes(text), chunk: chunk)
  }

  static let tricky =
    "\u{FEFF}label,job,\"age\",sex,hours\r\n"
    + "1,\"a,\"\"b\"\"\r\nc\",39,m,40.5\r\n"
    + "0,,,,\n"
    + "\n"
    + "1,\"\",+7,f,.5\r\n"
    + "0,\"\"\"\", 12 ,\"m\",\"1e3\""

  @Test(arguments: [1, 2, 3, 5, 7, 1000]) func `quotes, lines and empty fields`(chunk: Int) throws {
    let rows = try read(Self.tricky, chunk: chunk)
    #expect(rows.numbers == [[39, 40.5], [nil, nil], [7, 0.5], [12, 1000]])
    #expect(rows.categories == [["a,\"b\"\r\nc", "m"], [nil, nil], [nil, "f"], ["\"", "m"]])
    #expect(rows.outcomes == [1, 0, 1, 0])
  }

  @Test func `line numbers include quoted line breaks`() {
    let found = problems {
      _ = try read("age,job,label\n1,\"x\ny\",1\n\nNA,x,0\n2,x\n3,x,maybe\n4,x,\n1e999,x,1\n")
    }
    #expect(
      found == [
        "5:age: must be a number, not NA",
        "6:: the line has 2 fields, the header 3",
        "7:label: a label is 0, 1, true or false, not maybe",
        "8:label: the label is missing",
        "9:age: 1e999 is beyond the range of a double",
      ])
  }

  @Test func `header problems`() {
    #expect(
      problems { _ = try read("age,agee,age,job\n1,2,3,4\n") } == [
        "1:agee: the dataset has no such feature, and the column is not ignored",
        "1:age: the header names this column twice",
        "1:label: the header does not name this column",
      ])
    #expect(syntax { _ = try read("") } == .empty)
    #expect(problems { _ = try read("age,label\n") } == ["2:: there are no rows"])
  }

  @Test func `column names, keys and filters`() throws {
    let format = CSVFormat(
      delimiter: UInt8(ascii: ";"), ignoredColumns: ["note"], keyColumn: "id",
      filters: [CSVFormat.Filter(column: "split", value: "train")])
    let text = "id;note;split;age;label\na;x;train;1;0\nb;y;test;oops;1\n;z;train;2;1\n"
    let rows = try read(text, format: format)
    #expect(rows.numbers.map { $0[0] } == [1, 2])
    #expect(rows.keys == ["a", nil])
    #expect(
      problems { _ = try read(text + "a;;train;3;0\n", format: format) }
        == [#"5:id: the key "a" is given twice in one batch"#])
  }

  @Test func `the words of an outcome`() throws {
    let schema = RowSchema(
      features: [], labelName: "income", words: OutcomeWords(positive: ">50K", negative: "<=50K"))
    #expect(try read("income\n>50K\n<=50K\n1\n 0\nTrue\n", schema: schema).outcomes == [1, 0, 1, 0, 1])
    for text in [">50K.", " >50K", ">50k", "N/A", "?", "2"] {
      #expect(
        problems { _ = try read("income\n>50K\n\(text)\n", schema: schema) }
          == [#"3:income: a label is ">50K" or "<=50K", not \#(text.trimmingPrefix(" "))"#])
    }
    #expect(
      problems { _ = try read("income,x\n,1\n", schema: schema, format: CSVFormat(ignoredColumns: ["x"])) }
        == ["2:income: the label is missing"])
  }

  @Test func `one word alone admits any other`() throws {
    let schema = RowSchema(features: [], labelName: "income", words: OutcomeWords(positive: ">50K"))
    #expect(try read("income\n>50K\n<=50K\n1\ntrue\n", schema: schema).outcomes == [1, 0, 1, 0])
  }

  @Test func malformed() {
    #expect(syntax { _ = try read("age,label\n1,\"0\n") } == .unclosedString)
    #expect(syntax { _ = try read("age,label\n1,\"0\"x\n") } == .misplacedQuote)
    #expect(syntax { _ = try read("age,label\n1\"2\",0\n") } == .misplacedQuote)
    let endless = "age,label\n1,\"" + String(repeating: "x", count: 3 << 20)
    #expect(syntax { _ = try read(endless, chunk: 4096) } == .tooLarge)
    let unclosed = "age,label\n1,\"" + String(repeating: "1,0\n", count: 1 << 20)
    #expect(syntax { _ = try read(unclosed, chunk: 4096) } == .openQuote)
  }

  @Test(arguments: [1, 7, 1_000])
  func `bytes that are not UTF-8 are refused wherever they stand`(chunk: Int) throws {
    let format = CSVFormat(ignoredColumns: ["note"], keyColumn: "id")
    let good = "é,x,1,k1,1\n"
    func read(_ line: [UInt8], header: String = "job,note,age,id,label\n") throws -> Rows {
      let text = bytes(header) + bytes(good) + line + bytes("\nü,y,2,k2,0\n")
      return try readAll(CSVLabelReader(schema: people, format: format), text, chunk: chunk)
    }
    let fields = ["a", "n", "3", "k3", "1"]
    #expect(try read(bytes(fields.joined(separator: ","))).outcomes == [1, 1, 0])
    let expected = [
      "3:job: is not valid UTF-8", "3:: field 2 is not valid UTF-8", "3:age: must be a number, not 3\u{FFFD}",
      "3:id: is not valid UTF-8", "3:label: is not valid UTF-8",
    ]
    for (column, problem) in expected.enumerated() {
      var line: [UInt8] = []
      for (index, field) in fields.enumerated() {
        if index > 0 { line.append(UInt8(ascii: ",")) }
        line += bytes(field) + (index == column ? [0xED] : [])
      }
      #expect(problems { _ = try read(line) } == [problem])
    }
    let header = bytes("job,no") + [0xED] + bytes("te,age,id,label\n" + good)
    #expect(
      syntax { _ = try readAll(CSVLabelReader(schema: people, format: format), header, chunk: chunk) }
        == .invalidUTF8)
  }

  @Test func `UTF-16 is recognised by its byte order mark`() {
    for mark: [UInt8] in [[0xFF, 0xFE], [0xFE, 0xFF]] {
      let text = mark + "age,label\n1,0\n".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
      #expect(syntax { _ = try readAll(CSVLabelReader(schema: people), text, chunk: 1_000) } == .utf16)
    }
  }
}
