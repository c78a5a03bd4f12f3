/// Access to the fields of the current row.
extension BinaryCopyReader {
  /// The number of fields of the current row.
  @inlinable public var columnCount: Int { fields.count }

  /// Whether the field is NULL.
  @inlinable public func isNull(_ column: Int) -> Bool { fields[column].length < 0 }

  /// Decodes a field of the current row as the type that `T` is encoded as; the format itself carries no types.
  @inlinable public func decode<T: PostgresDecodable & PostgresEncodable>(
    _ column: Int, as type: T.Type = T.self
  ) throws -> T {
    try decode(column, as: T.self, type: T.postgresType)
  }

  /// Decodes a field of the current row, whose column is of `type`.
  @inlinable public func decode<T: PostgresDecodable>(
    _ column: Int, as target: T.Type = T.self, type: PostgresType
  ) throws -> T {
    let (offset, length) = try field(column)
    do {
      if length < 0 { return try T.postgresNull() }
      return try T(postgresBytes: bytes.span.bytes.extracting(offset..<offset + length), type: type)
    } catch {
      throw PostgreSQLError(
        .decoding, "column \(column) cannot be decoded as \(T.self): \(error)", underlying: error)
    }
  }

  /// The data that ``fieldRange(_:)`` and ``forEachElementRange(_:of:_:)`` refer to, until the next `feed`.
  @inlinable public var data: [UInt8] { bytes }

  /// The position of a field's binary form in ``data``; `nil` for NULL.
  @inlinable public func fieldRange(_ column: Int) throws -> Range<Int>? {
    let (offset, length) = try field(column)
    return length < 0 ? nil : offset..<offset + length
  }

  @inlinable func field(_ column: Int) throws -> (offset: Int, length: Int) {
    guard column >= 0, column < fields.count else {
      throw PostgreSQLError(.decoding, "the row has \(fields.count) columns, not \(column + 1)")
    }
    return fields[column]
  }

  /// Calls `body` with the bytes of each element of an array field, or nil for a NULL element. Returns the number of elements; a
  /// NULL field has none.
  @inlinable public func forEachElement(
    _ column: Int, of type: PostgresType, _ body: (RawSpan?) throws -> Void
  ) throws -> Int {
    try forEachElementRange(column, of: type) { range in
      if let range { try body(bytes.span.bytes.extracting(range)) } else { try body(nil) }
    }
  }

  /// Calls `body` with the position in ``data`` of each element of an array field, or nil for a NULL element. Returns the number
  /// of elements; a NULL field has none.
  @inlinable public func forEachElementRange(
    _ column: Int, of type: PostgresType, _ body: (Range<Int>?) throws -> Void
  ) throws -> Int {
    let array = try arrayField(column, of: type)
    let span = bytes.span.bytes
    let end = array.range.upperBound
    var offset = array.range.lowerBound + 20
    for _ in 0..<array.count {
      guard end - offset >= 4 else { throw Self.malformed(column) }
      let size = Int(span.bigEndian(at: offset, as: Int32.self))
      offset += 4
      guard size >= 0 else {
        try body(nil)
        continue
      }
      guard end - offset >= size else { throw Self.malformed(column) }
      try body(offset..<offset + size)
      offset += size
    }
    return array.count
  }

  /// Appends the elements of a float8[] field to an array, with `null` for NULL elements. Returns the number of elements; a NULL
  /// field has none.
  @inlinable public func appendDoubles(
    _ column: Int, to array: inout [Double], null: Double = .nan
  ) throws -> Int {
    let field = try arrayField(column, of: .float8)
    let span = bytes.span.bytes.extracting(field.range)
    var offset = 20
    for _ in 0..<field.count {
      guard span.byteCount - offset >= 4 else { throw Self.malformed(column) }
      let size = span.bigEndian(at: offset, as: Int32.self)
      offset += 4
      if size < 0 {
        array.append(null)
      } else {
        guard size == 8, span.byteCount - offset >= 8 else { throw Self.malformed(column) }
        array.append(Double(bitPattern: span.bigEndian(at: offset, as: UInt64.self)))
        offset += 8
      }
    }
    return field.count
  }

  /// The range and the number of elements of an array field with elements of `type` and at most one dimension. A NULL field
  /// has no elements.
  @usableFromInline func arrayField(_ column: Int, of type: PostgresType) throws
    -> (range: Range<Int>, count: Int)
  {
    let (start, length) = try field(column)
    if length < 0 { return (start..<start, 0) }
    let range = start..<start + length
    let span = bytes.span.bytes.extracting(range)
    guard length >= 12, span.bigEndian(at: 8, as: UInt32.self) == type.rawValue else {
      throw PostgreSQLError(.decoding, "column \(column) is not an array with elements of \(type)")
    }
    let dimensions = span.bigEndian(at: 0, as: Int32.self)
    if dimensions == 0 { return (range, 0) }
    guard dimensions == 1, length >= 20 else {
      throw PostgreSQLError(.decoding, "column \(column) is not a one-dimensional array")
    }
    return (range, max(0, Int(span.bigEndian(at: 12, as: Int32.self))))
  }

  @usableFromInline static func malformed(_ column: Int) -> PostgreSQLError {
    PostgreSQLError(.decoding, "column \(column) is a malformed array")
  }
}
