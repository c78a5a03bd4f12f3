import CSimdJSON

extension RowBuffer {
  /// Reads a record as a row.
  func read(_ record: CSVRecord, of text: [UInt8], _ header: CSVHeader, line: Int) throws {
    let fields = record.fields
    let handle = try handle()
    vj_begin_row(handle, UInt64(line))
    if let reason = header.objection(to: record) {
      Array(reason.utf8).withUnsafeBufferPointer {
        vj_row_problem(handle, .VJ_BAD_RECORD, $0.baseAddress, $0.count)
      }
      vj_end_row(handle, false)
      return
    }
    // Sound: the C functions copy what they keep, so the pointers are not used after the calls.
    text.withUnsafeBufferPointer { plain in
      record.unescaped.withUnsafeBufferPointer { unescaped in
        for (field, column) in zip(fields, header.columns) {
          let text = UnsafeBufferPointer(
            rebasing: (field.isUnescaped ? unescaped : plain)[field.start..<field.start + field.count])
          let cell = header.read(text, of: column)
          switch column {
          case .feature(let index) where header.hasDecimalComma:
            vj_cell_with_comma(handle, index, cell.baseAddress, cell.count)
          case .feature(let index): vj_cell(handle, index, cell.baseAddress, cell.count)
          case .label: vj_cell_label(handle, cell.baseAddress, cell.count)
          case .key: vj_cell_key(handle, cell.baseAddress, cell.count)
          case .attribute(let attribute):
            vj_cell_attribute(handle, attribute, cell.baseAddress, cell.count, header.hasDecimalComma)
          case .ignored: break
          }
        }
      }
    }
    let code = vj_end_row(handle, true)
    switch code {
    case .VJ_SYNTAX_OK: break
    case .VJ_SYNTAX_ROWS, .VJ_SYNTAX_REFUSED: try check(vj_syntax(code: code, offset: 0))
    default: throw SyntaxProblem(SyntaxProblem.Kind(code), line: line)
    }
  }
}
