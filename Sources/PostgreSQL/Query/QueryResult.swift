/// The result of a statement: its rows, the number of affected rows, and the command tag.
public struct QueryResult: Sendable {
  let storage: ResultStorage
  /// The call site, for decoding errors.
  let origin: Origin

  /// A column of the result.
  public struct Column: Sendable, Hashable {
    /// The column's name.
    public let name: String
    /// The column's type.
    public let type: PostgresType
  }

  /// A call site and its SQL.
  struct Origin: Sendable {
    let sql: String
    let file: String
    let line: Int
  }

  /// The columns, in order.
  public var columns: [Column] {
    (0..<storage.columnCount).map { Column(name: storage.name($0), type: storage.type($0)) }
  }

  /// The number of rows that the statement inserted, updated, deleted, selected or copied.
  public var affectedRows: Int { storage.affectedRows }

  /// The command tag, such as `INSERT 0 1`.
  public var commandTag: String { storage.commandTag }
}

extension QueryResult: RandomAccessCollection {
  /// 0
  public var startIndex: Int { 0 }
  /// The number of rows.
  public var endIndex: Int { storage.rowCount }
  /// The row at a position.
  public subscript(position: Int) -> Row {
    precondition(position >= 0 && position < storage.rowCount, "row index out of range")
    return Row(storage: storage, index: position, origin: origin)
  }
}
