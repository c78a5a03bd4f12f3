/// The bind parameters of a ``Query`` in binary form, concatenated in one buffer.
public struct Binds: Sendable, Hashable {
  /// The range of a parameter in ``bytes``; length -1 is NULL.
  struct Slot: Sendable, Hashable {
    var type: PostgresType
    var offset: Int
    var length: Int32
  }

  var slots: [Slot] = []
  var bytes: [UInt8] = []

  /// No parameters.
  public init() {}

  /// The number of parameters.
  public var count: Int { slots.count }

  /// The declared types of the parameters, in order.
  public var types: [PostgresType] { slots.map(\.type) }

  /// Appends a parameter.
  public mutating func append<T: PostgresEncodable>(_ value: T) {
    let offset = bytes.count
    if value.isPostgresNull {
      slots.append(Slot(type: T.postgresType, offset: offset, length: -1))
    } else {
      value.encode(into: &bytes)
      slots.append(Slot(type: T.postgresType, offset: offset, length: Int32(bytes.count - offset)))
    }
  }

  /// Appends the parameters of another statement.
  mutating func append(_ other: Binds) {
    let shift = bytes.count
    bytes.append(contentsOf: other.bytes)
    for var slot in other.slots {
      slot.offset += shift
      slots.append(slot)
    }
  }
}
