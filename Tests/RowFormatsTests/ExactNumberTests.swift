import Foundation
import TestSupport
import Testing

@testable import RowFormats

/// Tests that every reader parses numbers with correct rounding, compared with glibc's strtod.
@Suite("Exact numbers")
struct ExactNumberTests {
  /// The number of texts per test. `VERDICT_TEST_NUMBERS=30000000` makes a long run.
  static let count =
    ProcessInfo.processInfo.environment["VERDICT_TEST_NUMBERS"].flatMap { Int($0) } ?? 100_000

  static let schema = RowSchema(features: [Feature(name: "x", type: .continuous, slot: 0)])

  enum Format: CaseIterable { case json, ndjson, csv }

  @Test(arguments: Format.allCases, NumberText.Shape.allCases)
  func `numbers are read as strtod reads them`(format: Format, shape: NumberText.Shape) throws {
    var random = SeededRandom(seed: UInt64(shape.rawValue) + 100)
    // The hardest shapes take long to generate.
    var left = shape == .halfway || shape == .subnormal ? Self.count / 20 : Self.count
    while left > 0 {
      let texts = (0..<min(left, 20_000)).map { _ in NumberText.make(shape, using: &random) }
      left -= texts.count
      // Numbers beyond the range of a double are refused and have tests of their own; another number replaces them
      // here.
      let finite = texts.map { strtod($0, nil).isFinite ? $0 : "17" }
      let read = try read(finite, format)
      #expect(read.count == finite.count)
      for (text, value) in zip(finite, read) where value.bitPattern != strtod(text, nil).bitPattern {
        Issue.record("\(text) was read as \(value)")
        return
      }
    }
  }

  @Test(arguments: Format.allCases)
  func `numbers beyond the range of a double are refused`(format: Format) throws {
    for text in ["1e309", "-1e309", "1.7976931348623159e308", "1e400", "9e99999999999999999999"] {
      #expect(problems { _ = try read([text], format) }.count == 1, "\(text)")
    }
    // Just below the halfway point between the largest double and its successor.
    let largest = "1.797693134862315807e308"
    #expect(try read([largest], format) == [Double.greatestFiniteMagnitude])
  }

  /// Forms that other tools write into CSV and that JSON does not have.
  @Test func `forms of numbers in CSV`() throws {
    let texts = [
      "+1.5", ".5", "-.5", "5.", "007", "-007.250", " 1 ", "\t2", "1E5", "+1e+05", "00", "-0", "0e999",
    ]
    let expected = [1.5, 0.5, -0.5, 5, 7, -7.25, 1, 2, 1e5, 1e5, 0, -0.0, 0]
    #expect(try read(texts, .csv).map(\.bitPattern) == expected.map(\.bitPattern))
    for text in ["1,5", "1 2", "0x10", "inf", "nan", "1e", "--1", "+-1", ".", "+", "1_000", "1e5.0", "１"] {
      #expect(problems { _ = try read(["\"\(text)\""], .csv) }.count == 1, "\(text)")
    }
  }

  @Test(arguments: Format.allCases)
  func `numbers beyond the largest of a schema are refused`(format: Format) throws {
    let schema = RowSchema(
      features: [Feature(name: "x", type: .continuous, slot: 0)], largestNumber: 1e150)
    for text in ["1e150", "-1e150", "0.1e151", "5e-324", "0"] {
      #expect(problems { _ = try read([text], format, schema) } == [], "\(text)")
    }
    for text in ["1.0000000000000002e150", "-1.0000000000000002e150", "1e151", "1.7976931348623157e308"] {
      let found = problems { _ = try read([text], format, schema) }
      #expect(
        found.count == 1 && found[0].hasSuffix("x: is beyond ±1e150, the range of models"),
        "\(text): \(found)")
    }
  }

  /// Integers beyond ±2^53, which a double cannot represent exactly, are refused instead of being rounded.
  @Test(arguments: Format.allCases)
  func `integers beyond 2^53 are refused`(format: Format) throws {
    let schema = RowSchema(features: [Feature(name: "x", type: .discrete, slot: 0)])
    for text in ["9007199254740991", "-9007199254740992", "9007199254740992", "9007199254740992.0", "9e15"] {
      #expect(try read([text], format, schema) == [strtod(text, nil)], "\(text)")
    }
    for text in [
      "9007199254740993", "-9007199254740993", "9007199254740994", "9007199254740992.5", "1e16", "1e300",
      "123456789012345678901234567890",
    ] {
      let found = problems { _ = try read([text], format, schema) }
      #expect(found.count == 1 && found[0].contains("beyond ±2^53"), "\(text): \(found)")
    }
    // A continuous feature is rounded to the nearest double.
    #expect(try read(["9007199254740993"], format) == [9_007_199_254_740_992])
  }

  private func read(_ texts: [String], _ format: Format, _ schema: RowSchema = schema) throws -> [Double] {
    switch format {
    case .json:
      let body =
        #"{"labels":[{"features":{"x":"# + texts.joined(separator: #"},"label":1},{"features":{"x":"#)
      return try JSONLabelReader(schema: schema).read(bytes(body + #"},"label":1}]}"#)).numbers
    case .ndjson:
      let body = texts.joined(separator: "},\"label\":1}\n{\"features\":{\"x\":")
      return try numbers(
        NDJSONLabelReader(schema: schema), "{\"features\":{\"x\":" + body + "},\"label\":1}\n")
    case .csv:
      return try numbers(
        CSVLabelReader(schema: schema), "x,label\n" + texts.joined(separator: ",1\n") + ",1\n")
    }
  }

  private func numbers(_ reader: some LabelStreamReader, _ text: String) throws -> [Double] {
    (try reader.feed(bytes(text))?.numbers ?? []) + (try reader.finish()?.numbers ?? [])
  }
}
