import Foundation

/// Texts of exports, by code points: a character that Swift composes of a quote and a combining mark has a quote all the same.
extension String {
  /// The text in Unicode's normalization forms C and D, each spelling once. The server takes both for the same text, and PMML
  /// compares code points.
  var canonicalSpellings: [String] {
    let composed = precomposedStringWithCanonicalMapping
    let decomposed = decomposedStringWithCanonicalMapping
    return composed.utf8.elementsEqual(decomposed.utf8) ? [composed] : [composed, decomposed]
  }

  /// The other texts that the server reads as this category, a boolean or an integer: pandas writes `True` for `true`, and `3.0`
  /// for `3` (docs/contract.md).
  var otherSpellings: [String] {
    switch self {
    case "true": return ["True", "TRUE"]
    case "false": return ["False", "FALSE"]
    case "0": return ["0.0", "-0.0"]
    default:
      let digits = utf8.first == UInt8(ascii: "-") ? utf8.dropFirst() : utf8[...]
      guard let first = digits.first, first != UInt8(ascii: "0"),
        digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
      else { return [] }
      return [self + ".0"]
    }
  }

  /// The first character that no XML 1.0 document can contain (section 2.2).
  var firstOutsideXML: Unicode.Scalar? {
    unicodeScalars.first { scalar in
      switch scalar {
      case "\t", "\n", "\r": false
      case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": true
      default: false
      }
    }
  }

  /// The text for an XML attribute in double quotes. Line ends and tabs are references, since a reader makes spaces of plain
  /// ones (XML 1.0, section 3.3.3).
  var xmlAttribute: String {
    unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result += "&#\(scalar.value);"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }

  /// A quoted identifier of SQL (PostgreSQL manual, 4.1.1).
  var sqlIdentifier: String { "\"" + doubling(["\""]) + "\"" }

  /// A string constant of PostgreSQL, with escapes where backslashes would depend on a setting (manual, 4.1.2).
  var sqlConstant: String {
    unicodeScalars.contains("\\") ? "E'" + doubling(["'", "\\"]) + "'" : "'" + doubling(["'"]) + "'"
  }

  /// The part of a name that PostgreSQL keeps: the whole characters of its first 63 bytes.
  var postgresqlName: String {
    var kept = ""
    var bytes = 0
    for scalar in unicodeScalars {
      bytes += UTF8.width(scalar)
      guard bytes <= 63 else { break }
      kept.unicodeScalars.append(scalar)
    }
    return kept
  }

  private func doubling(_ doubled: Set<Unicode.Scalar>) -> String {
    unicodeScalars.reduce(into: "") { result, scalar in
      if doubled.contains(scalar) { result.unicodeScalars.append(scalar) }
      result.unicodeScalars.append(scalar)
    }
  }
}

extension Double {
  /// The shortest digits that read back as the same double; typed, or PostgreSQL would take them for numeric.
  var sqlConstant: String { "'\(self)'::double precision" }
}
