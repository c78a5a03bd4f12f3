/// Gathers all that is wrong with one body, so that a client learns it in one answer.
public final class ProblemCollector {
  /// The first hundred problems.
  public private(set) var problems: [InputProblem] = []
  /// How many there were in all.
  public private(set) var count = 0

  /// No problems yet.
  public init() {}

  /// Notes a problem.
  public func add(_ problem: InputProblem) {
    count += 1
    if problems.count < InputProblems.most { problems.append(problem) }
  }

  /// Throws `InputProblems` if there are any.
  public func check() throws(InputProblems) {
    guard count == 0 else { throw InputProblems(problems, count: count) }
  }
}
