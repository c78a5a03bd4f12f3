import Foundation
import Learning
import RowFormats

/// The values of one column, as far as they have been read.
struct ColumnSample {
  /// The number of different texts that are counted. Further ones are not.
  static let distinctLimit = 10_000
  /// The largest category in bytes.
  private static let longestCategory = 1_000

  /// The number of cells with a value.
  private(set) var count = 0
  /// The rows of each different text.
  private(set) var texts: [String: Int] = [:]
  /// The number of values up to the one that filled ``texts``; `nil` before.
  private(set) var countWhenFull: Int?
  /// The numbers, while all values are numbers.
  private(set) var numbers: [Double] = []
  /// The number of values that are numbers.
  private(set) var numberCount = 0
  /// The number of numbers without a fraction or an exponent in their text.
  private(set) var wholeCount = 0
  /// The number of whole numbers with a leading zero.
  private(set) var leadingZeroCount = 0
  /// The number of whole numbers that a double does not hold exactly.
  private(set) var inexactCount = 0
  /// The number of numbers beyond the range of models.
  private(set) var beyondCount = 0
  /// The number of texts that would be numbers with a decimal comma.
  private(set) var commaCount = 0
  /// The number of texts that look like a date.
  private(set) var dateCount = 0
  /// The number of booleans.
  private(set) var boolCount = 0
  /// The number of fields that are white space, which is no number and a missing one.
  private(set) var blankCount = 0
  /// Whether a value cannot be a category.
  private(set) var hasUnnameable = false
  /// Whether the cells are values of JSON.
  private(set) var isJSON = false
  /// Whether a cell was changed by ``InferenceOptions/missing`` or the decimal comma, or has no text in labels.
  private(set) var isConverted = false
  /// An upper bound of the memory of the values in bytes.
  private(set) var byteCount = 512

  /// Adds a cell.
  mutating func add(_ cell: TableCell, _ options: InferenceOptions) {
    switch cell {
    case .missing: return
    case .field(let text):
      guard !isMissing(text, options) else { return }
      addField(text, options)
    case .string(let text):
      isJSON = true
      guard !isMissing(text, options) else { return }
      if text.isEmpty {
        isConverted = true
        return
      }
      count += 1
      numbers = []
      addText(text)
      if Self.isDate(text) { dateCount += 1 }
    case .bool(let value):
      isJSON = true
      count += 1
      numbers = []
      boolCount += 1
      addText(value ? "true" : "false")
    case .number(let text):
      isJSON = true
      count += 1
      addNumber(text, text)
      // Only whole numbers within ±2^53 name a category.
      if text.utf8.contains(where: { ".eE".utf8.contains($0) }) || inexactCount > 0 { hasUnnameable = true }
    }
  }

  private mutating func isMissing(_ text: String, _ options: InferenceOptions) -> Bool {
    guard !options.missing.isEmpty, options.missing.contains(text.trimmingSpaces) else { return false }
    isConverted = true
    return true
  }

  private mutating func addField(_ text: String, _ options: InferenceOptions) {
    count += 1
    let trimmed = text.trimmingSpaces
    if trimmed.isEmpty {
      blankCount += 1
      return addText(text)
    }
    if options.hasDecimalComma {
      let point = NumberSyntax.withDecimalPoint(trimmed)
      if let point, NumberSyntax(point) != nil {
        if point != trimmed { isConverted = true }
        return addNumber(point, text)
      }
    } else if NumberSyntax(trimmed) != nil {
      return addNumber(trimmed, text)
    } else if let point = NumberSyntax.withDecimalPoint(trimmed), NumberSyntax(point) != nil {
      commaCount += 1
    }
    numbers = []
    addText(text)
    let spelling = CategorySpelling.canonical(text)
    if spelling == "true" || spelling == "false" { boolCount += 1 }
    if Self.isDate(trimmed) { dateCount += 1 }
  }

  private mutating func addNumber(_ number: String, _ text: String) {
    addText(text)
    guard let syntax = NumberSyntax(number) else { return }
    let value = Double(number) ?? .infinity
    numberCount += 1
    if syntax.isWhole {
      wholeCount += 1
      if syntax.hasLeadingZero { leadingZeroCount += 1 }
      if !(Int64(number).map { abs($0) <= 1 << 53 } ?? false) { inexactCount += 1 }
    }
    if !(abs(value) <= FeatureValue.largestMagnitude) { beyondCount += 1 }
    guard numberCount + blankCount == count else { return }
    numbers.append(value)
    // An array that grows is in memory twice for a moment.
    byteCount += 24
  }

  private mutating func addText(_ text: String) {
    if text.utf8.count > Self.longestCategory || text.utf8.contains(0) { hasUnnameable = true }
    if let present = texts[text] {
      texts[text] = present + 1
    } else if texts.count < Self.distinctLimit {
      texts[text] = 1
      // A table that grows is in memory twice for a moment; a text of more than 15 bytes has a buffer of its own.
      byteCount += 128 + (text.utf8.count > 15 ? text.utf8.count + 32 : 0)
    } else if countWhenFull == nil {
      countWhenFull = count
    }
  }

  /// Whether a text is a date as `2024-05-31`, `31.5.2024` or `5/31/2024`, with or without a time.
  static func isDate(_ text: String) -> Bool {
    let utf8 = text.utf8
    guard (8...40).contains(utf8.count), let first = utf8.first, (0x30...0x39).contains(first) else {
      return false
    }
    let separator = utf8.firstIndex { $0 == UInt8(ascii: "T") || $0 == UInt8(ascii: " ") }
    let date = utf8[..<(separator ?? utf8.endIndex)]
    if let separator {
      let time = utf8[separator...].dropFirst()
      guard time.contains(UInt8(ascii: ":")), time.allSatisfy({ "0123456789:.+-Z".utf8.contains($0) }) else {
        return false
      }
    }
    guard let mark = date.first(where: { !(0x30...0x39).contains($0) }), "-./".utf8.contains(mark) else {
      return false
    }
    let parts = date.split(separator: mark, omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ $0.allSatisfy { (0x30...0x39).contains($0) } }) else {
      return false
    }
    let lengths = parts.map(\.count)
    func isShort(_ length: Int) -> Bool { length == 1 || length == 2 }
    return lengths[0] == 4
      ? isShort(lengths[1]) && isShort(lengths[2])
      : isShort(lengths[0]) && isShort(lengths[1]) && lengths[2] == 4
  }
}
