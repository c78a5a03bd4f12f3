extension BinaryCopyReader {
  /// The number of fields of the current row.
  @inlinable public var columnCount: Int { fields.count }

  /// True if the field is NULL.
  @inlinable public func isNull(_ column: Int) -> Bool { fields[column].length < 0 }

  /// Decodes a field of the current row. The format does not carry types: `type` is the column's.
  /// By default it is the type that `T` is sent as.
  @inlinable public func decode<T: PostgresDecodable & PostgresEncodable>(
    _ column: Int, as type: T.Type = T.self
  ) throws -> T {
    try decode(column, as: T.self, type: T.postgresType)
  }

  /// Decodes a field of the current row whose column has a type.
  @inlinable public func decode<T: PostgresDecodable>(
    _ column: Int, as target: T.Type = T.self, type: PostgresType
  ) throws -> T {
    guard column >= 0, column < fields.count else {
      throw PostgreSQLError(.decoding, "the row has \(fields.count) columns, not \(column + 1)")
    }
    let (offset, length) = fields[column]
    do {
      if length < 0 { return try T.postgresNull() }
      return try T(postgresBytes: bytes.span.bytes.extracting(offset..<offset + length), type: type)
    } catch {
      throw PostgreSQLError(.decoding, "column \(column) is no \(T.self): \(error)", underlying: error)
    }
  }

  /// Calls `body` with the bytes of each element of an array field, `nil` for NULL elements, where they lie; returns how
  /// many there are. A NULL field has none, and neither has an array of several dimensions, which is an error.
  @inlinable public func forEachElement(
    _ column: Int, of type: PostgresType, _ body: (RawSpan?) throws -> Void
  ) throws -> Int {
    guard column >= 0, column < fields.count else {
      throw PostgreSQLError(.decoding, "the row has \(fields.count) columns, not \(column + 1)")
    }
    let (start, length) = fields[column]
    if length < 0 { return 0 }
    let span = bytes.span.bytes.extracting(start..<start + length)
    guard length >= 12, span.bigEndian(at: 8, as: UInt32.self) == type.rawValue else {
      throw PostgreSQLError(.decoding, "column \(column) is no array of that type")
    }
    let dimensions = span.bigEndian(at: 0, as: Int32.self)
    if dimensions == 0 { return 0 }
    guard dimensions == 1, length >= 20 else {
      throw PostgreSQLError(.decoding, "column \(column) is no array of one dimension")
    }
    let count = Int(span.bigEndian(at: 12, as: Int32.self))
    var offset = 20
    for _ in 0..<max(0, count) {
      guard length - offset >= 4 else { throw PostgreSQLError(.decoding, "column \(column) is cut off") }
      let size = Int(span.bigEndian(at: offset, as: Int32.self))
      offset += 4
      guard size >= 0 else {
        try body(nil)
        continue
      }
      guard length - offset >= size else {
        throw PostgreSQLError(.decoding, "column \(column) is cut off")
      }
      try body(span.extracting(offset..<offset + size))
      offset += size
    }
    return count
  }

  /// Appends the elements of a float8[] field to an array, NULL elements as `null`; returns how many.
  /// A NULL field has none.
  @inlinable public func appendDoubles(
    _ column: Int, to array: inout [Double], null: Double = .nan
  ) throws -> Int {
    guard column >= 0, column < fields.count else {
      throw PostgreSQLError(.decoding, "the row has \(fields.count) columns, not \(column + 1)")
    }
    let (start, length) = fields[column]
    if length < 0 { return 0 }
    let span = bytes.span.bytes.extracting(start..<start + length)
    guard length >= 12, span.bigEndian(at: 8, as: UInt32.self) == PostgresType.float8.rawValue else {
      throw PostgreSQLError(.decoding, "column \(column) is no float8[]")
    }
    if span.bigEndian(at: 0, as: Int32.self) == 0 { return 0 }
    guard length >= 20, span.bigEndian(at: 0, as: Int32.self) == 1 else {
      throw PostgreSQLError(.decoding, "column \(column) is no one-dimensional float8[]")
    }
    let count = Int(span.bigEndian(at: 12, as: Int32.self))
    var offset = 20
    for _ in 0..<count {
      guard length - offset >= 4 else { throw PostgreSQLError(.decoding, "column \(column) is cut off") }
      let size = span.bigEndian(at: offset, as: Int32.self)
      offset += 4
      if size < 0 {
        array.append(null)
      } else {
        guard size == 8, length - offset >= 8 else {
          throw PostgreSQLError(.decoding, "column \(column) is malformed")
        }
        array.append(Double(bitPattern: span.bigEndian(at: offset, as: UInt64.self)))
        offset += 8
      }
    }
    return count
  }
}
