extension TrainingTable {
  /// The table with some of its rows.
  ///
  /// - Parameter rows: their indices, ascending.
  func rows(_ rows: [Int]) throws(LearningError) -> TrainingTable {
    var part = attributes
    part.weights = attributes.weights.map { values in rows.map { values[$0] } }
    part.times = attributes.times.map { values in rows.map { values[$0] } }
    part.splits = attributes.splits.map { values in rows.map { values[$0] } }
    if let groups = attributes.groups {
      // Codes must be below the number of rows.
      var codes: [Int32: Int32] = [:]
      part.groups = rows.map { row in
        let group = groups[row]
        guard group >= 0 else { return -1 }
        if let known = codes[group] { return known }
        let code = Int32(codes.count)
        codes[group] = code
        return code
      }
    }
    return try TrainingTable(
      names: names, kinds: kinds,
      columns: columns.map { column in
        switch column {
        case .numeric(let values): .numeric(rows.map { values[$0] })
        case .categorical(let codes, let levels): .categorical(codes: rows.map { codes[$0] }, levels: levels)
        }
      }, outcomes: rows.map { outcomes[$0] }, attributes: part)
  }
}
