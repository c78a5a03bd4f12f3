/// Names of the fields that an export adds to the features, with underscores appended where a feature has the name.
struct ExportNames {
  /// The probability of outcome 1.
  let probability: String
  /// The decision, 0 or 1.
  let label: String
  /// The true outcome.
  let outcome: String
  private var taken: Set<String>

  init(_ features: [String]) {
    taken = Set(features)
    probability = Self.unique("probability", &taken)
    label = Self.unique("label", &taken)
    outcome = Self.unique("outcome", &taken)
  }

  /// A name that no other field has.
  mutating func unique(_ wanted: String) -> String { Self.unique(wanted, &taken) }

  private static func unique(_ wanted: String, _ taken: inout Set<String>) -> String {
    var name = wanted
    while !taken.insert(name).inserted { name += "_" }
    return name
  }

  /// Checks that PostgreSQL can tell the columns apart.
  static func checkColumns(_ names: [String]) throws(ExportRefusal) {
    var columns: [String: String] = [:]
    for name in names {
      if let other = columns.updateValue(name, forKey: name.postgresqlName) { throw .sameColumn(other, name) }
    }
  }
}
