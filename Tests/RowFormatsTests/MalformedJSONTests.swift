import TestSupport
import Testing

@testable import RowFormats

/// Tests of malformed JSON: every reader must report a typed error.
@Suite("Malformed JSON")
struct MalformedJSONTests {
  let labels = JSONLabelReader(schema: people)

  func kind(_ text: [UInt8]) -> SyntaxProblem.Kind? { syntax { _ = try labels.read(text) } }
  func kind(_ text: String) -> SyntaxProblem.Kind? { kind(bytes(text)) }

  @Test func kinds() {
    #expect(kind("") == .empty)
    #expect(kind(" \n\t ") == .empty)
    #expect(kind(#"{"labels":[{"features":{},"label":1}]} x"#) == .trailingContent)
    #expect(kind(#"{"labels":[{"features":{},"label":1}]}{}"#) == .trailingContent)
    #expect(kind(#"{"labels":[{"features":{"age":Nan},"label":1}]}"#) == .malformedLiteral)
    #expect(kind(#"{"labels":[{"features":{"hours":-Infinit},"label":1}]}"#) == .malformedNumber)
    #expect(kind(#"{"labels":[{"features":{},"label":NaN}]}"#) == .malformedLiteral)
    #expect(kind(#"{"labels":[{"features":{"age":nul},"label":1}]}"#) == .malformedLiteral)
    #expect(kind(#"{"labels":[{"features":{"age":01},"label":1}]}"#) == .malformedNumber)
    #expect(kind(#"{"labels":[{"features":{"age":1 2},"label":1}]}"#) == .unexpectedCharacter)
    #expect(kind(#"{"labels":[{"features":{"age" 1},"label":1}]}"#) == .unexpectedCharacter)
    #expect(kind(#"{"labels":[{"features":{"age":1,},"label":1}]}"#) == .unexpectedCharacter)
    #expect(kind(#"{"labels":[{"features":{},"label":1},]}"#) == .unexpectedCharacter)
    #expect(kind(#"{"labels":[{"features":{"job":"\x"},"label":1}]}"#) == .malformedEscape)
    #expect(kind(#"{"labels":[{"features":{"job":"\u12g4"},"label":1}]}"#) == .malformedEscape)
    #expect(kind(#"{"labels":[{"features":{"\ud800":1},"label":1}]}"#) == .loneSurrogate)
    #expect(kind("{\"labels\":[{\"features\":{\"job\":\"a\nb\"},\"label\":1}]}") == .controlCharacter)
    #expect(kind(#"{"labels":[{"features":{"job":"a"#) == .unclosedString)
    #expect(kind(#"{'labels':[]}"#) == .unexpectedCharacter)
    #expect(
      kind(bytes(#"{"labels":[{"features":{"job":""#) + [0xC3, 0x28] + bytes(#""},"label":1}]}"#))
        == .invalidUTF8)
    #expect(
      kind(bytes(#"{"labels":[{"features":{"job":""#) + [0xED, 0xA0, 0x80] + bytes(#""}}]}"#)) == .invalidUTF8
    )
  }

  @Test func `nesting is bounded`() {
    #expect(kind(String(repeating: "[", count: 2 << 20)) == .tooDeep)
    #expect(kind(String(repeating: #"{"a":"#, count: 1 << 18)) == .tooDeep)
    let inside = #"{"labels":[{"features":{"age":"# + String(repeating: "[", count: 1 << 20)
    #expect(kind(inside) == .tooDeep)
    #expect(syntax { _ = try JSONValue.parse(bytes(String(repeating: "[", count: 2 << 20))) } == .tooDeep)
    let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(syntax { _ = try JSONValue.parse(bytes(deep)) } == nil)
    #expect(syntax { _ = try JSONValue.parse(bytes("[\(deep)]")) } == .tooDeep)
  }

  @Test func `offsets point to the error`() {
    func offset(_ text: String) -> Int? {
      do {
        _ = try JSONValue.parse(bytes(text))
        return nil
      } catch {
        return (error as? SyntaxProblem)?.offset
      }
    }
    #expect(offset(#"{"a": 1, "b": tru}"#) == 14)
    #expect(offset("[1, 2") == 5)
    #expect(offset("[\"ab\tc\"]") == 4)
    #expect(offset(#"["a\qb"]"#) == 3)
    #expect(offset(#"{"a": "b"#) == 6)
  }

  /// Every prefix of a body is refused, and no prefix or damaged copy causes a crash.
  @Test func `truncated and damaged bodies`() {
    let body = bytes(
      #"{"labels":[{"features":{"age":39,"hours":-1.5e3,"job":"a\u00e9\n😀","sex":null},"label":1,"key":"k"},"#
        + #"{"label":0,"features":{"job":true,"x":[{"y":[]}]}}]}"#)
    let schema = RowSchema(features: people.features)
    for length in body.indices {
      #expect(throws: (any Error).self) { try JSONLabelReader(schema: schema).read(Array(body[..<length])) }
    }
    var random = SeededRandom(seed: 1)
    for _ in 0..<20_000 {
      var damaged = body
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: damaged.indices, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: damaged[place] = UInt8.random(in: .min ... .max, using: &random)
        case 1: damaged.remove(at: place)
        default: damaged.insert(bytes("{}[]:,\"\\0-e. \n").randomElement(using: &random) ?? 0, at: place)
        }
      }
      _ = try? labels.read(damaged)
      _ = try? JSONValue.parse(damaged)
      _ = try? readAll(NDJSONLabelReader(schema: people), damaged, chunk: 50)
      _ = try? readAll(CSVLabelReader(schema: people), damaged, chunk: 50)
    }
  }
}
