/// Parameters as literals in the SQL text.
extension Query {
  /// The SQL with its parameters as literals, for COPY, which takes no parameters.
  ///
  /// Only text literals contain characters of the values. They are `E''` strings with backslashes and quotes doubled, which are
  /// safe with either setting of `standard_conforming_strings`.
  func inlined() throws -> String {
    if binds.count == 0 { return sql }
    var text = ""
    var remainder = sql[...]
    for (offset, number) in placeholderOffsets {
      let start = sql.utf8.index(sql.startIndex, offsetBy: offset)
      text += remainder[remainder.startIndex..<start]
      text += try binds.literal(number - 1)
      remainder = sql[sql.utf8.index(start, offsetBy: 1 + String(number).utf8.count)...]
    }
    return text + remainder
  }
}

extension Binds {
  /// The parameter at an index (from 0) as an SQL literal with its type.
  func literal(_ index: Int) throws -> String {
    let slot = slots[index]
    if slot.length < 0 { return "NULL" }
    return try bytes.span.bytes.extracting(slot.offset..<slot.offset + Int(slot.length)).literal(slot.type)
  }
}

extension RawSpan {
  /// This binary value as an SQL literal.
  fileprivate func literal(_ type: PostgresType) throws -> String {
    switch type {
    case .bool: return try Bool(postgresBytes: self, type: type) ? "TRUE" : "FALSE"
    case .int2, .int4, .int8:
      // Quoted, because unquoted -9223372036854775808 parses as minus a number too large for int8.
      let name = type == .int2 ? "int2" : type == .int4 ? "int4" : "int8"
      return "'\(try Int64(postgresBytes: self, type: type))'::\(name)"
    case .float8: return "'\(try Double(postgresBytes: self, type: type))'::float8"
    case .float4: return "'\(try Float(postgresBytes: self, type: type))'::float4"
    case .text: return quoted(try String(postgresBytes: self, type: type)) + "::text"
    case .jsonb: return quoted(try String(postgresBytes: self, type: type)) + "::jsonb"
    case .bytea: return "decode('\(hex)', 'hex')"
    case .uuid: return "'\(hex)'::uuid"
    case .timestamptz: return timestampLiteral(try onlyInteger(Int64.self))
    default:
      guard let element = type.arrayElement else {
        throw PostgreSQLError(.encoding, "COPY takes no parameter of type \(type)")
      }
      return try arrayLiteral(element)
    }
  }

  private var hex: String { withUnsafeBytes { Hexadecimal.text($0) } }

  private func timestampLiteral(_ microseconds: Int64) -> String {
    switch microseconds {
    case .max: "'infinity'::timestamptz"
    case .min: "'-infinity'::timestamptz"
    default:
      // Seconds and microseconds separately, because one float8 interval would round distant dates.
      "(timestamptz '2000-01-01 00:00:00Z' + interval '\(microseconds / 1_000_000) seconds"
        + " \(microseconds % 1_000_000) microseconds')"
    }
  }

  private func arrayLiteral(_ element: PostgresType) throws -> String {
    let name: String
    switch element {
    case .bool: name = "bool"
    case .bytea: name = "bytea"
    case .int2: name = "int2"
    case .int4: name = "int4"
    case .int8: name = "int8"
    case .text: name = "text"
    case .float4: name = "float4"
    case .float8: name = "float8"
    case .timestamptz: name = "timestamptz"
    case .uuid: name = "uuid"
    default: name = "jsonb"
    }
    var items: [String] = []
    if bigEndian(at: 0, as: Int32.self) == 1 {
      var offset = 20
      for _ in 0..<bigEndian(at: 12, as: Int32.self) {
        let length = Int(bigEndian(at: offset, as: Int32.self))
        offset += 4
        items.append(
          length < 0 ? "NULL" : try extracting(offset..<offset + length).literal(element))
        offset += max(length, 0)
      }
    }
    return "ARRAY[\(items.joined(separator: ","))]::\(name)[]"
  }
}

/// An `E''` string with backslashes and quotes doubled. The server rejects zero bytes.
private func quoted(_ text: String) -> String {
  var literal = " E'"
  for scalar in text.unicodeScalars {
    if scalar == "'" || scalar == "\\" { literal.unicodeScalars.append(scalar) }
    literal.unicodeScalars.append(scalar)
  }
  return literal + "'"
}
