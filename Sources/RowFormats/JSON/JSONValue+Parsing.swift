import CSimdJSON

extension JSONValue {
  /// Parses one document with at most 64 levels of nesting.
  ///
  /// - Parameters:
  ///   - bytes: the document.
  ///   - most: the largest number of values, names and ends of objects and arrays: a value takes many times the memory of
  ///     its text.
  /// - Throws: ``SyntaxProblem`` if the bytes are not JSON; ``InputProblems`` with pointers if an object repeats a member.
  public static func parse(_ bytes: RawSpan, tokensAtMost most: Int = .max) throws -> JSONValue {
    var tokens: OpaquePointer?
    try bytes.withUnsafeBytes { vj_read_tokens($0.baseAddress, $0.count, most, &tokens) }.check()
    defer { vj_tokens_free(tokens) }
    return try bytes.withUnsafeBytes { document in
      var builder = ValueBuilder(tokens: tokens, document: document)
      let value = builder.value()
      guard builder.repeated.isEmpty else {
        throw InputProblems(Array(builder.repeated.prefix(InputProblems.most)), count: builder.repeated.count)
      }
      return value
    }
  }

  /// Parses one document in an array of bytes.
  public static func parse(_ bytes: [UInt8]) throws -> JSONValue {
    try parse(bytes.span.bytes)
  }
}

/// Builds values from the tokens of the C reader, which are well-formed and nested at most `vj_max_depth` deep. This
/// bounds the recursion.
private struct ValueBuilder {
  private enum Step {
    case member(String)
    case element(Int)
  }

  // Sound: C's memory, valid until the tokens are freed; everything that is kept is copied.
  private let tokens: UnsafeBufferPointer<vj_token>
  private let text: UnsafeRawBufferPointer
  private let document: UnsafeRawBufferPointer
  private var next = 0
  /// The path to `next`, rendered only for a problem.
  private var path: [Step] = []
  /// The members that were repeated.
  var repeated: [InputProblem] = []

  init(tokens handle: OpaquePointer?, document: UnsafeRawBufferPointer) {
    var count = 0
    var textLength = 0
    var textStart: UnsafePointer<CChar>?
    let first = vj_tokens_get(handle, &count, &textStart, &textLength)
    tokens = UnsafeBufferPointer(start: first, count: count)
    text = UnsafeRawBufferPointer(start: textStart, count: textLength)
    self.document = document
  }

  mutating func value() -> JSONValue {
    let token = tokens[next]
    next += 1
    switch token.kind {
    case .VJ_TRUE: return .bool(true)
    case .VJ_FALSE: return .bool(false)
    case .VJ_NUMBER: return .number(JSONNumber(text: slice(document, token)))
    case .VJ_STRING, .VJ_NAME: return .string(slice(text, token))
    case .VJ_OBJECT_BEGIN: return .object(object())
    case .VJ_ARRAY_BEGIN: return .array(array())
    case .VJ_NULL, .VJ_OBJECT_END, .VJ_ARRAY_END: return .null
    }
  }

  private mutating func object() -> JSONObject {
    var members: [JSONObject.Member] = []
    var names: Set<String> = []
    while tokens[next].kind != .VJ_OBJECT_END {
      let name = slice(text, tokens[next])
      next += 1
      path.append(.member(name))
      if !names.insert(name).inserted {
        repeated.append(InputProblem(pointer: pointer, detail: "given twice in one object"))
      }
      members.append(JSONObject.Member(name: name, value: value()))
      path.removeLast()
    }
    next += 1
    return JSONObject(members)
  }

  private mutating func array() -> [JSONValue] {
    var elements: [JSONValue] = []
    while tokens[next].kind != .VJ_ARRAY_END {
      path.append(.element(elements.count))
      elements.append(value())
      path.removeLast()
    }
    next += 1
    return elements
  }

  private var pointer: String {
    path.reduce("") { pointer, step in
      switch step {
      case .member(let name): JSONPointer.appending(name, to: pointer)
      case .element(let index): "\(pointer)/\(index)"
      }
    }
  }

  private func slice(_ bytes: UnsafeRawBufferPointer, _ token: vj_token) -> String {
    String(decoding: bytes[Int(token.start)..<Int(token.start) + Int(token.length)], as: UTF8.self)
  }
}
