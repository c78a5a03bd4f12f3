import CSimdJSON

/// The C reader's rows, problems and keys seen so far: what every format reads into.
///
/// For one task at a time; freed with the object.
final class RowBuffer {
  let schema: RowSchema
  let onError: RowErrorPolicy
  /// `nil` if there was no memory for it; reading then fails.
  private let rows: OpaquePointer?

  init(schema: RowSchema, labelled: Bool, onError: RowErrorPolicy = .fail) {
    self.schema = schema
    self.onError = onError
    rows = schema.compiled.handle.flatMap { vj_rows_new($0, labelled) }
  }

  deinit {
    vj_rows_free(rows)
  }

  /// The C object.
  func handle() throws(SyntaxProblem) -> OpaquePointer {
    guard let rows else { throw SyntaxProblem(.outOfMemory) }
    return rows
  }

  /// How many rows have been read since the last batch was taken.
  var count: Int { rows.map { vj_rows_look($0).count } ?? 0 }

  /// Whether what was read so far is not going to be stored, whatever follows.
  var isRefused: Bool { onError == .fail && (rows.map { vj_rows_look($0).problems_total > 0 } ?? false) }

  /// Copies the rows out and forgets them; the keys seen are kept, so that a repeated one is found later.
  func takeBatch() throws(SyntaxProblem) -> RowBatch {
    let handle = try handle()
    let view = vj_rows_look(handle)
    let batch = RowBatch(
      count: view.count, numberSlots: schema.numberSlots, categorySlots: schema.categorySlots,
      numbers: copy(view.numbers, view.count * view.number_slots),
      categories: FlatStrings(
        bytes: copyBytes(view.names, view.names_length),
        ends: copy(view.name_ends, view.count * view.category_slots)),
      outcomes: copy(view.outcomes, view.labelled ? view.count : 0),
      keys: view.key_ends.map {
        FlatStrings(bytes: copyBytes(view.keys, view.keys_length), ends: copy($0, view.count))
      })
    vj_rows_clear(handle)
    return batch
  }

  /// The rows that were refused. Throws what was refused if that is not rows only, or if they may not be skipped.
  func finish(
    _ describe: (vj_problem, _ name: String, _ found: String) -> InputProblem
  ) throws -> SkippedRows {
    guard let all = try problems(describe) else { return .none }
    let view = vj_rows_look(try handle())
    guard onError == .skip, !view.envelope_refused else { throw all }
    return SkippedRows(count: Int(clamping: view.rows_refused), problems: all)
  }

  /// What was refused since the last time, if anything was; it is forgotten.
  func takeProblems(
    _ describe: (vj_problem, _ name: String, _ found: String) -> InputProblem
  ) throws -> InputProblems? {
    let problems = try problems(describe)
    if problems != nil { discardProblems() }
    return problems
  }

  /// Forgets what was refused.
  func discardProblems() {
    if let rows { vj_rows_forget_problems(rows) }
  }

  private func problems(
    _ describe: (vj_problem, _ name: String, _ found: String) -> InputProblem
  ) throws -> InputProblems? {
    let view = vj_rows_look(try handle())
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

// The pointers below are C's, valid until the next call on the same rows; what they point to is copied at once.

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
