/// Reads an object's members one by one, with their types and limits, and gathers whatever is wrong.
///
/// ```swift
/// let query = try JSONObjectReader.decode(body) { object in
///   NewKey(name: object.string("name", length: 1...100), role: object.choice("role", Role.self, default: .read))
/// }
/// ```
///
/// A getter that finds a problem notes it and answers a placeholder (an empty string, zero, `nil`), so that one pass
/// finds all problems. `decode` throws if there were any, so nothing made of placeholders gets out. Members that no
/// getter asked for are problems, too.
public final class JSONObjectReader {
  /// Pointer to the object in the body.
  public let pointer: String
  private let values: [String: JSONValue]
  private let names: [String]
  private let collector: ProblemCollector
  private var asked: Set<String> = []

  /// Reads an object that stands at `pointer`; call `finish` when all members were asked for.
  public init(_ object: JSONObject, at pointer: String = "", collector: ProblemCollector) {
    self.pointer = pointer
    self.collector = collector
    names = object.members.map(\.name)
    values = Dictionary(object.members.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  /// Reads a whole body whose top is an object. Throws `SyntaxProblem` or `InputProblems`.
  public static func decode<T>(_ body: RawSpan, _ read: (JSONObjectReader) throws -> T) throws -> T {
    try decode(JSONValue.parse(body), read)
  }

  /// The same for an array of bytes.
  public static func decode<T>(_ body: [UInt8], _ read: (JSONObjectReader) throws -> T) throws -> T {
    try decode(JSONValue.parse(body), read)
  }

  /// The same for a value already read, which stands at `pointer` of the body.
  public static func decode<T>(
    _ value: JSONValue, at pointer: String = "", _ read: (JSONObjectReader) throws -> T
  ) throws -> T {
    guard case .object(let object) = value else {
      throw InputProblems(InputProblem(pointer: pointer, detail: "must be an object, not \(value.kind)"))
    }
    let collector = ProblemCollector()
    let reader = JSONObjectReader(object, at: pointer, collector: collector)
    let result = try read(reader)
    reader.finish()
    try collector.check()
    return result
  }

  /// Notes the members that nobody asked for.
  public func finish() {
    for name in names where !asked.contains(name) { problem(name, "unknown member") }
  }

  /// Pointer to a member.
  public func pointer(to name: String) -> String { appending(name, to: pointer) }

  /// Notes a problem with a member; for rules that the getters do not know.
  public func problem(_ name: String, _ detail: String) {
    collector.add(InputProblem(pointer: pointer(to: name), detail: detail))
  }

  /// Whether the member is there, be it `null`.
  public func has(_ name: String) -> Bool { values[name] != nil }

  /// Whether the member is there and `null`: in a JSON merge patch (RFC 7396) that takes a value away.
  public func isNull(_ name: String) -> Bool {
    asked.insert(name)
    return values[name] == .null
  }

  /// The member's value as it is; `nil` if absent.
  public func value(_ name: String) -> JSONValue? {
    asked.insert(name)
    return values[name]
  }

  /// The value of a member that must be there and not `null`.
  func required<T>(_ name: String, _ convert: (JSONValue) -> T?) -> T? {
    guard let value = value(name) else {
      problem(name, "is missing")
      return nil
    }
    return convert(value)
  }

  /// The value of a member that may be absent or `null`.
  func optional<T>(_ name: String, _ convert: (JSONValue) -> T?) -> T? {
    guard let value = value(name), value != .null else { return nil }
    return convert(value)
  }

  /// A reader of a value that lies within this one, gathering into the same place.
  func nested(_ object: JSONObject, at pointer: String) -> JSONObjectReader {
    JSONObjectReader(object, at: pointer, collector: collector)
  }

  func wrong(_ name: String, _ value: JSONValue, expected: String) {
    problem(name, "must be \(expected), not \(value.kind)")
  }

  func add(_ problem: InputProblem) { collector.add(problem) }
}
