import Foundation
import TestSupport

/// Generates number texts, in the grammar of JSON, that parsers are known to get wrong.
enum NumberText {
  enum Shape: Int, CaseIterable {
    /// Any double in 17 digits.
    case doubles
    /// Any double in its shortest form.
    case shortest
    /// The exact decimal expansion of the point halfway between two doubles, and texts just beside it.
    case halfway
    /// The same for subnormal doubles.
    case subnormal
    /// Random digits and exponents, of up to a thousand digits.
    case digits
    /// Short decimals, as people write them.
    case short
    /// Large and small exponents that the digits compensate, with leading and trailing zeros.
    case shifted
  }

  static func make(_ shape: Shape, using random: inout SeededRandom) -> String {
    switch shape {
    case .doubles: return String(format: "%.16e", double(using: &random))
    case .shortest: return "\(double(using: &random))"
    case .halfway: return halfway(above: abs(double(using: &random)), using: &random)
    case .subnormal:
      let bits = UInt64.random(in: 0..<(1 << 53), using: &random) >> UInt64.random(in: 0..<53, using: &random)
      return halfway(above: Double(bitPattern: bits), using: &random)
    case .digits:
      let length = Int.random(in: 0..<20, using: &random) == 0 ? 1_000 : 30
      let whole = digits(.random(in: 1...length, using: &random), using: &random)
      let fraction = digits(.random(in: 1...length, using: &random), using: &random)
      return "\(trimmed(whole)).\(fraction)e\(Int.random(in: -360...300, using: &random))"
    case .short:
      let sign = Bool.random(using: &random) ? "-" : ""
      let whole = trimmed(digits(.random(in: 1...8, using: &random), using: &random))
      return "\(sign)\(whole).\(digits(.random(in: 1...8, using: &random), using: &random))"
    case .shifted:
      let zeros = Int.random(in: 0...500, using: &random)
      let some = digits(.random(in: 1...22, using: &random), using: &random)
      let padding = String(repeating: "0", count: zeros)
      return Bool.random(using: &random)
        ? "0.\(padding)\(some)e\(zeros + Int.random(in: -320...300, using: &random))"
        : "\(trimmed(some + padding))E-\(zeros + Int.random(in: -280...320, using: &random))"
          .replacingOccurrences(of: "--", with: "+")
    }
  }

  private static func double(using random: inout SeededRandom) -> Double {
    while true {
      let value = Double(bitPattern: .random(in: .min ... .max, using: &random))
      if value.isFinite { return value }
    }
  }

  /// The point halfway between a double and the next, which needs one more bit, or a text just beside it.
  private static func halfway(above value: Double, using random: inout SeededRandom) -> String {
    let bits = value.bitPattern
    let biased = Int(bits >> 52 & 0x7FF)
    let significand = bits & (1 << 52 - 1) | (biased == 0 ? 0 : 1 << 52)
    // (2 significand + 1) × 2^power
    let power = max(biased, 1) - 1_076
    let factor = BigDecimal.power(of: power < 0 ? 5 : 2, abs(power))
    let point = factor.times(2 * significand + 1)
    let exponent = min(power, 0)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return "\(point)e\(exponent)"
    // Slightly more, in a distant digit.
    case 1: return "\(point).\(String(repeating: "0", count: 30))1e\(exponent)"
    // Slightly less. The value is an odd multiple of a power of 5, or at least 2, so one can be subtracted.
    case 2: return "\(point.minusOne).\(String(repeating: "9", count: 30))e\(exponent)"
    // Truncated within the digits.
    default:
      let digits = "\(point)"
      let kept = digits.prefix(.random(in: 15...40, using: &random))
      return "\(kept)e\(exponent + digits.count - kept.count)"
    }
  }

  private static func digits(_ count: Int, using random: inout SeededRandom) -> String {
    String(decoding: (0..<count).map { _ in UInt8.random(in: 48...57, using: &random) }, as: UTF8.self)
  }

  /// Removes leading zeros, which JSON does not allow.
  private static func trimmed(_ digits: String) -> String {
    let rest = digits.drop { $0 == "0" }
    return rest.isEmpty ? "0" : String(rest)
  }
}

/// An integer of any size, as nine-digit groups from the lowest on.
private struct BigDecimal: CustomStringConvertible {
  private var groups: [UInt64] = [1]
  private static let base: UInt64 = 1_000_000_000

  static func power(of factor: UInt64, _ exponent: Int) -> BigDecimal {
    var result = BigDecimal()
    // 5^12 and 2^29 are below a group's size.
    let (large, step): (UInt64, Int) = factor == 5 ? (244_140_625, 12) : (536_870_912, 29)
    for _ in 0..<exponent / step { result.multiply(by: large) }
    for _ in 0..<exponent % step { result.multiply(by: factor) }
    return result
  }

  /// The product with a number of up to 54 bits.
  func times(_ number: UInt64) -> BigDecimal {
    var low = self
    var high = self
    low.multiply(by: number & (1 << 27 - 1))
    high.multiply(by: number >> 27)
    high.multiply(by: 1 << 27)
    while high.groups.count < low.groups.count { high.groups.append(0) }
    for index in low.groups.indices { high.groups[index] += low.groups[index] }
    high.multiply(by: 1)
    return high
  }

  var minusOne: BigDecimal {
    var result = self
    for index in result.groups.indices {
      guard result.groups[index] == 0 else {
        result.groups[index] -= 1
        break
      }
      result.groups[index] = Self.base - 1
    }
    return result
  }

  private mutating func multiply(by factor: UInt64) {
    var carry: UInt64 = 0
    for index in groups.indices {
      let product = groups[index] * factor + carry
      groups[index] = product % Self.base
      carry = product / Self.base
    }
    while carry > 0 {
      groups.append(carry % Self.base)
      carry /= Self.base
    }
  }

  var description: String {
    let significant = groups.reversed().drop { $0 == 0 }
    guard let first = significant.first else { return "0" }
    return "\(first)" + significant.dropFirst().map { String("\(Self.base + $0)".dropFirst()) }.joined()
  }
}
