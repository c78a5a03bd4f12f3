internal import CLibPQ

/// A PGresult, freed with the last row that refers to it.
///
/// Sound as `@unchecked Sendable`: it is complete and never changed once made here, and libpq's accessors
/// only read (manual, 34.20: "PGresult objects are normally read-only after creation, and so can be passed
/// around freely between threads").
final class ResultStorage: @unchecked Sendable {
  /// libpq's object; alive as long as this one.
  private let pointer: OpaquePointer
  let rowCount: Int
  let columnCount: Int

  init(_ pointer: OpaquePointer) {
    self.pointer = pointer
    rowCount = Int(PQntuples(pointer))
    columnCount = Int(PQnfields(pointer))
  }

  deinit { PQclear(pointer) }

  /// The rows that the command touched, 0 for commands that touch none.
  var affectedRows: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

  /// The command tag, such as `INSERT 0 1`.
  var commandTag: String { String(cString: PQcmdStatus(pointer)) }

  /// The type of a column that exists.
  func type(_ column: Int) -> PostgresType { PostgresType(rawValue: PQftype(pointer, Int32(column))) }

  /// The name of a column that exists.
  func name(_ column: Int) -> String { PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? "" }

  /// Hands out the bytes of a field that exists, nil for NULL. They must not leave the closure.
  @inline(__always)
  func withField<T>(row: Int, column: Int, _ body: (RawSpan?) throws -> T) rethrows -> T {
    let row = Int32(truncatingIfNeeded: row)
    let column = Int32(truncatingIfNeeded: column)
    let length = PQgetlength(pointer, row, column)
    guard length > 0 || PQgetisnull(pointer, row, column) == 0 else { return try body(nil) }
    // libpq owns the bytes until PQclear, which waits for this object's last reference.
    let bytes = UnsafeRawBufferPointer(start: PQgetvalue(pointer, row, column), count: Int(length))
    return try withExtendedLifetime(self) { try body(bytes.bytes) }
  }
}
