import Foundation
import Learning

/// The Swift part of the learner's benchmarks; `compare.py` does the comparison with scikit-learn.
///
///     LearningBenchmarks fit DIRECTORY REPETITIONS THREADS PARAMETERS   one JSON line: times and the model
///     LearningBenchmarks peak DIRECTORY PARAMETERS                      one JSON line: memory of one fit
///     LearningBenchmarks family DIRECTORY REPETITIONS THREADS PARAMETERS   one JSON line: times and pairs of any family
///     LearningBenchmarks family-peak DIRECTORY THREADS PARAMETERS      one JSON line: memory of one fit
///     LearningBenchmarks trainings                                      whole trainings, their phases and memory
///     LearningBenchmarks cancellations [PART OF A NAME]                  how late a cancelled training ends
@main
struct Main {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch (arguments.first, arguments.count) {
    case ("fit", 5):
      let threads = Int(arguments[3]) ?? 0
      try Fits(directory: arguments[1], parameters: arguments[4])
        .time(repetitions: Int(arguments[2]) ?? 1, threads: threads > 0 ? threads : nil)
    case ("family", 5):
      let threads = Int(arguments[3]) ?? 0
      try Families(
        fits: Fits(directory: arguments[1], parameters: arguments[4]), threads: threads > 0 ? threads : nil
      )
      .time(repetitions: Int(arguments[2]) ?? 1)
    case ("family-peak", 4):
      let threads = Int(arguments[2]) ?? 0
      try Families(
        fits: Fits(directory: arguments[1], parameters: arguments[3]), threads: threads > 0 ? threads : nil
      )
      .peak()
    case ("peak", 3): try Fits(directory: arguments[1], parameters: arguments[2]).peak()
    case ("trainings", 1): try Trainings().run()
    case ("cancellations", 1...2): try Cancellations().run(only: arguments.dropFirst().first)
    default:
      printLine("usage: see the first comment of Main.swift")
      exit(2)
    }
  }
}

/// The duration of the closure in seconds, and its result.
func seconds<Result>(_ body: () throws -> Result) rethrows -> (Double, Result) {
  let start = ContinuousClock.now
  let result = try body()
  return (start.duration(to: .now) / .seconds(1), result)
}

/// The peak resident memory of this process in bytes (`VmHWM` of proc(5)).
func peakMemory() -> Int {
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
  return 1024 * (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0)
}

/// Prints a line without buffering.
func printLine(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
