import ArgumentParser
import Foundation

/// Formats the output of commands.
enum Output {
  /// Prints a value as JSON on one line.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  /// Formats a time as RFC 3339 in UTC.
  static func time(_ date: Date) -> String { date.formatted(.iso8601) }
}

/// Validation of names that appear in URLs.
enum Slug {
  static func validate(_ name: String, what: String) throws {
    guard name.wholeMatch(of: #/[a-z0-9][a-z0-9_-]{0,62}/#) != nil else {
      throw ValidationError(
        "The name of a \(what) consists of lower-case letters, digits, - and _, begins with a letter or digit, and has at most 63 characters."
      )
    }
  }
}
