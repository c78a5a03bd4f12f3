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
        "7:label: a label is 0 or 1, not maybe",
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

  @Test func `named outcomes`() throws {
    let schema = RowSchema(features: [], labelName: "income", positive: ">50K")
    let rows = try read("income\n>50K\n<=50K\n1\n", schema: schema)
    #expect(rows.outcomes == [1, 0, 0])
  }

  @Test func malformed() {
    #expect(syntax { _ = try read("age,label\n1,\"0\n") } == .unclosedString)
    #expect(syntax { _ = try read("age,label\n1,\"0\"x\n") } == .misplacedQuote)
    #expect(syntax { _ = try read("age,label\n1\"2\",0\n") } == .misplacedQuote)
    let endless = "age,label\n1,\"" + String(repeating: "x", count: 3 << 20)
    #expect(syntax { _ = try read(endless, chunk: 4096) } == .tooLarge)
    let invalid = bytes("job,label\n") + [0x80, UInt8(ascii: ",")] + bytes("1\n")
    #expect(
      problems { _ = try readAll(CSVLabelReader(schema: people), invalid, chunk: 100) }
        == ["2:job: is not valid UTF-8"])
  }
}
