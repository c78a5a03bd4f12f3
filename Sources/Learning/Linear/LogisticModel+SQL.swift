extension LogisticModel {
  /// A SELECT for PostgreSQL that computes probability and decision for every row of a table whose columns are named
  /// like the features: numbers as `double precision`, categories as `text`, missing values as NULL. NaN is missing, too. A
  /// row with a number beyond the range of models has no probability and no decision. Names are quoted, and so is the
  /// table's: `schema.table` is two names. The answers are the columns `probability` and `label`, with an underscore behind
  /// where a feature has such a name.
  ///
  /// - Throws: ``ExportRefusal`` for names that PostgreSQL cannot tell apart.
  public func exportSQL(table: String) throws(ExportRefusal) -> String {
    let names = ExportNames(featureNames)
    try ExportNames.checkColumns(features.map(\.name) + [names.probability, names.label])
    let terms = features.flatMap { feature in
      feature.categories == nil ? numeric(feature) : [categorical(feature)]
    }
    let sum = ([standardizedIntercept.sqlConstant] + terms.filter { !$0.isEmpty }).joined(
      separator: "\n    + ")
    let source = table.unicodeScalars.split(separator: ".").map { String($0).sqlIdentifier }
      .joined(separator: ".")
    // The sub-select has no system columns, whose names a feature may have. A sum of a number beyond the range could
    // overflow, which is an error. exp() fails beyond ±745 in PostgreSQL; at 700 the probability is 0 or 1 to within 1e-304.
    return """
      SELECT source.*, score.probability AS \(names.probability.sqlIdentifier),
        (score.probability >= \(threshold.sqlConstant))::int AS \(names.label.sqlIdentifier)
      FROM (SELECT * FROM \(source)) AS source
      CROSS JOIN LATERAL (
        SELECT \(withinRange(sum)) AS logit
      ) AS linear
      CROSS JOIN LATERAL (
        SELECT CASE WHEN linear.logit IS NOT NULL THEN 1 / (1 + exp(-greatest(-700, least(700, linear.logit)))) END \
      AS probability
      ) AS score
      """
  }

  /// NULL for a row with a number that the sum uses and that is beyond the range of models.
  private func withinRange(_ sum: String) -> String {
    let magnitudes = features.filter { $0.categories == nil && !numeric($0).isEmpty }
      .map { "abs(\(number($0)))" }
    guard !magnitudes.isEmpty else { return sum }
    return """
      CASE WHEN greatest(\(magnitudes.joined(separator: ", "))) > \(FeatureValue.largestMagnitude.sqlConstant) THEN NULL ELSE
          \(sum) END
      """
  }

  /// coefficient · (value − mean) / scale, 0 where the value is missing, and what a missing value adds.
  private func numeric(_ feature: ModelFeature) -> [String] {
    let value = number(feature)
    var terms: [String] = []
    if let coefficient = feature.coefficient, coefficient.standardized != 0, let mean = feature.mean,
      let scale = feature.scale
    {
      terms.append(
        """
        \(coefficient.standardized.sqlConstant) * coalesce((\(value) - \(mean.sqlConstant)) * \((1 / scale).sqlConstant), 0)
        """)
    }
    if let missing = feature.missing, missing.standardized != 0 {
      terms.append("CASE WHEN \(value) IS NULL THEN \(missing.standardized.sqlConstant) ELSE 0 END")
    }
    return terms
  }

  /// The value of a number, NULL where it is missing.
  private func number(_ feature: ModelFeature) -> String {
    "nullif(source.\(feature.name.sqlIdentifier)::double precision, 'NaN')"
  }

  /// The term of a categorical feature. Texts are compared as the server compares them: canonically equivalent ones are equal, and no
  /// collation makes others equal.
  private func categorical(_ feature: ModelFeature) -> String {
    let column = "source.\(feature.name.sqlIdentifier)"
    let branches = feature.addingCategories.map { name, coefficient in
      "WHEN \(name.canonicalSpellings[0].sqlConstant) THEN \(coefficient.sqlConstant)"
    }
    let known = """
      CASE normalize(\(column)::text) COLLATE "C" \(branches.joined(separator: " ")) ELSE 0 END
      """
    guard let missing = feature.missing, missing.standardized != 0 else {
      return branches.isEmpty ? "" : known
    }
    let present = branches.isEmpty ? "0" : known
    return "CASE WHEN \(column) IS NULL THEN \(missing.standardized.sqlConstant) ELSE \(present) END"
  }
}
