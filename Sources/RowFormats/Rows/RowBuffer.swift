import CSimdJSON

/// The C reader's rows, problems and keys: the destination of every format.
///
/// One task uses it at a time.
final class RowBuffer {
  let schema: RowSchema
  let onError: RowErrorPolicy
  private let limits: RowLimits
  private let allowance: RowAllowance?
  /// `nil` if the allocation failed; reading then throws.
  private let rows: OpaquePointer?

  /// Turns a problem of the C reader into one of a format; the strings are the member's name and the value found.
  typealias Describe = (vj_problem, _ name: String, _ found: String) -> InputProblem

  init(
    schema: RowSchema, labelled: Bool, onError: RowErrorPolicy = .fail, limits: RowLimits? = nil
  ) {
    self.schema = schema
    self.onError = onError
    self.limits = limits ?? RowLimits()
    allowance = limits?.reserve.map(RowAllowance.init)
    rows = schema.compiled.handle.flatMap { vj_rows_new($0, labelled) }
    guard let rows, let limits else { return }
    // Sound: `allowance` lives as long as the rows, and C calls the function only while it reads into them.
    vj_rows_limit(
      rows, limits.rows, limits.batchBytes, allowance == nil ? .max : RowAllowance.free,
      { context, bytes in
        guard let context else { return 0 }
        return Unmanaged<RowAllowance>.fromOpaque(context).takeUnretainedValue().grant(bytes)
      }, allowance.map { Unmanaged.passUnretained($0).toOpaque() })
  }

  deinit {
    vj_rows_free(rows)
  }

  /// The C object.
  func handle() throws(SyntaxProblem) -> OpaquePointer {
    guard let rows else { throw SyntaxProblem(.outOfMemory) }
    return rows
  }

  /// Whether the rows have reached ``RowLimits/batchBytes``, so that a batch should be taken.
  var isFull: Bool { rows.map(vj_rows_full) ?? false }

  /// Throws the error of a limit, or that of the syntax, unless the code is OK.
  func check(_ status: vj_syntax) throws {
    switch status.code {
    case .VJ_SYNTAX_ROWS: throw TooManyRows(limit: limits.rows)
    case .VJ_SYNTAX_REFUSED: throw allowance?.error ?? SyntaxProblem(.tooLarge)
    default: try status.check()
    }
  }

  /// The number of rows since the last batch was taken.
  var count: Int { rows.map { vj_rows_get_view($0).count } ?? 0 }

  /// Whether some problem already decides that the input is refused.
  var isRefused: Bool { onError == .fail && (rows.map { vj_rows_get_view($0).problems_total > 0 } ?? false) }

  /// Reads whole lines of JSON, one row each, until the rows are full.
  ///
  /// - Returns: the number of lines and of their bytes.
  func readLines(_ text: UnsafeRawBufferPointer, firstLine: Int) throws -> (lines: Int, bytes: Int) {
    var lines: UInt64 = 0
    var bytes = 0
    try check(
      vj_read_lines(
        handle(), text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count, UInt64(firstLine),
        &lines, &bytes))
    return (Int(lines), bytes)
  }

  /// Copies the rows out and removes them. The keys are kept, so that a repeated one is found in a later batch.
  func takeBatch() throws(SyntaxProblem) -> RowBatch {
    let handle = try handle()
    let view = vj_rows_get_view(handle)
    let batch = RowBatch(
      count: view.count, numberSlots: schema.numberSlots, categorySlots: schema.categorySlots,
      numbers: copy(view.numbers, view.count * view.number_slots),
      categories: StringColumn(
        bytes: copyBytes(view.names, view.names_length),
        ends: copy(view.name_ends, view.count * view.category_slots)),
      outcomes: copy(view.outcomes, view.labelled ? view.count : 0),
      keys: view.key_ends.map {
        StringColumn(bytes: copyBytes(view.keys, view.keys_length), ends: copy($0, view.count))
      }, attributes: attributes(of: view))
    vj_rows_clear(handle)
    return batch
  }

  private func attributes(of view: vj_rows_view) -> CaseAttributes {
    CaseAttributes(
      references: view.reference_ends.map {
        StringColumn(bytes: copyBytes(view.references, view.references_length), ends: copy($0, view.count))
      },
      groups: view.group_ends.map {
        StringColumn(bytes: copyBytes(view.groups, view.groups_length), ends: copy($0, view.count))
      },
      times: view.times.map { copy($0, view.count) }, weights: view.weights.map { copy($0, view.count) },
      splits: view.splits.map { copy($0, view.count) })
  }

  /// Ends the input.
  ///
  /// - Returns: the rows that were refused.
  /// - Throws: ``InputProblems`` if rows may not be skipped, or if a problem concerns more than single rows.
  func finish(_ describe: Describe) throws -> SkippedRows {
    guard let all = try problems(describe) else { return .none }
    let view = vj_rows_get_view(try handle())
    guard onError == .skip, !view.envelope_refused else { throw all }
    return SkippedRows(count: Int(clamping: view.rows_refused), problems: all)
  }

  /// The problems since the last call, if any, which are removed.
  func takeProblems(_ describe: Describe) throws -> InputProblems? {
    let problems = try problems(describe)
    if problems != nil { discardProblems() }
    return problems
  }

  /// Removes the problems and keeps the rows.
  func discardProblems() {
    if let rows { vj_rows_forget_problems(rows) }
  }

  private func problems(_ describe: Describe) throws -> InputProblems? {
    let view = vj_rows_get_view(try handle())
    guard view.problems_total > 0 else { return nil }
    let problems = (0..<view.problems_kept).map { index in
      let problem = view.problems[index]
      let name = text(view.problem_text, problem.name_start, problem.name_length)
      let found = text(view.problem_text, problem.found_start, problem.found_length)
      return describe(problem, name, found)
    }
    return InputProblems(problems, count: Int(clamping: view.problems_total))
  }
}

// Sound: the pointers are C's and valid until the next call on the same rows; these functions copy at once.

private func copy<T>(_ start: UnsafePointer<T>?, _ count: Int) -> [T] {
  Array(UnsafeBufferPointer(start: start, count: count))
}

private func copyBytes(_ start: UnsafePointer<CChar>?, _ count: Int) -> [UInt8] {
  Array(UnsafeRawBufferPointer(start: start, count: count))
}

private func text(_ base: UnsafePointer<CChar>?, _ start: UInt32, _ length: UInt32) -> String {
  guard let base else { return "" }
  return String(decoding: UnsafeRawBufferPointer(start: base + Int(start), count: Int(length)), as: UTF8.self)
}
