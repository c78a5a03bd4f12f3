import RowFormats
import Testing
import VerdictCore

/// Tests of the bounds on feedback bodies.
@Suite struct FeedbackReaderTests {
  private static let id = "01935a41-2b7c-7d3e-8f10-5a9be3c1d204"

  private static let schema = RowSchema(features: [], words: OutcomeWords(positive: "yes"))

  /// The name of an outcome in each of the three forms of a body.
  private static func bodies(_ name: String) -> [() throws -> [Feedback.Statement]] {
    let object = #"{"id":"\#(id)","label":"\#(name)"}"#
    return [
      { try FeedbackReader.json(Array(#"{"labels":[\#(object)]}"#.utf8), schema: schema) },
      { try FeedbackReader.ndjson(Array(object.utf8), schema: schema) },
      { try FeedbackReader.csv(Array("id,label\n\(id),\(name)\n".utf8), schema: schema) },
    ]
  }

  @Test func `the length of an outcome's name is bounded`() throws {
    let longest = String(repeating: "n", count: 1_000)
    for read in Self.bodies(longest) { #expect(try read().map(\.trueLabel) == [false]) }
    for read in Self.bodies(longest + "n") { #expect(throws: InputProblems.self) { try read() } }
    for read in Self.bodies("yes") { #expect(try read().map(\.trueLabel) == [true]) }
  }
}
