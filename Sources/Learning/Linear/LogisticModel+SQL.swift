extension LogisticModel {
  /// A SELECT for PostgreSQL that computes probability and decision for every row of a table whose columns are named
  /// like the features: numbers as `double precision`, categories as `text`, missing values as NULL. Names are quoted
  /// (PostgreSQL manual, 4.1.1), and so is the table's: `schema.table` is two names. The answers are the columns
  /// `probability` and `label`, with an underscore behind where a feature has such a name.
  public func exportSQL(table: String) -> String {
    let terms = features.flatMap { feature in
      feature.categories == nil ? numeric(feature) : [categorical(feature)]
    }
    let logit = ([literal(standardizedIntercept)] + terms.filter { !$0.isEmpty }).joined(
      separator: "\n    + ")
    let source = table.split(separator: ".").map { identifier(String($0)) }.joined(separator: ".")
    let names = ExportNames(features)
    // exp() fails beyond ±745 in PostgreSQL; at 700 the probability is 0 or 1 to within 1e-304.
    return """
      SELECT source.*, score.probability AS \(identifier(names.probability)),
        (score.probability >= \(literal(threshold)))::int AS \(identifier(names.label))
      FROM \(source) AS source
      CROSS JOIN LATERAL (
        SELECT \(logit) AS logit
      ) AS linear
      CROSS JOIN LATERAL (
        SELECT 1 / (1 + exp(-greatest(-700, least(700, linear.logit)))) AS probability
      ) AS score
      """
  }

  /// coefficient · (value − mean) / scale, 0 where the value is missing, and what a missing value adds.
  private func numeric(_ feature: ModelFeature) -> [String] {
    let column = "source." + identifier(feature.name)
    var terms: [String] = []
    if let coefficient = feature.coefficient, coefficient.standardized != 0, let mean = feature.mean,
      let scale = feature.scale
    {
      terms.append(
        """
        \(literal(coefficient.standardized)) * coalesce((\(column)::double precision - \(literal(mean))) \
        * \(literal(1 / scale)), 0)
        """)
    }
    if let missing = feature.missing, missing.standardized != 0 {
      terms.append("CASE WHEN \(column) IS NULL THEN \(literal(missing.standardized)) ELSE 0 END")
    }
    return terms
  }

  private func categorical(_ feature: ModelFeature) -> String {
    let column = "source." + identifier(feature.name)
    var branches = (feature.categories ?? []).filter { $0.coefficient.standardized != 0 }.map { category in
      "WHEN \(column)::text = \(text(category.name)) THEN \(literal(category.coefficient.standardized))"
    }
    if let missing = feature.missing, missing.standardized != 0 {
      branches.append("WHEN \(column) IS NULL THEN \(literal(missing.standardized))")
    }
    return branches.isEmpty ? "" : "CASE " + branches.joined(separator: " ") + " ELSE 0 END"
  }

  /// The shortest digits that read back as the same double; typed, or PostgreSQL would take them for numeric.
  private func literal(_ value: Double) -> String { "'\(value)'::double precision" }

  private func identifier(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

  /// A string constant, with escapes where backslashes would depend on a setting.
  private func text(_ value: String) -> String {
    let quoted = "'" + value.replacing("'", with: "''") + "'"
    return value.contains("\\") ? "E" + quoted.replacing("\\", with: "\\\\") : quoted
  }
}
