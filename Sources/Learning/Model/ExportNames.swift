/// Names of the fields that an export adds to the features, with underscores appended where a feature has the name.
struct ExportNames {
  /// The probability of outcome 1.
  let probability: String
  /// The decision, 0 or 1.
  let label: String
  /// The true outcome.
  let outcome: String
  /// For each feature its standardised number, and the indicator of its missing values.
  let standardized: [String]
  let missing: [String]

  init(_ features: [ModelFeature]) {
    var taken = Set(features.map(\.name))
    func unique(_ wanted: String) -> String {
      var name = wanted
      while !taken.insert(name).inserted { name += "_" }
      return name
    }
    probability = unique("probability")
    label = unique("label")
    outcome = unique("outcome")
    standardized = features.map { unique($0.name + "__standardized") }
    missing = features.map { unique($0.name + "__missing") }
  }
}
