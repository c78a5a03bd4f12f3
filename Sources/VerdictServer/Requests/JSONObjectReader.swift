import Foundation
import RowFormats
import VerdictCore

/// Gathers all that is wrong with a body, so that a client is told of every mistake at once.
final class ValidationErrors {
  private(set) var locations: [ErrorLocation] = []

  func add(_ pointer: String, _ detail: String) {
    locations.append(ErrorLocation(pointer: pointer, detail: detail))
  }

  /// - Throws: ``Problem`` of kind `invalid-body` if anything was wrong.
  func check() throws {
    guard locations.isEmpty else {
      throw Problem(
        .invalidBody, locations: Array(locations.prefix(InputProblems.most)), count: locations.count)
    }
  }
}

extension ValidationErrors {
  /// A required member's value, when all was right.
  ///
  /// - Throws: ``Problem`` of kind `invalid-body` if anything was wrong.
  func checked<T>(_ value: T?) throws -> T {
    try check()
    // A getter that returns nothing has noted why.
    guard let value else { throw Problem(.invalidBody, "The body lacks a member.") }
    return value
  }
}

/// The members of a JSON object, read strictly: by known names and types, each mistake noted with its pointer.
///
/// A getter returns `nil` for an absent member, and for a wrong one after noting it.
struct JSONObjectReader {
  private let members: [String: JSONValue]
  private let pointer: String
  let errors: ValidationErrors

  /// The object at `pointer`; anything but an object, and members that are not `known`, are mistakes.
  init(_ value: JSONValue, at pointer: String = "", known: Set<String>, errors: ValidationErrors) {
    self.pointer = pointer
    self.errors = errors
    guard case .object(let object) = value else {
      members = [:]
      errors.add(pointer, "must be an object")
      return
    }
    for member in object.members where !known.contains(member.name) {
      errors.add(Self.child(pointer, member.name), "unknown member")
    }
    members = Dictionary(object.members.map { ($0.name, $0.value) }) { first, _ in first }
  }

  /// The body of a request as an object.
  static func of(_ body: Body, known: Set<String>, errors: ValidationErrors) throws -> JSONObjectReader {
    JSONObjectReader(try JSONValue.parse(body.bytes), known: known, errors: errors)
  }

  /// Whether the member is there, be it `null`.
  func has(_ name: String) -> Bool { members[name] != nil }

  /// Whether the member is there and `null`.
  func isNull(_ name: String) -> Bool {
    if case .null? = members[name] { true } else { false }
  }

  /// The member as it is; `null` counts as absent.
  func value(_ name: String) -> JSONValue? {
    isNull(name) ? nil : members[name]
  }

  /// The member as it is; its absence is a mistake.
  func required(_ name: String) -> JSONValue? {
    guard let value = members[name] else {
      errors.add(at(name), "is missing")
      return nil
    }
    return value
  }

  /// A member's pointer.
  func at(_ name: String) -> String { Self.child(pointer, name) }

  func string(_ name: String, required isRequired: Bool = false, _ rule: TextRule = .any) -> String? {
    guard let value = isRequired ? required(name) : value(name) else { return nil }
    guard case .string(let text) = value else { return mistake(name, "must be a string") }
    if let detail = rule.objection(to: text) { return mistake(name, detail) }
    return text
  }

  func bool(_ name: String) -> Bool? {
    guard let value = value(name) else { return nil }
    guard case .bool(let bool) = value else { return mistake(name, "must be true or false") }
    return bool
  }

  func integer(_ name: String, required isRequired: Bool = false, in range: ClosedRange<Int>) -> Int? {
    guard let value = isRequired ? required(name) : value(name) else { return nil }
    guard let number = value.integer, range.contains(number) else {
      return mistake(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func number(_ name: String, required isRequired: Bool = false) -> Double? {
    guard let value = isRequired ? required(name) : value(name) else { return nil }
    guard let number = value.finiteNumber else { return mistake(name, "must be a finite number") }
    return number
  }

  func choice<T: RawRepresentable & CaseIterable>(
    _ name: String, required isRequired: Bool = false, _ type: T.Type
  ) -> T? where T.RawValue == String {
    guard let value = isRequired ? required(name) : value(name) else { return nil }
    guard case .string(let text) = value, let choice = T(rawValue: text) else {
      return mistake(name, "must be one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }

  func array(_ name: String, required isRequired: Bool = false, count: ClosedRange<Int>) -> [JSONValue]? {
    guard let value = isRequired ? required(name) : value(name) else { return nil }
    guard case .array(let elements) = value, count.contains(elements.count) else {
      return mistake(name, "must be an array of \(count.lowerBound) to \(count.upperBound) elements")
    }
    return elements
  }

  /// A member that is an object of its own.
  func object(_ name: String, known: Set<String>) -> JSONObjectReader? {
    value(name).map { JSONObjectReader($0, at: at(name), known: known, errors: errors) }
  }

  private func mistake<T>(_ name: String, _ detail: String) -> T? {
    errors.add(at(name), detail)
    return nil
  }

  /// A pointer to a member (RFC 6901, section 3).
  static func child(_ pointer: String, _ name: String) -> String {
    pointer + "/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
  }
}
