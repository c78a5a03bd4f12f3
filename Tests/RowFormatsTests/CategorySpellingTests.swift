import Testing

@testable import RowFormats

/// Tests that one category has one text, whichever program wrote it.
@Suite("Category spelling")
struct CategorySpellingTests {
  private static let cases: [(String, String)] = [
    ("3.0", "3"), ("-3.0", "-3"), ("0.0", "0"), ("-0.0", "0"), ("True", "true"), ("FALSE", "false"),
    ("1234567890123456789012345.0", "1234567890123456789012345"), ("si\u{301}", "s\u{ed}"),
    ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"), ("\u{212b}ngström", "\u{c5}ngström"), ("ж\u{306}", "\u{4c2}"),
    // These stay what they are.
    ("01220", "01220"), ("01220.0", "01220.0"), ("1.10", "1.10"), ("3.00", "3.00"), ("1e5", "1e5"),
    (".0", ".0"),
    ("-.0", "-.0"), ("v3.0", "v3.0"), ("3.0 ", "3.0 "), ("tRUE", "tRUE"), ("Trues", "Trues"), ("漢字", "漢字"),
    ("Привет", "Привет"), ("1234567890123456789012345", "1234567890123456789012345"),
  ]

  @Test(arguments: cases)
  func `each text has one spelling`(text: String, expected: String) throws {
    #expect(Array(CategorySpelling.canonical(text).utf8) == Array(expected.utf8))
    let schema = RowSchema(features: [Feature(name: "c", type: .categorical, slot: 0)])
    let csv = try readAll(CSVLabelReader(schema: schema), bytes("c,label\n\(text),1\n"), chunk: 100)
    #expect(csv.categories[0][0].map { Array($0.utf8) } == Array(expected.utf8))
    let json = try JSONLabelReader(schema: schema).read(
      bytes(#"{"labels":[{"features":{"c":"\#(text)"},"label":1}]}"#))
    #expect(json.categories[0].map { Array($0.utf8) } == Array(expected.utf8))
  }

  @Test func `a listed category wins`() throws {
    #expect(CategorySpelling.canonical("3.0", listed: ["3.0"]) == "3.0")
    #expect(CategorySpelling.canonical("3.0", listed: ["3"]) == "3")
    let schema = RowSchema(
      features: [Feature(name: "c", type: .categorical, categories: ["3.0", "True", "false"], slot: 0)])
    let rows = try readAll(
      CSVLabelReader(schema: schema), bytes("c,label\n3.0,1\nTrue,1\nFalse,1\n"), chunk: 100)
    #expect(rows.categories.map { $0[0] } == ["3.0", "True", "false"])
  }

  @Test func `names and keys are compared in form C`() throws {
    let schema = RowSchema(
      features: [Feature(name: "an\u{303}o", type: .continuous, slot: 0)], labelName: "si\u{301}")
    let rows = try readAll(
      CSVLabelReader(
        schema: schema, format: CSVFormat(ignoredColumns: ["e\u{301}"], keyColumn: "cle\u{301}")),
      bytes("a\u{f1}o,s\u{ed},\u{e9},cl\u{e9}\n7,1,x,e\u{301}\n"), chunk: 100)
    #expect(rows.numbers == [[7]])
    #expect(rows.keys.map { $0.map { Array($0.utf8) } } == [Array("\u{e9}".utf8)])
    for name in ["an\u{303}o", "a\u{f1}o"] {
      let batch = try PredictionReader(schema: schema).readOne(bytes(#"{"features":{"\#(name)":7}}"#))
      #expect(batch.numbers == [7])
    }
    let twice = bytes("a\u{f1}o,an\u{303}o,s\u{ed}\n7,8,1\n")
    #expect(problems { _ = try readAll(CSVLabelReader(schema: schema), twice, chunk: 100) }.count == 1)
  }

  @Test func `a byte order mark is allowed in JSON`() throws {
    let schema = RowSchema(features: [Feature(name: "x", type: .continuous, slot: 0)])
    let body = bytes("\u{FEFF}") + bytes(#"{"labels":[{"features":{"x":2},"label":1}]}"#)
    #expect(try JSONLabelReader(schema: schema).read(body).numbers == [2])
    #expect(try JSONValue.parse(bytes("\u{FEFF}[12.5, 7]")) == JSONValue.parse(bytes("[12.5, 7]")))
    #expect(syntax { _ = try JSONValue.parse([0xFF, 0xFE, 0x7B, 0, 0x7D, 0]) } == .utf16)
    let error = #expect(throws: SyntaxProblem.self) { try JSONValue.parse(bytes("\u{FEFF}[1,]")) }
    #expect(error?.offset == 6)
  }
}
