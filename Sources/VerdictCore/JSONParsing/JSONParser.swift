package import RowFormats

/// Parses JSON from a client into a `Value`. Errors are recorded with their JSON Pointer, so that one pass over a
/// body finds all of them.
///
/// ``object(initial:_:check:)`` combines the parsers of members: a table of members describes a type once. The same
/// table reads a new value and merges a patch (RFC 7396) into a stored one.
package struct JSONParser<Value>: Sendable {
  private let body: @Sendable (JSONValue, Value?, String, ValidationErrors) -> Value?

  /// Creates a parser.
  ///
  /// - Parameter body: receives the JSON, the current value if there is one, the JSON Pointer, and the collection of
  ///   errors. Returns `nil` after recording an error that leaves no value.
  package init(_ body: @escaping @Sendable (JSONValue, Value?, String, ValidationErrors) -> Value?) {
    self.body = body
  }

  /// Parses JSON.
  ///
  /// - Parameters:
  ///   - current: the value into which an object's members are merged; nil to start from the defaults.
  ///   - pointer: the JSON Pointer of the value in the body.
  /// - Returns: the value, or `nil` after recording an error.
  package func parse(
    _ value: JSONValue, over current: Value? = nil, at pointer: String = "", _ errors: ValidationErrors
  ) -> Value? {
    body(value, current, pointer, errors)
  }

  /// Creates a parser of a scalar value. `convert` returns `nil` for invalid JSON.
  private init(or detail: String, _ convert: @escaping @Sendable (JSONValue) -> Value?) {
    self.init { value, _, pointer, errors in
      let result = convert(value)
      if result == nil { errors.add(pointer, detail) }
      return result
    }
  }

  /// The parser for an optional property. A parsed value is never `nil`.
  fileprivate var optional: JSONParser<Value?> {
    JSONParser<Value?> { value, current, pointer, errors in
      parse(value, over: current ?? nil, at: pointer, errors).map(Optional.some)
    }
  }

  /// Converts the parsed value.
  package func map<Other>(_ convert: @escaping @Sendable (Value) -> Other) -> JSONParser<Other> {
    JSONParser<Other> { value, _, pointer, errors in parse(value, at: pointer, errors).map(convert) }
  }
}

extension JSONParser where Value == Bool {
  /// `true` or `false`.
  package static let bool = JSONParser(or: "must be true or false") { value in
    if case .bool(let bool) = value { bool } else { nil }
  }
}

extension JSONParser where Value == Double {
  /// Any finite number.
  package static let number = JSONParser(or: "must be a finite number") { $0.finiteNumber }
}

extension JSONParser where Value == Int {
  /// An integer within bounds; `3.0` and `3e0` are integers.
  package static func integer(in range: ClosedRange<Int>) -> JSONParser {
    JSONParser(or: "must be a whole number from \(range.lowerBound) to \(range.upperBound)") { value in
      value.integer.flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

extension JSONParser where Value == String {
  /// A string that satisfies a rule.
  package static func string(_ rule: TextRule = .any) -> JSONParser {
    JSONParser { value, _, pointer, errors in
      guard case .string(let text) = value else {
        errors.add(pointer, "must be a string")
        return nil
      }
      if let detail = rule.objection(to: text) {
        errors.add(pointer, detail)
        return nil
      }
      return text
    }
  }
}

extension JSONParser where Value == [JSONValue] {
  /// An array of any elements whose length is within `count`.
  package static func array(count: ClosedRange<Int>) -> JSONParser {
    JSONParser(or: "must be an array of \(count.lowerBound) to \(count.upperBound) elements") { value in
      if case .array(let elements) = value, count.contains(elements.count) { elements } else { nil }
    }
  }
}

extension JSONParser where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
  /// One of the cases of an enumeration.
  package static func choice() -> JSONParser {
    let choices = Array(Value.allCases)
    let words = choices.map(\.rawValue).joined(separator: ", ")
    return JSONParser(or: "must be one of \(words)") { value in
      guard case .string(let text) = value else { return nil }
      return choices.first { $0.rawValue == text }
    }
  }
}

/// One member of a JSON object: its name, its parser and the property that it sets.
package struct JSONMember<Root: Sendable>: Sendable {
  /// The name in the object.
  package let name: String
  /// Sets the property of the root from the object's member. The last argument is the root with all defaults.
  let apply: @Sendable (JSONObjectReader, inout Root, Root) -> Void

  /// A member that sets a property. An absent member leaves the property unchanged; `null` restores the default.
  package init<Value>(
    _ name: String, _ property: any WritableKeyPath<Root, Value> & Sendable, _ parser: JSONParser<Value>
  ) {
    self.name = name
    apply = { reader, root, initial in
      if reader.isNull(name) {
        root[keyPath: property] = initial[keyPath: property]
      } else if let value = reader.member(name, over: root[keyPath: property], parser) {
        root[keyPath: property] = value
      }
    }
  }

  /// A member that sets a property whose default is `nil`.
  package init<Value>(
    _ name: String, _ property: any WritableKeyPath<Root, Value?> & Sendable, _ parser: JSONParser<Value>
  ) {
    self.init(name, property, parser.optional)
  }

  /// A member that is named after a coding key.
  package init<Value>(
    _ key: some CodingKey, _ property: any WritableKeyPath<Root, Value> & Sendable,
    _ parser: JSONParser<Value>
  ) {
    self.init(key.stringValue, property, parser)
  }

  /// A member that is named after a coding key and sets a property whose default is `nil`.
  package init<Value>(
    _ key: some CodingKey, _ property: any WritableKeyPath<Root, Value?> & Sendable,
    _ parser: JSONParser<Value>
  ) {
    self.init(key.stringValue, property, parser.optional)
  }
}

extension JSONParser where Value: Sendable {
  /// An object with these members and no others. Given members replace those of the current value.
  ///
  /// - Parameters:
  ///   - initial: the value with all defaults.
  ///   - adjust: changes the value after its members are set, by what the body gives.
  ///   - check: validates the whole value if the body has no other errors; returns the problem with a pointer
  ///     relative to the object.
  package static func object(
    initial: Value, _ members: [JSONMember<Value>],
    adjust: @escaping @Sendable (JSONObjectReader, inout Value) -> Void = { _, _ in },
    check: @escaping @Sendable (Value) -> InputProblem? = { _ in nil }
  ) -> JSONParser {
    let known = Set(members.map(\.name))
    return JSONParser { value, current, pointer, errors in
      let reader = JSONObjectReader(value, at: pointer, known: known, errors: errors)
      var result = current ?? initial
      for member in members { member.apply(reader, &result, initial) }
      adjust(reader, &result)
      if errors.isEmpty, let problem = check(result) {
        errors.add(pointer + (problem.pointer ?? ""), problem.detail)
      }
      return result
    }
  }
}
