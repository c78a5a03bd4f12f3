/// The meaning of each column of a CSV file, from its header line.
struct CSVHeader {
  enum Column {
    case feature(UInt32)
    case label
    case key
    case ignored
  }

  /// The columns in the order of the file.
  let columns: [Column]
  /// The values that columns must have for a row to be kept.
  let filters: [(column: Int, value: [UInt8])]

  /// Resolves the names of a header line.
  ///
  /// - Parameter labelled: whether the rows have labels and keys; without them, the header has no column for either.
  /// - Throws: every problem of the header at once.
  init(
    names: [[UInt8]], schema: RowSchema, format: CSVFormat, labelled: Bool = true
  ) throws(InputProblems) {
    var problems: [InputProblem] = []
    func refuse(_ name: String, _ detail: String) {
      problems.append(InputProblem(line: 1, column: name, detail: detail))
    }
    let filtered = Set(format.filters.map(\.column))
    let key = Array((format.keyColumn ?? schema.keyColumn).utf8)
    var positions: [[UInt8]: Int] = [:]
    var columns: [Column] = []
    for (position, bytes) in names.enumerated() {
      let name = String(decoding: bytes, as: UTF8.self)
      if positions.updateValue(position, forKey: bytes) != nil {
        refuse(name, "the header names this column twice")
      }
      if labelled, bytes == Array(schema.labelName.utf8) {
        columns.append(.label)
      } else if labelled, bytes == key, format.keyColumn != nil || !format.ignoredColumns.contains(name) {
        columns.append(.key)
      } else if format.ignoredColumns.contains(name) {
        columns.append(.ignored)
      } else if let feature = schema.compiled.index(of: bytes) {
        columns.append(.feature(feature))
      } else {
        columns.append(.ignored)
        if !filtered.contains(name) {
          refuse(name, "the dataset has no such feature, and the column is not ignored")
        }
      }
    }
    var filters: [(column: Int, value: [UInt8])] = []
    for filter in format.filters {
      if let position = positions[Array(filter.column.utf8)] {
        filters.append((position, Array(filter.value.utf8)))
      } else {
        refuse(filter.column, "rows are to be filtered by this column, but the header does not name it")
      }
    }
    for required in labelled ? [schema.labelName, format.keyColumn].compactMap({ $0 }) : []
    where positions[Array(required.utf8)] == nil {
      refuse(required, "the header does not name this column")
    }
    guard problems.isEmpty else {
      throw InputProblems(Array(problems.prefix(InputProblems.most)), count: problems.count)
    }
    self.columns = columns
    self.filters = filters
  }
}
