import Foundation
import RowFormats
import Testing

@Suite struct JSONWriterTests {
  private func written(_ write: (inout JSONWriter) throws -> Void) rethrows -> String {
    var json = JSONWriter()
    try write(&json)
    return String(decoding: json.bytes, as: UTF8.self)
  }

  @Test(arguments: [
    (0.1, "0.1"), (3.0, "3"), (-0.0, "-0"), (1e300, "1e+300"), (5e-324, "5e-324"), (.nan, "null"),
    (-.infinity, "null"), (9_007_199_254_740_993, "9007199254740992"),
  ])
  func numbersRoundTrip(value: Double, text: String) throws {
    #expect(written { $0.number(value) } == text)
    if value.isFinite { #expect(Double(text)?.bitPattern == value.bitPattern) }
  }

  @Test func stringsAreEscaped() throws {
    let text = "a\"b\\c\n\r\t\u{1}\u{7F}é🙂/"
    let json = written { $0.string(text) }
    #expect(json == #""a\"b\\c\n\r\t\u0001"# + "\u{7F}é🙂/\"")
    #expect(try JSONDecoder().decode(String.self, from: Data(json.utf8)) == text)
  }

  @Test func objectsAndArraysNest() {
    let json = written { json in
      json.object { json in
        json.name("a")
        json.array([1, 2]) { $0.integer($1) }
        json.name("b")
        json.object { _ in }
        json.name("c")
        json.optional(Optional<Int>.none) { $0.integer($1) }
        json.name("d")
        json.array([]) { (_: inout JSONWriter, _: Int) in }
      }
    }
    #expect(json == #"{"a":[1,2],"b":{},"c":null,"d":[]}"#)
  }
}

@Suite struct TextTests {
  private func text(_ write: (inout [UInt8]) -> Void) -> String {
    var bytes: [UInt8] = []
    write(&bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func uuidsAreInLowerCase() throws {
    let id = try #require(UUID(uuidString: "01935A41-2B7C-7D3E-8F10-5A9BE3C1D204"))
    #expect(text { $0.append(uuid: id) } == id.uuidString.lowercased())
  }

  @Test(arguments: [
    ("a", "a", "\"a\""), ("", "\"\"", "\"\""), ("a,b", "\"a,b\"", "\"a,b\""),
    ("a\"b", "\"a\"\"b\"", "\"a\"\"b\""), ("a\nb", "\"a\nb\"", "\"a\nb\""), ("é", "é", "\"é\""),
  ])
  func fieldsAreQuotedWhereTheyMustBe(value: String, field: String, quoted: String) {
    #expect(text { $0.append(csvField: value.utf8) } == field)
    #expect(text { $0.append(csvField: value.utf8, alwaysQuoted: true) } == quoted)
  }
}
