/// SQL with bind parameters, made by string interpolation: `"SELECT * FROM t WHERE id = \(id)"` sends
/// `SELECT * FROM t WHERE id = $1` and the value beside it, so that a value can never become SQL.
public struct Query: Sendable, Hashable {
  /// The text with `$1`, `$2`, …
  public private(set) var sql: String
  /// The values of the placeholders.
  public private(set) var binds: Binds
  /// Where each interpolated placeholder's `$` stands, as an offset in UTF-8, and its number.
  private var placeholders: [Placeholder] = []

  private struct Placeholder: Sendable, Hashable {
    var offset: Int
    var number: Int
  }

  /// Takes the text as it is: never pass anything here that came from outside.
  public init(unsafeSQL: String) { self.init(unsafeSQL: unsafeSQL, binds: Binds()) }

  /// Takes the text as it is, with values for the `$1`, `$2`, … that stand in it already.
  public init(unsafeSQL: String, binds: Binds) {
    sql = unsafeSQL
    self.binds = binds
  }

  /// Joins two parts; the right one's placeholders are renumbered.
  public static func + (left: Query, right: Query) -> Query {
    var joined = left
    joined += right
    return joined
  }

  /// Appends a part; its placeholders are renumbered.
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

  /// Offsets in UTF-8 and numbers of the interpolated placeholders, from left to right.
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
  /// The SQL alone: values may be secrets.
  public var description: String { sql }
}
