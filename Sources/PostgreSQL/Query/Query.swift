/// SQL with bind parameters, built by string interpolation: `"SELECT * FROM t WHERE id = \(id)"` sends
/// `SELECT * FROM t WHERE id = $1` and the value separately, so that a value never becomes SQL.
public struct Query: Sendable, Hashable {
  /// The SQL text with `$1`, `$2`, …
  public private(set) var sql: String
  /// The values of the placeholders.
  public private(set) var binds: Binds
  /// The UTF-8 offset of each interpolated placeholder's `$`, and its number.
  private var placeholders: [Placeholder] = []

  private struct Placeholder: Sendable, Hashable {
    var offset: Int
    var number: Int
  }

  /// Creates SQL from unchecked text, which must not come from outside the program.
  public init(unsafeSQL: String) { self.init(unsafeSQL: unsafeSQL, binds: Binds()) }

  /// Creates SQL from unchecked text, with values for the `$1`, `$2`, … in it.
  public init(unsafeSQL: String, binds: Binds) {
    sql = unsafeSQL
    self.binds = binds
  }

  /// Concatenates two queries; the right one's placeholders are renumbered.
  public static func + (left: Query, right: Query) -> Query {
    var joined = left
    joined += right
    return joined
  }

  /// Appends a query; its placeholders are renumbered.
  public static func += (left: inout Query, right: Query) {
    if left.binds.count == 0 || right.placeholders.isEmpty {
      let shift = left.sql.utf8.count
      left.sql += right.sql
      left.placeholders += right.placeholders.map {
        Placeholder(offset: $0.offset + shift, number: $0.number)
      }
    } else {
      left.appendRenumbered(right)
    }
    left.binds.append(right.binds)
  }

  private mutating func appendRenumbered(_ right: Query) {
    let shift = binds.count
    let source = right.sql.utf8
    var position = source.startIndex
    for placeholder in right.placeholders {
      let dollar = source.index(source.startIndex, offsetBy: placeholder.offset)
      sql += right.sql[position..<dollar]
      placeholders.append(Placeholder(offset: sql.utf8.count, number: placeholder.number + shift))
      sql += "$\(placeholder.number + shift)"
      position = source.index(dollar, offsetBy: 1 + String(placeholder.number).utf8.count)
    }
    sql += right.sql[position...]
  }

  /// UTF-8 offsets and numbers of the interpolated placeholders, from left to right.
  var placeholderOffsets: [(offset: Int, number: Int)] { placeholders.map { ($0.offset, $0.number) } }

  mutating func reserve(_ bytes: Int) { sql.reserveCapacity(bytes) }

  mutating func appendLiteral(_ text: String) { sql += text }

  mutating func appendBind<T: PostgresEncodable>(_ value: T) {
    binds.append(value)
    placeholders.append(Placeholder(offset: sql.utf8.count, number: binds.count))
    sql += "$"
    sql += String(binds.count)
  }
}

extension Query: CustomStringConvertible {
  /// The SQL without the values, which may be secrets.
  public var description: String { sql }
}
