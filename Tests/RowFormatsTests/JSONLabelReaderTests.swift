import Testing
import RowFormats

/// Tests of reading labels from JSON.
@Suite("Labels as JSON")
struct JSONLabelReaderTests {
  func read(_ text: String, schema: RowSchema = people) throws -> Rows {
    Rows([try JSONLabelReader(schema: schema).read(bytes(text))])
  }

  /// The problems of one row with these features.
  func refused(_ features: String) -> [String] {
    problems { _ = try read(#"{"labels":[{"features":\#(features),"label":1}]}"#) }
  }

  @Test func values() throws {
    let rows = try read(
      """
      {"labels": [
        {"features": {"age": 39, "hours": 40.5, "job": "clerk", "sex": "m"}, "label": 0, "key": "a"},
        {"label": 1, "features": {"sex": null, "job": 7, "hours": -1e-3, "age": 1e2}},
        {"label": 1.0, "features": {"job": true, "age": 3.0}, "key": null},
        {"label": 0, "features": {}}
      ]}
      """)
    #expect(rows.numbers == [[39, 40.5], [100, -0.001], [3, nil], [nil, nil]])
    #expect(rows.categories == [["clerk", "m"], ["7", nil], ["true", nil], [nil, nil]])
    #expect(rows.outcomes == [0, 1, 1, 0])
    #expect(rows.keys == ["a", nil, nil, nil])
  }

  @Test func `every problem is reported with its pointer`() {
    let found = problems {
      _ = try read(
        """
        {"labels": [
          {"features": {"age": 3.5, "hours": 1e400, "job": [1], "sex": "x"}, "label": 2},
          {"features": {"age": true, "hours": "4", "job": 2.5, "a/b~c": 1}, "label": 0, "size": 1},
          {"features": {"age": 9007199254740993, "age": 1}, "label": 1, "key": ""},
          {"features": []}, 17, {"label": 1}
        ], "more": {}}
        """)
    }
    #expect(
      found == [
        "/labels/0/features/age: must be a whole number, not 3.5",
        "/labels/0/features/hours: 1e400 is beyond the range of a double",
        "/labels/0/features/job: must be a string, a whole number or a boolean, not [1]",
        #"/labels/0/features/sex: "x" is not one of this feature's categories: "f", "m""#,
        "/labels/0/label: a label is 0, 1, true or false, not 2",
        "/labels/1/features/age: must be a number, not true",
        #"/labels/1/features/hours: must be a number, not "4""#,
        "/labels/1/features/job: a number that names a category must be whole and within ±2^53, not 2.5",
        "/labels/1/features/a~1b~0c: the dataset has no such feature",
        "/labels/1/size: unknown member",
        "/labels/2/features/age: 9007199254740993 is beyond ±2^53, where whole numbers are no longer exact",
        "/labels/2/features/age: given twice in one object",
        "/labels/2/key: a key has 1 to 200 bytes in UTF-8",
        "/labels/3/features: must be an object",
        "/labels/3/label: is missing",
        "/labels/4: must be an object",
        "/labels/5/features: is missing",
        "/more: unknown member",
      ])
  }

  @Test func `non-finite literals are reported with their location`() {
    #expect(
      refused(#"{"age":NaN,"hours":-Infinity,"job":Infinity,"sex":"x"}"#).map { $0.prefix(30) } == [
        "/labels/0/features/age: NaN is", "/labels/0/features/hours: -Inf", "/labels/0/features/job: Infini",
        "/labels/0/features/sex: \"x\" is",
      ])
  }

  @Test func `a repeated key is reported at its second occurrence`() {
    let row = #"{"features":{},"label":0,"key":"k"}"#
    let other = #"{"features":{},"label":0,"key":"l"}"#
    #expect(
      problems { _ = try read(#"{"labels":[\#(row),\#(other),\#(row)]}"#) }
        == [#"/labels/2/key: the key "k" is given twice in one batch"#])
  }

  @Test func envelope() {
    #expect(problems { _ = try read("{}") } == ["/labels: is missing"])
    #expect(problems { _ = try read(#"{"labels":[]}"#) } == ["/labels: must have at least one element"])
    #expect(problems { _ = try read(#"{"labels":{}}"#).outcomes } == ["/labels: must be an array"])
    #expect(problems { _ = try read("[1]") } == [": must be an object"])
    #expect(
      problems { _ = try read(#"{"labels":[{"features":{},"label":1}],"labels":[]}"#) }
        == ["/labels: given twice in one object"])
  }

  @Test func `only the first hundred problems are reported`() throws {
    let row = #"{"features":{"age":"x"},"label":0}"#
    let body = #"{"labels":[\#(Array(repeating: row, count: 250).joined(separator: ","))]}"#
    let error = #expect(throws: InputProblems.self) { try read(body) }
    #expect(error?.problems.count == 100)
    #expect(error?.count == 250)
    #expect(error?.problems.last?.pointer == "/labels/99/features/age")
  }

  @Test func `one word alone admits any other`() throws {
    let schema = RowSchema(features: [], labelName: "income", words: OutcomeWords(positive: ">50K"))
    let rows = try read(
      #"{"labels":[{"features":{},"label":">50K"},{"features":{},"label":"<=50K"},{"features":{},"label":1}]}"#,
      schema: schema)
    #expect(rows.outcomes == [1, 0, 1])
    #expect(
      problems { _ = try read(#"{"labels":[{"features":{},"label":""}]}"#, schema: schema) }
        == [#"/labels/0/label: a label is 0, 1 or a name of 1 to 1000 bytes, not """#])
    let longest = String(repeating: "x", count: 1_000)
    #expect(
      try read(#"{"labels":[{"features":{},"label":"\#(longest)"}]}"#, schema: schema).outcomes == [0])
    #expect(
      problems { _ = try read(#"{"labels":[{"features":{},"label":"\#(longest)x"}]}"#, schema: schema) }.count
        == 1)
    #expect(
      problems { _ = try read(#"{"labels":[{"features":{},"label":"2"}]}"#) }
        == [#"/labels/0/label: a label is 0, 1, true or false, not "2""#])
  }

  @Test func `strings and escapes`() throws {
    let rows = try read(
      #"{"labels":[{"features":{"j\u006fb":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"},"label":0}]}"#)
    #expect(rows.categories[0][0] == "a\"\\/\u{8}\u{c}\n\r\té😀é😀")
    #expect(refused(#"{"job":""}"#) == ["/labels/0/features/job: a category has 1 to 1000 bytes in UTF-8"])
    #expect(
      refused(#"{"job":"\ud800x"}"#)
        == ["/labels/0/features/job: contains a lone surrogate, which stands for no character"])
    #expect(refused(#"{"job":"\udc00\ud800"}"#).count == 1)
    #expect(
      refused(#"{"job":"a\u0000b"}"#) == ["/labels/0/features/job: must not contain the character U+0000"])
    #expect(refused(#"{"job":"\#(String(repeating: "é", count: 500))"}"#) == [])
    #expect(refused(#"{"job":"\#(String(repeating: "é", count: 500))x"}"#).count == 1)
  }

  @Test func `integers are accepted as category names`() throws {
    let values = ["3", "3.0", "30e-1", "-0", "0.0", "-7", "123456789012345678901234567890"]
    let body = values.map { #"{"features":{"job":\#($0)},"label":0}"# }.joined(separator: ",")
    let rows = try read(#"{"labels":[\#(body)]}"#)
    #expect(
      rows.categories.map { $0[0] } == ["3", "3", "3", "0", "0", "-7", "123456789012345678901234567890"])
    #expect(refused(#"{"job":1e400}"#).count == 1)
  }

  @Test func `limits of integers`() throws {
    for good in ["9007199254740992", "-9007199254740992", "9007199254740992.0", "9.007199254740992e15"] {
      #expect(refused(#"{"age":\#(good)}"#) == [], "\(good)")
    }
    for bad in [
      "9007199254740993", "-9007199254740993", "9007199254740992.5", "9.0071992547409921e15", "1e16",
    ] {
      #expect(refused(#"{"age":\#(bad)}"#).count == 1, "\(bad)")
    }
  }

  @Test func `features in any order and with escaped names`() throws {
    // Names that a raw comparison could confuse.
    let schema = RowSchema(features: [
      Feature(name: #"a\n"#, type: .continuous, slot: 0), Feature(name: "a\n", type: .continuous, slot: 1),
      Feature(name: #"q""#, type: .continuous, slot: 2), Feature(name: "", type: .continuous, slot: 3),
    ])
    let row = #"{"features":{"a\\n":1,"a\n":2,"q\"":3,"":4},"label":0}"#
    let turned = #"{"features":{"":4,"q\"":3,"a\n":2,"a\\n":1},"label":0}"#
    let rows = try read(#"{"labels":[\#(row),\#(row),\#(turned),\#(row)]}"#, schema: schema)
    #expect(rows.numbers == Array(repeating: [1, 2, 3, 4], count: 4))
  }
}
