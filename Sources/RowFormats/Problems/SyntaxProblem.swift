/// The error for input that cannot be read: malformed JSON or CSV, or a damaged compressed stream.
public struct SyntaxProblem: Error, Sendable, Hashable {
  /// The kinds of malformed input.
  public enum Kind: String, Sendable, CaseIterable {
    /// The input is empty or white space.
    case empty
    /// The bytes are not UTF-8 (RFC 3629).
    case invalidUTF8 = "invalid-utf-8"
    /// The bytes begin with the byte order mark of UTF-16 or UTF-32.
    case utf16 = "utf-16"
    /// A string contains an unescaped control character.
    case controlCharacter = "control-character"
    /// A string is not terminated.
    case unclosedString = "unclosed-string"
    /// The input ends inside a value.
    case truncated
    /// A character is not allowed at this position.
    case unexpectedCharacter = "unexpected-character"
    /// A number violates the grammar of RFC 8259, section 6; so do `NaN` and `Infinity`.
    case malformedNumber = "malformed-number"
    /// A word is not `true`, `false` or `null`.
    case malformedLiteral = "malformed-literal"
    /// A backslash begins no valid escape sequence.
    case malformedEscape = "malformed-escape"
    /// An escape is half of a surrogate pair, which represents no character.
    case loneSurrogate = "lone-surrogate"
    /// Further text follows the end of the document.
    case trailingContent = "trailing-content"
    /// Objects and arrays are nested too deeply.
    case tooDeep = "too-deep"
    /// The input, a line of it, or what it expands to is larger than allowed.
    case tooLarge = "too-large"
    /// An allocation failed.
    case outOfMemory = "out-of-memory"
    /// A quote is at a position where RFC 4180 allows none.
    case misplacedQuote = "misplaced-quote"
    /// A quote is followed by more bytes than a record may have, and no second quote: it is a stray one, or its field too long.
    case openQuote = "open-quote"
    /// The gzip stream's bytes or checksum are wrong.
    case corruptGzip = "corrupt-gzip"
    /// The zstd stream's bytes or checksum are wrong.
    case corruptZstd = "corrupt-zstd"
    /// The zstd stream needs a larger window than RFC 9659 allows for a content coding.
    case windowTooLarge = "window-too-large"
  }

  /// The kind of the error.
  public var kind: Kind
  /// The byte offset in the input, where known.
  public var offset: Int?
  /// The line of the input, counted from 1, where known.
  public var line: Int?

  /// Creates an error; see the properties.
  public init(_ kind: Kind, offset: Int? = nil, line: Int? = nil) {
    self.kind = kind
    self.offset = offset
    self.line = line
  }
}

extension SyntaxProblem: CustomStringConvertible {
  /// The reason and its location, in words for the author of the input.
  public var description: String {
    let location: String =
      switch (line, offset) {
      case (let line?, _): " in line \(line)"
      case (nil, let offset?): " at byte \(offset)"
      case (nil, nil): ""
      }
    return "\(kind.sentence)\(location)"
  }
}

extension SyntaxProblem.Kind {
  /// The reason without its location.
  var sentence: String {
    switch self {
    case .empty: "the input is empty"
    case .invalidUTF8: "invalid UTF-8"
    case .utf16: "the input is UTF-16, as its byte order mark says; it must be UTF-8"
    case .controlCharacter: "a control character in a string must be escaped"
    case .unclosedString: "a string is never closed"
    case .truncated: "the input ends too early"
    case .unexpectedCharacter: "unexpected character"
    case .malformedNumber: "malformed number"
    case .malformedLiteral: "malformed literal; only true, false and null are known"
    case .malformedEscape: "malformed escape sequence in a string"
    case .loneSurrogate: "a lone surrogate stands for no character"
    case .trailingContent: "more content after the end"
    case .tooDeep: "nested too deeply"
    case .tooLarge: "the input is too large"
    case .outOfMemory: "not enough memory to read the input"
    case .misplacedQuote: "a quote may only enclose a whole field, and is doubled inside one"
    case .openQuote: "the closing quote is missing within 1 MiB after the one"
    case .corruptGzip: "the gzip data is corrupt"
    case .corruptZstd: "the zstd data is corrupt"
    case .windowTooLarge:
      "the zstd data needs a window of more than 8 MiB; compress without --long and --ultra"
    }
  }
}
