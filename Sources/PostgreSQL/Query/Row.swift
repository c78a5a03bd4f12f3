/// One row of a result, which keeps the whole result in memory.
public struct Row: Sendable {
  let storage: ResultStorage
  let index: Int
  let origin: QueryResult.Origin

  /// Decodes all columns by position: `let (id, name) = try row.decode(Int.self, String?.self)`.
  ///
  /// - Throws: ``PostgreSQLError`` of kind `decoding` with the column's name, or if the number of types differs from the number
  ///   of columns.
  public func decode<each T: PostgresDecodable>(
    _ types: repeat (each T).Type, file: String = #fileID, line: Int = #line
  ) throws -> (repeat each T) {
    var count = 0
    for _ in repeat each types { count += 1 }
    guard count == storage.columnCount else {
      throw failure("\(storage.columnCount) columns cannot be decoded as \(count) values", file, line)
    }
    var column = -1
    func next<U: PostgresDecodable>(_ type: U.Type) throws -> U {
      column += 1
      return try field(column, as: type, file: file, line: line)
    }
    return (repeat try next(each types))
  }

  /// Decodes the only column.
  public func decode<T: PostgresDecodable>(
    _ type: T.Type, file: String = #fileID, line: Int = #line
  ) throws -> T {
    guard storage.columnCount == 1 else {
      throw failure("\(storage.columnCount) columns cannot be decoded as 1 value", file, line)
    }
    return try field(0, as: type, file: file, line: line)
  }

  /// Decodes the column with a name.
  public func decode<T: PostgresDecodable>(
    column name: String, as type: T.Type = T.self, file: String = #fileID, line: Int = #line
  ) throws -> T {
    for column in 0..<storage.columnCount where storage.name(column) == name {
      return try field(column, as: type, file: file, line: line)
    }
    throw failure("there is no column named \(name)", file, line)
  }

  /// Decodes the column at a position.
  public func decode<T: PostgresDecodable>(
    at column: Int, as type: T.Type = T.self, file: String = #fileID, line: Int = #line
  ) throws -> T {
    guard column >= 0, column < storage.columnCount else {
      throw failure("there is no column \(column)", file, line)
    }
    return try field(column, as: type, file: file, line: line)
  }

  private func field<T: PostgresDecodable>(
    _ column: Int, as type: T.Type, file: String, line: Int
  ) throws -> T {
    do {
      return try storage.withField(row: index, column: column) { bytes in
        if let bytes { return try T(postgresBytes: bytes, type: storage.type(column)) }
        return try T.postgresNull()
      }
    } catch {
      var problem = failure("\(storage.name(column)) cannot be decoded as \(T.self): \(error)", file, line)
      problem.column = storage.name(column)
      problem.underlying = error
      throw problem
    }
  }

  private func failure(_ message: String, _ file: String, _ line: Int) -> PostgreSQLError {
    PostgreSQLError(.decoding, message).located(query: origin.sql, file: file, line: line)
  }
}
