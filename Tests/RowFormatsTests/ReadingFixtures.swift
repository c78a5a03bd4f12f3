import RowFormats

/// A schema with every type of feature: `age` discrete, `hours` continuous, `job` open, `sex` closed.
let people = RowSchema(
  features: [
    Feature(name: "age", type: .discrete, slot: 0),
    Feature(name: "hours", type: .continuous, slot: 1),
    Feature(name: "job", type: .categorical, slot: 0),
    Feature(name: "sex", type: .categorical, categories: ["f", "m"], slot: 1),
  ])

/// The problems of an input, as `pointer: detail` or `line:column: detail`.
func problems(_ body: () throws -> Void) -> [String] {
  do {
    try body()
    return []
  } catch let error as InputProblems {
    return error.problems.map { problem in
      let line = problem.line.map { "\($0):" } ?? ""
      return "\(line)\(problem.column ?? problem.pointer ?? ""): \(problem.detail)"
    }
  } catch {
    return ["\(error)"]
  }
}

/// The kind of syntax error in an input, or `nil` if it is well-formed.
func syntax(_ body: () throws -> Void) -> SyntaxProblem.Kind? {
  do {
    try body()
    return nil
  } catch let error as SyntaxProblem {
    return error.kind
  } catch {
    return nil
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A comparable copy of a batch.
struct Rows: Equatable {
  var numbers: [[Double?]] = []
  var categories: [[String?]] = []
  var outcomes: [UInt8] = []
  var keys: [String?] = []
  var groups: [String?] = []
  var references: [String?] = []
  var times: [Int64?] = []
  var weights: [Double?] = []
  var splits: [RowSplit?] = []

  init(_ batches: [RowBatch]) {
    for batch in batches {
      for index in 0..<batch.count {
        let row = batch.row(index)
        numbers.append(row.numbers)
        categories.append(row.categories)
        keys.append(batch.keys.flatMap { $0[index] })
        groups.append(batch.attributes.groups.flatMap { $0[index] })
        references.append(batch.attributes.references.flatMap { $0[index] })
        times.append(batch.attributes.time(index))
        weights.append(batch.attributes.weight(index))
        splits.append(batch.attributes.split(index))
      }
      outcomes += batch.outcomes
    }
  }
}

/// Feeds a text in chunks of the given size and collects the batches.
func readAll(_ reader: some LabelStreamReader, _ text: [UInt8], chunk: Int) throws -> Rows {
  var batches: [RowBatch] = []
  for start in stride(from: 0, to: text.count, by: chunk) {
    if let batch = try reader.feed(Array(text[start..<min(start + chunk, text.count)])) {
      batches.append(batch)
    }
  }
  if let batch = try reader.finish() { batches.append(batch) }
  return Rows(batches)
}

/// A row to write.
struct LabelledRow: WritableRow {
  var numbers: [Double?]
  var categories: [String?]
  var outcome: UInt8
  var key: String?
  var group: String?
  var reference: String?
  var time: Int64?
  var weight: Double?
  var split: RowSplit?

  func number(_ slot: Int) -> Double? { slot < numbers.count ? numbers[slot] : nil }
  func category(_ slot: Int) -> String.UTF8View? { slot < categories.count ? categories[slot]?.utf8 : nil }
  var keyText: String.UTF8View? { key?.utf8 }
  var groupText: String.UTF8View? { group?.utf8 }
  var referenceText: String.UTF8View? { reference?.utf8 }
}
