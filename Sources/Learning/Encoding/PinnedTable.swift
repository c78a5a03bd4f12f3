/// The columns of a table at fixed addresses for the kernels. Valid only inside `withPinned`.
struct PinnedTable {
  /// Numeric columns in feature order.
  var numeric: [UnsafePointer<Double>]
  /// Codes of the categorical columns in feature order.
  var codes: [UnsafePointer<Int32>]
  var outcomes: UnsafePointer<UInt8>
  /// The weight of each row; nil where rows have none.
  var weights: UnsafePointer<Double>?
  var rowCount: Int
}

extension TrainingTable {
  /// The maximum number of columns pinned in place; each takes stack space, so that more columns are copied instead.
  static let pinnedDirectly = 128

  /// Calls `body` with the columns pinned in place, or with copies if there are too many.
  ///
  /// `checkpoint` is called every few milliseconds and cancels the work by throwing.
  func withPinned<Result>(
    checkpoint: () throws -> Void = {}, _ body: (PinnedTable) throws -> Result
  ) throws -> Result {
    try outcomes.withUnsafeBufferPointer { outcomes in
      guard let base = outcomes.baseAddress else {
        throw LearningError.tooFewRows(rows: 0, positives: 0, negatives: 0)
      }
      return try withPinnedWeights { weights in
        let empty = PinnedTable(
          numeric: [], codes: [], outcomes: base, weights: weights, rowCount: rowCount)
        return columns.count <= Self.pinnedDirectly
          ? try pin(from: 0, onto: empty, body) : try copy(onto: empty, checkpoint, body)
      }
    }
  }

  private func withPinnedWeights<Result>(_ body: (UnsafePointer<Double>?) throws -> Result) rethrows -> Result
  {
    guard let weights = attributes.weights else { return try body(nil) }
    return try weights.withUnsafeBufferPointer { try body($0.baseAddress) }
  }

  private func pin<Result>(
    from index: Int, onto pinned: PinnedTable, _ body: (PinnedTable) throws -> Result
  ) throws -> Result {
    guard index < columns.count else { return try body(pinned) }
    var next = pinned
    switch columns[index] {
    case .numeric(let values):
      return try values.withUnsafeBufferPointer { values in
        if let base = values.baseAddress { next.numeric.append(base) }
        return try pin(from: index + 1, onto: next, body)
      }
    case .categorical(let codes, _):
      return try codes.withUnsafeBufferPointer { codes in
        if let base = codes.baseAddress { next.codes.append(base) }
        return try pin(from: index + 1, onto: next, body)
      }
    }
  }

  private func copy<Result>(
    onto pinned: PinnedTable, _ checkpoint: () throws -> Void, _ body: (PinnedTable) throws -> Result
  ) throws -> Result {
    var pinned = pinned
    var owned: [UnsafeMutableRawPointer] = []
    // The copies live until the body has returned; no other code refers to them.
    defer { for memory in owned { memory.deallocate() } }
    for column in columns {
      try checkpoint()
      switch column {
      case .numeric(let values):
        let memory = UnsafeMutablePointer<Double>.allocate(capacity: values.count)
        memory.initialize(from: values, count: values.count)
        owned.append(UnsafeMutableRawPointer(memory))
        pinned.numeric.append(UnsafePointer(memory))
      case .categorical(let codes, _):
        let memory = UnsafeMutablePointer<Int32>.allocate(capacity: codes.count)
        memory.initialize(from: codes, count: codes.count)
        owned.append(UnsafeMutableRawPointer(memory))
        pinned.codes.append(UnsafePointer(memory))
      }
    }
    return try body(pinned)
  }
}
