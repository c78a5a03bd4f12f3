import Foundation
import TestSupport
import Testing

@testable import RowFormats

/// Tests that single numbers are read exactly as strtod reads them.
@Suite("Numbers")
struct NumberTests {
  /// Halfway cases, limits, and numbers that have broken parsers before (David Gay's and Rick Regan's collections).
  static let hard = [
    "0", "-0", "0.0", "1", "-1", "0.1", "0.3", "1e22", "1e23", "8.5e-1", "123456789012345678",
    "9007199254740991", "9007199254740992", "9007199254740993", "9007199254740994.999999999999",
    "9007199254740993.0000000000000000000000000000000000000000001", "9007199254740992.99999999999999999999",
    "2.2250738585072011e-308", "2.2250738585072012e-308", "2.2250738585072014e-308",
    "2.225073858507201136057e-308",
    "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "-1e-400",
    "1.7976931348623157e308", "1.7976931348623158e308", "6.631236846766476e-316",
    "3.2378839133029012895e-319",
    "6929495644600919.5", "3704024000000000000000000000000000000000", "2.5e-324", "1e0000000000000000000001",
    "0.000000000000000000000000000000000000000000000000000000000000123456789012345678901234567890e60",
    "10000000000000000000000000000000000000000e-40", "7.2057594037927933e16", "3.518437208883201171875e13",
    "1.00000000000000011102230246251565404236316680908203125",
    "1.00000000000000011102230246251565404236316680908203124",
    "1.00000000000000011102230246251565404236316680908203126", "123456789.123456789123456789e-300",
    "1" + String(repeating: "0", count: 308), "0." + String(repeating: "0", count: 400) + "1e401",
    "0." + String(repeating: "3", count: 2000), String(repeating: "9", count: 300) + "e-299",
  ]

  @Test(arguments: hard) func `hard numbers are read as strtod reads them`(text: String) {
    #expect(parseNumber(text)?.bitPattern == strtod(text, nil).bitPattern)
    #expect(
      parseNumber("-" + text)?.bitPattern == (text.hasPrefix("-") ? nil : (-strtod(text, nil)).bitPattern))
  }

  @Test func `random digits`() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<50_000 {
      let digits = (0..<Int.random(in: 1...25, using: &random)).map { _ in
        String(Int.random(in: 0...9, using: &random))
      }
      var text = "\(Int.random(in: 1...9, using: &random))" + digits.joined()
      if Bool.random(using: &random) { text.insert(".", at: text.index(after: text.startIndex)) }
      if Bool.random(using: &random) { text += "e\(Int.random(in: -330...280, using: &random))" }
      let expected = strtod(text, nil)
      guard parseNumber(text)?.bitPattern == (expected.isFinite ? expected.bitPattern : nil) else {
        Issue.record("\(text)")
        return
      }
    }
  }

  @Test func `the shortest text is read back exactly`() {
    var random = SeededRandom(seed: 5)
    var values = [
      0, -0.0, 1, 3.0, 1e15, 1e16, 1e21, 1e22, 0.1, 5e-324, .greatestFiniteMagnitude, .leastNormalMagnitude,
    ]
    for _ in 0..<50_000 { values.append(Double(bitPattern: .random(in: .min ... .max, using: &random))) }
    for value in values where value.isFinite {
      var text: [UInt8] = []
      text.append(number: value)
      let read = parseNumber(String(decoding: text, as: UTF8.self))
      guard read?.bitPattern == value.bitPattern else {
        Issue.record("\(value)")
        return
      }
    }
    for (value, expected) in [(3.0, "3"), (-2.5, "-2.5")] {
      var text: [UInt8] = []
      text.append(number: value)
      #expect(text == Array(expected.utf8))
    }
  }

  @Test(arguments: [
    "", "-", "+1", ".5", "5.", "01", "-01", "1e", "1e+", "1.e5", "0x10", "inf", "nan", "NaN", "Infinity",
    "1_000", " 1",
    "1 ", "1,5", "--1", "1e400", "-1e400", "１",
  ])
  func `invalid numbers are refused`(text: String) {
    #expect(parseNumber(text) == nil)
  }
}
