import HTTPTestSupport
import TestSupport

/// Generates random datasets and rows from values that formats are known to corrupt.
struct RandomDataset {
  var generator: SeededRandom

  init(seed: UInt64) { generator = SeededRandom(seed: seed) }

  private static let texts = [
    " ", "a,b", "\"", "\"\"", "a\nb", "a\r\nb", "\r", "x\r", "\n", "é😀", "e\u{301}", "\\", "null", "NaN", "0",
    "007",
    "1.0", "a;b", "\t", "\u{FEFF}x", "\u{FEFF}", "\u{1}\u{1F}\u{7F}", "true", "-0", "1e5", "key", "label",
    "x,\"y\"\r\nz",
    "'", "=1+1", "\u{2028}", "  two  ", String(repeating: "long ", count: 200),
  ]
  private static let names = [
    "key", "_key", "label", "a,b", "\"", "q\"q", " ", "é", "e\u{301}", "\u{FEFF}x", "a/b~c", "\\", "id", "1",
    "😀",
  ]

  /// The body that creates the dataset, without its name.
  mutating func declaration() -> [String: JSON] {
    let count = Bool.random(using: &generator) ? Int.random(in: 1...60, using: &generator) : 3
    var used: Set<String> = []
    let features: [JSON] = (0..<count).map { index in
      var name = Self.names.randomElement(using: &generator) ?? ""
      if !used.insert(name).inserted { name += "\(index)" }
      var feature: [String: JSON] = ["name": .string(name)]
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: feature["type"] = "continuous"
      case 1: feature["type"] = "discrete"
      case 2: feature["type"] = "categorical"
      default:
        feature["type"] = "categorical"
        feature["categories"] = .array(
          Set((0...3).compactMap { _ in Self.texts.randomElement(using: &generator) }).sorted().map {
            .string($0)
          })
      }
      return .object(feature)
    }
    var label: [String: JSON] = ["name": used.contains("label") ? "the \"label\", really" : "label"]
    if Bool.random(using: &generator) {
      let pairs: [(JSON, JSON)] = [
        ("1", "0"), ("0", "1"), ("yes, \"sir\"", "no"), (">50K", "<=50K"), ("a\r\nb", "1"), ("False", "True"),
      ]
      if let pair = pairs.randomElement(using: &generator) { (label["positive"], label["negative"]) = pair }
    }
    return ["features": .array(features), "label": .object(label)]
  }

  /// Rows as NDJSON. About half have a key, and some keys repeat those of earlier rows.
  mutating func lines(count: Int, of declaration: [String: JSON]) -> String {
    var used: Set<String> = []
    let hasKeys = Int.random(in: 0..<4, using: &generator) > 0
    let words = ["positive", "negative"].compactMap { declaration["label"]?[$0].string }.map(JSON.string)
    let outcomes: [JSON] = words.isEmpty ? [0, 1] : words
    return (0..<count).map { _ in
      var members: [String] = []
      for feature in declaration["features"]?.elements ?? []
      where Int.random(in: 0..<5, using: &generator) > 0 {
        members.append("\(feature["name"].text):\(value(feature))")
      }
      var line =
        #"{"features":{\#(members.joined(separator: ","))},"label":\#((outcomes.randomElement(using: &generator) ?? 0).text)"#
      if hasKeys, Bool.random(using: &generator) {
        let text = Self.texts.randomElement(using: &generator) ?? ""
        let key =
          "\(String.UnicodeScalarView(text.unicodeScalars.prefix(9)))\(Int.random(in: 0..<200, using: &generator))"
        if used.insert(key).inserted { line += ",\"key\":\(JSON.string(key).text)" }
      }
      return line + "}\n"
    }.joined()
  }

  private mutating func value(_ feature: JSON) -> String {
    if Int.random(in: 0..<6, using: &generator) == 0 { return "null" }
    switch feature["type"].string {
    case "continuous":
      return [
        "\(Double(bitPattern: .random(in: 0...1e150.bitPattern, using: &generator)))",
        "-\(Double.random(in: 0...1, using: &generator))", "5e-324", "-0.0", "1e150", "1e21",
        "123456789012345678", "0.1", "-1e-7",
      ].randomElement(using: &generator) ?? "0"
    case "discrete":
      return ["\(Int64.random(in: -(1 << 53)...(1 << 53), using: &generator))", "0", "-7", "3.0", "2e3"]
        .randomElement(using: &generator) ?? "0"
    default:
      let listed = feature["categories"].elements
      if let one = listed.randomElement(using: &generator) { return one.text }
      return [
        JSON.string(Self.texts.randomElement(using: &generator) ?? "x").text, "17", "-0", "true", "3.0",
      ]
      .randomElement(using: &generator) ?? "true"
    }
  }
}
