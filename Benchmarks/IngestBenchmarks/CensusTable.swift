import Foundation

/// The rows of the benchmark: ten features and a label.
struct CensusTable {
  /// Names in column order; the label is last.
  var names: [String]
  /// The lines of the file without its header.
  var lines: [String]

  /// Reads a CSV file.
  init(file: String) throws {
    var lines = try String(contentsOfFile: file, encoding: .utf8).split(whereSeparator: \.isNewline).map(
      String.init)
    guard lines.count > 1 else { throw Failure("\(file) has no rows") }
    names = lines.removeFirst().split(separator: ",").map(String.init)
    guard names.last == "label" else { throw Failure("the last column of \(file) is not label") }
    self.lines = lines
  }

  private init(names: [String], lines: [String]) {
    self.names = names
    self.lines = lines
  }

  /// Synthetic rows of the same shape: six real numbers of few digits, two categories of few values, two integers.
  static func synthetic() -> CensusTable {
    var random = SystemRandomNumberGenerator()
    let lines = (0..<20_000).map { _ in
      let numbers = [
        Double(Int.random(in: 5...90, using: &random)) / 10,
        Double(Int.random(in: 0...400_000, using: &random)) / 1e5,
        Double(Int.random(in: 1...16, using: &random)) / 10,
        Double(Int.random(in: 0...9_999, using: &random)) / 1e4,
        0, Double(Int.random(in: 1...80, using: &random)) / 10,
      ]
      let whole = [6, 14, 2, 2, 2].map { Int.random(in: 0..<$0, using: &random) }
      return (numbers.map { "\($0)" } + whole.map { "\($0)" }).joined(separator: ",")
    }
    let names = (1...6).map { "cont_\($0)" } + ["cat_1", "cat_2", "dis_1", "dis_2", "label"]
    return CensusTable(names: names, lines: lines)
  }

  /// The dataset's features in the API's JSON form.
  var features: String {
    names.dropLast().map { name in
      let type = name.hasPrefix("cat_") ? "categorical" : name.hasPrefix("dis_") ? "discrete" : "continuous"
      return #"{"name":"\#(name)","type":"\#(type)"}"#
    }.joined(separator: ",")
  }

  /// Rows as CSV with a header.
  func csv(_ rows: Int) -> [UInt8] {
    var text = Array((names.joined(separator: ",") + "\n").utf8)
    let encoded = lines.map { Array("\($0)\n".utf8) }
    for row in 0..<rows { text += encoded[row % encoded.count] }
    return text
  }

  /// Rows as lines of JSON.
  func ndjson(_ rows: Int) -> [UInt8] {
    var text: [UInt8] = []
    let encoded = objects.map { $0 + [UInt8(ascii: "\n")] }
    for row in 0..<rows { text += encoded[row % encoded.count] }
    return text
  }

  /// Rows as one JSON document.
  func json(_ rows: Int) -> [UInt8] {
    var text = Array(#"{"labels":["#.utf8)
    let encoded = objects
    for row in 0..<rows {
      if row > 0 { text.append(UInt8(ascii: ",")) }
      text += encoded[row % encoded.count]
    }
    return text + Array("]}".utf8)
  }

  private var objects: [[UInt8]] {
    lines.map { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      let members = zip(names, fields).dropLast().map { #""\#($0)":\#($1)"# }
      return Array(
        #"{"features":{\#(members.joined(separator: ","))},"label":\#(fields[fields.count - 1])}"#.utf8)
    }
  }
}
