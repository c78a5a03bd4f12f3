import RowFormats
import Testing
import VerdictCore

@Suite struct FeedbackReaderTests {
  private static let id = "01935a41-2b7c-7d3e-8f10-5a9be3c1d204"

  /// An outcome's name in each of the three forms of a body.
  private static func bodies(_ name: String) -> [() throws -> [Feedback.Statement]] {
    let object = #"{"id":"\#(id)","label":"\#(name)"}"#
    return [
      { try FeedbackReader.json(Array(#"{"labels":[\#(object)]}"#.utf8), positive: "yes") },
      { try FeedbackReader.ndjson(Array(object.utf8), positive: "yes") },
      { try FeedbackReader.csv(Array("id,label\n\(id),\(name)\n".utf8), positive: "yes") },
    ]
  }

  @Test func namedOutcomesAreBounded() throws {
    let longest = String(repeating: "n", count: 1_000)
    for read in Self.bodies(longest) { #expect(try read().map(\.truth) == [false]) }
    for read in Self.bodies(longest + "n") { #expect(throws: InputProblems.self) { try read() } }
    for read in Self.bodies("yes") { #expect(try read().map(\.truth) == [true]) }
  }
}
