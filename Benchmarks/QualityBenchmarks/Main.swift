import Foundation
import Learning

/// The Swift part of the quality benchmark; `compare.py` makes the splits and measures the probabilities.
///
///     QualityBenchmarks NAME PARAMETERS DIRECTORY
///
/// For each `SET.SEED.train.csv` of the directory, fits its rows with the training parameters (JSON), writes the probabilities of the rows
/// of `SET.SEED.test.csv` to `SET.SEED.NAME.pred`, one a line, and prints the duration
/// of the fit in seconds.
@main
struct Main {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count == 3 else {
      printLine("usage: see the first comment of Main.swift")
      exit(2)
    }
    let parameters = try JSONDecoder().decode(TrainingParameters.self, from: Data(arguments[1].utf8))
    let directory = URL(filePath: arguments[2])
    let suffix = ".train.csv"
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter {
      $0.hasSuffix(suffix)
    }
    for name in names.sorted() {
      let prefix = String(name.dropLast(suffix.count))
      let files = try SplitFiles(
        train: directory.appending(path: name), test: directory.appending(path: prefix + ".test.csv"))
      let start = ContinuousClock.now
      let model = try ModelFamilies.standard.fit(files.train, parameters: parameters)
      let seconds = start.duration(to: .now) / .seconds(1)
      let probabilities = try model.makePredictor().probabilities(columns: files.test)
      try probabilities.map { "\($0)\n" }.joined().write(
        to: directory.appending(path: "\(prefix).\(arguments[0]).pred"), atomically: true, encoding: .utf8)
      printLine("\(prefix) \(seconds)")
    }
  }
}

/// Prints a line without buffering.
func printLine(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
