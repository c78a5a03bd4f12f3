/// The problems of the rows of a table, of which the first hundred are kept.
struct TableProblems {
  private var problems: [InputProblem] = []
  private var count = 0

  mutating func add(_ problem: InputProblem) {
    count += 1
    if problems.count < InputProblems.most { problems.append(problem) }
  }

  func check() throws(InputProblems) {
    guard count == 0 else { throw InputProblems(problems, count: count) }
  }
}

extension InputProblems {
  /// The error for a table with more columns than a schema may have.
  static func tooManyColumns(line: Int, most: Int) -> InputProblems {
    InputProblems(InputProblem(line: line, detail: "there are more than \(most) columns beside the label"))
  }
}
