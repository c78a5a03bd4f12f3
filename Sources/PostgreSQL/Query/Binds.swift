/// The bind parameters of a ``Query``, in their binary form, one after the other in one buffer.
public struct Binds: Sendable, Hashable {
  /// Where a parameter stands in ``bytes``; -1 as length is NULL.
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

  /// The declared types, in order.
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

  /// Appends another statement's parameters.
  mutating func append(_ other: Binds) {
    let shift = bytes.count
    bytes.append(contentsOf: other.bytes)
    for var slot in other.slots {
      slot.offset += shift
      slots.append(slot)
    }
  }
}
