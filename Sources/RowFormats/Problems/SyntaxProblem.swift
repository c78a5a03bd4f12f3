/// An input that is not what it claims to be: malformed JSON or CSV, or a damaged compressed stream.
public struct SyntaxProblem: Error, Sendable, Hashable {
  /// What is malformed.
  public enum Kind: String, Sendable, CaseIterable {
    /// There is nothing but white space.
    case empty
    /// The bytes are not UTF-8 (RFC 3629).
    case invalidUTF8 = "invalid-utf-8"
    /// A control character stands in a string unescaped.
    case controlCharacter = "control-character"
    /// A quote is never closed.
    case unclosedString = "unclosed-string"
    /// The input ends in the middle.
    case truncated
    /// Something else should stand here.
    case unexpectedCharacter = "unexpected-character"
    /// A number breaks the grammar of RFC 8259, section 6; `NaN` and `Infinity` do, too.
    case malformedNumber = "malformed-number"
    /// A word that is not `true`, `false` or `null`.
    case malformedLiteral = "malformed-literal"
    /// A backslash is followed by what is no escape.
    case malformedEscape = "malformed-escape"
    /// Half of a surrogate pair, which stands for no character.
    case loneSurrogate = "lone-surrogate"
    /// There is more after the end.
    case trailingContent = "trailing-content"
    /// Objects and arrays are nested too deeply.
    case tooDeep = "too-deep"
    /// The input, a line of it, or what it expands to is larger than allowed.
    case tooLarge = "too-large"
    /// There was not enough memory to read the input.
    case outOfMemory = "out-of-memory"
    /// A quote stands where RFC 4180 allows none.
    case misplacedQuote = "misplaced-quote"
    /// The gzip stream's bytes or checksum are wrong.
    case corruptGzip = "corrupt-gzip"
    /// The zstd stream's bytes or checksum are wrong.
    case corruptZstd = "corrupt-zstd"
    /// The zstd stream asks for a window larger than a content coding may.
    case windowTooLarge = "window-too-large"
  }

  /// What is malformed.
  public var kind: Kind
  /// Byte offset into the input, where known.
  public var offset: Int?
  /// Line of the input, counted from 1, where known.
  public var line: Int?

  /// Makes a problem; see the properties.
  public init(_ kind: Kind, offset: Int? = nil, line: Int? = nil) {
    self.kind = kind
    self.offset = offset
    self.line = line
  }
}

extension SyntaxProblem: CustomStringConvertible {
  /// A sentence for whoever wrote the input.
  public var description: String {
    let place: String =
      switch (line, offset) {
      case (let line?, _): " in line \(line)"
      case (nil, let offset?): " at byte \(offset)"
      case (nil, nil): ""
      }
    return "\(kind.sentence)\(place)"
  }
}

extension SyntaxProblem.Kind {
  /// What is wrong, without its place.
  var sentence: String {
    switch self {
    case .empty: "the input is empty"
    case .invalidUTF8: "invalid UTF-8"
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
    case .corruptGzip: "the gzip data is corrupt"
    case .corruptZstd: "the zstd data is corrupt"
    case .windowTooLarge:
      "the zstd data needs a window of more than 8 MiB; compress without --long and --ultra"
    }
  }
}
