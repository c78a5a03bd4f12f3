/// Stored data name something that this version does not have, for instance after a return to an older version.
public struct UnknownStoredName: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of thing, for instance “KPI”.
  public var kind: String
  /// The name as it is stored.
  public var name: String

  /// Makes an error; see the properties.
  public init(kind: String, name: String) {
    self.kind = kind
    self.name = name
  }

  /// One sentence for the log.
  public var description: String { "This version knows no \(kind) with the stored name '\(name)'." }
}
