internal import CLibPQ

/// Owns a PGresult, which is freed with the last row that refers to it.
///
/// Sound as `@unchecked Sendable`: the object is complete and never changes after its creation, and libpq's accessors only read
/// (manual, 34.20: "PGresult objects are normally read-only after creation, and so can be passed around freely between
/// threads").
final class ResultStorage: @unchecked Sendable {
  /// The PGresult, valid as long as this object.
  private let pointer: OpaquePointer
  let rowCount: Int
  let columnCount: Int

  init(_ pointer: OpaquePointer) {
    self.pointer = pointer
    rowCount = Int(PQntuples(pointer))
    columnCount = Int(PQnfields(pointer))
  }

  deinit { PQclear(pointer) }

  /// The number of rows that the command affected; 0 for commands that affect none.
  var affectedRows: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

  /// The memory in bytes that libpq has allocated for the result.
  var memorySize: Int { Int(PQresultMemorySize(pointer)) }

  /// The command tag, such as `INSERT 0 1`.
  var commandTag: String { String(cString: PQcmdStatus(pointer)) }

  /// The type of an existing column.
  func type(_ column: Int) -> PostgresType { PostgresType(rawValue: PQftype(pointer, Int32(column))) }

  /// The name of an existing column.
  func name(_ column: Int) -> String { PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? "" }

  /// Calls `body` with the bytes of an existing field, or with nil for NULL. The bytes must not escape the closure.
  @inline(__always)
  func withField<T>(row: Int, column: Int, _ body: (RawSpan?) throws -> T) rethrows -> T {
    let row = Int32(truncatingIfNeeded: row)
    let column = Int32(truncatingIfNeeded: column)
    let length = PQgetlength(pointer, row, column)
    guard length > 0 || PQgetisnull(pointer, row, column) == 0 else { return try body(nil) }
    // libpq owns the bytes until PQclear, which runs at this object's last release.
    let bytes = UnsafeRawBufferPointer(start: PQgetvalue(pointer, row, column), count: Int(length))
    return try withExtendedLifetime(self) { try body(bytes.bytes) }
  }
}
