import Testing

@testable import RowFormats

/// Tests that every format understands the same outcomes.
@Suite("Outcome words")
struct OutcomeWordsTests {
  /// A text and the outcome that it stands for; `nil` if it is refused.
  typealias Meaning = (text: String, outcome: Bool?)

  private static let numbers: [Meaning] = [
    ("0", false), ("1", true), ("true", true), ("false", false), ("True", true), ("FALSE", false),
    ("1.0", true),
    ("yes", nil), ("2", nil), ("N/A", nil),
  ]
  private static let words: [Meaning] = [
    ("sí", true), ("si\u{301}", true), ("no", false), ("0", false), ("1", true), ("true", true),
    ("false", false),
    ("No", nil), ("sí.", nil), ("?", nil),
  ]
  private static let inverted: [Meaning] = [
    ("0", true), ("1", false), ("true", true), ("false", false), ("2", nil),
  ]
  private static let halfNumeric: [Meaning] = [("1", true), ("no", false), ("0", nil), ("true", true)]
  private static let booleans: [Meaning] = [
    ("False", true), ("True", false), ("true", false), ("false", true), ("1", true), ("0", false),
  ]

  @Test(arguments: [
    (OutcomeWords(), numbers),
    (OutcomeWords(positive: "si\u{301}", negative: "no"), words),
    (OutcomeWords(positive: "0", negative: "1"), inverted),
    (OutcomeWords(positive: "1", negative: "no"), halfNumeric),
    (OutcomeWords(positive: "False", negative: "True"), booleans),
  ])
  func `every format reads the same`(words: OutcomeWords, meanings: [Meaning]) throws {
    let schema = RowSchema(features: [Feature(name: "x", type: .continuous, slot: 0)], words: words)
    for (text, expected) in meanings {
      let outcome = expected.map { $0 ? UInt8(1) : 0 }
      #expect(schema.outcome(of: text) == expected, "\(words) \(text)")
      #expect(schema.outcome(ofCell: text) == expected, "\(words) \(text)")
      let csv = bytes("x,label\n1,\(text)\n")
      #expect(
        (try? readAll(CSVLabelReader(schema: schema), csv, chunk: 100))?.outcomes.first == outcome, "\(text)")
      // A word of letters has one form in JSON; the others are numbers and booleans, too.
      let isWord = !["0", "1", "2", "true", "false", "1.0"].contains(text)
      for form in isWord ? ["\"\(text)\""] : ["\"\(text)\"", text] {
        let row = #"{"features":{},"label":\#(form)}"#
        let json = try? JSONLabelReader(schema: schema).read(bytes(#"{"labels":[\#(row)]}"#))
        #expect(json?.outcomes.first == outcome, "\(form)")
        let lines = try? readAll(NDJSONLabelReader(schema: schema), bytes(row), chunk: 100)
        #expect(lines?.outcomes.first == outcome, "\(form)")
      }
    }
  }

  @Test func `spaces around numbers and booleans of a cell are insignificant`() {
    let schema = RowSchema(features: [], words: OutcomeWords(positive: "yes", negative: "no"))
    #expect(schema.outcome(ofCell: " 1 ") == true)
    #expect(schema.outcome(ofCell: "\tFalse") == false)
    #expect(schema.outcome(ofCell: " yes") == nil)
    #expect(schema.outcome(of: " 1") == nil)
  }

  @Test func `a refusal names the pair`() {
    #expect(
      OutcomeWords(positive: "yes", negative: "no").refusal(of: "Yes")
        == #"a label is "yes" or "no", not Yes"#)
    #expect(OutcomeWords().refusal(of: "yes") == "a label is 0, 1, true or false, not yes")
    #expect(OutcomeWords().refusal(of: "") == "the label is missing")
  }
}
