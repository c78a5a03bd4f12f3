extension JSONObjectReader {
  /// An object, read by `read`; `nil` only after a problem.
  public func object<T>(_ name: String, _ read: (JSONObjectReader) throws -> T) rethrows -> T? {
    guard let value = value(name) else {
      problem(name, "is missing")
      return nil
    }
    return try readObject(value, at: pointer(to: name), read)
  }

  /// The same, if given and not `null`.
  public func optionalObject<T>(_ name: String, _ read: (JSONObjectReader) throws -> T) rethrows -> T? {
    guard let value = value(name), value != .null else { return nil }
    return try readObject(value, at: pointer(to: name), read)
  }

  /// An array of objects, each read by `read`.
  public func objects<T>(
    _ name: String, count: ClosedRange<Int> = 0...Int.max, _ read: (JSONObjectReader) throws -> T
  ) rethrows -> [T] {
    let elements = required(name) { convertArray(name, $0, count) } ?? []
    var results: [T] = []
    for (index, element) in elements.enumerated() {
      if let result = try readObject(element, at: "\(pointer(to: name))/\(index)", read) {
        results.append(result)
      }
    }
    return results
  }

  /// The same, if given and not `null`.
  public func optionalObjects<T>(
    _ name: String, count: ClosedRange<Int> = 0...Int.max, _ read: (JSONObjectReader) throws -> T
  ) rethrows -> [T]? {
    guard let value = value(name), value != .null else { return nil }
    return try objects(name, count: count, read)
  }

  /// An array of strings of `length` characters each, without repetitions if `unique`.
  public func strings(
    _ name: String, count: ClosedRange<Int> = 0...Int.max, length: ClosedRange<Int> = 0...1000,
    unique: Bool = false
  ) -> [String] {
    let elements = required(name) { convertArray(name, $0, count) } ?? []
    return readStrings(elements, name, length, unique)
  }

  /// The same, if given and not `null`.
  public func optionalStrings(
    _ name: String, count: ClosedRange<Int> = 0...Int.max, length: ClosedRange<Int> = 0...1000,
    unique: Bool = false
  ) -> [String]? {
    optional(name) { convertArray(name, $0, count) }.map { readStrings($0, name, length, unique) }
  }

  private func readObject<T>(
    _ value: JSONValue, at pointer: String, _ read: (JSONObjectReader) throws -> T
  ) rethrows -> T? {
    guard case .object(let object) = value else {
      add(InputProblem(pointer: pointer, detail: "must be an object, not \(value.kind)"))
      return nil
    }
    let reader = nested(object, at: pointer)
    let result = try read(reader)
    reader.finish()
    return result
  }

  private func convertArray(_ name: String, _ value: JSONValue, _ count: ClosedRange<Int>) -> [JSONValue]? {
    guard case .array(let elements) = value else {
      wrong(name, value, expected: "an array")
      return nil
    }
    guard count.contains(elements.count) else {
      let limit =
        count.upperBound == .max
        ? "at least \(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
      problem(name, "must have \(limit) elements")
      return nil
    }
    return elements
  }

  private func readStrings(
    _ elements: [JSONValue], _ name: String, _ length: ClosedRange<Int>, _ unique: Bool
  ) -> [String] {
    var seen: Set<[UInt8]> = []
    var strings: [String] = []
    for (index, element) in elements.enumerated() {
      func refuse(_ detail: String) {
        add(InputProblem(pointer: "\(pointer(to: name))/\(index)", detail: detail))
      }
      guard case .string(let string) = element else {
        refuse("must be a string, not \(element.kind)")
        continue
      }
      if !length.contains(string.unicodeScalars.count) {
        refuse("must have \(length.lowerBound) to \(length.upperBound) characters")
      } else if string.utf8.contains(0) {
        refuse("must not contain the character U+0000")
      } else if unique, !seen.insert(Array(string.utf8)).inserted {
        refuse("is given twice")
      }
      strings.append(string)
    }
    return strings
  }
}
