extension AdditiveModel {
  /// A SELECT for PostgreSQL that computes probability and decision for every row of a table, with the columns of
  /// ``LogisticModel/exportSQL(table:)`` and the same rules: NULL and NaN are missing, and a row with a number beyond the range of models
  /// has no probability and no decision.
  ///
  /// The slot of each value (see `AdditiveTables`) is computed once, in a sub-select: of a number by `width_bucket`, of a category by
  /// `CASE`. Terms and pairs are subscripts of constant arrays.
  ///
  /// - Throws: ``ExportRefusal`` for names that PostgreSQL cannot tell apart.
  public func exportSQL(table: String) throws(ExportRefusal) -> String {
    let names = ExportNames(featureNames)
    try ExportNames.checkColumns(featureNames + [names.probability, names.label])
    let source = table.unicodeScalars.split(separator: ".").map { String($0).sqlIdentifier }
      .joined(separator: ".")
    let tables = AdditiveTables(self)
    let columns = features.indices.filter { features[$0].categories == nil }.map { index in
      "nullif(source.\(features[index].name.sqlIdentifier)::double precision, 'NaN') AS x\(index)"
    }
    let paired = Set(tables.pairs.flatMap { [$0.first, $0.second] })
    let slots = features.indices.compactMap { index -> String? in
      let hasSlot = paired.contains(index) || features[index].categories == nil
      return hasSlot ? "\(slot(index, tables.features[index])) AS s\(index)" : nil
    }
    let terms =
      [intercept.sqlConstant]
      + features.indices.map { index in
        features[index].categories == nil || paired.contains(index)
          ? "(\(Self.array(tables.features[index].values)))[s\(index)]"
          : categorical(index, tables.features[index]) { tables.features[index].values[$0].sqlConstant }
      } + tables.pairs.map(Self.pair)
    let numbers = features.indices.filter { features[$0].categories == nil }
    let sum = terms.joined(separator: "\n      + ")
    let logit =
      numbers.isEmpty
      ? sum
      : """
      CASE WHEN greatest(\(numbers.map { "abs(x\($0))" }.joined(separator: ", "))) \
      > \(FeatureValue.largestMagnitude.sqlConstant) THEN NULL ELSE
            \(sum) END
      """
    // OFFSET 0 keeps PostgreSQL from merging a sub-select into the next one, which would compute its columns again for each use. exp()
    // fails beyond ±745; at 700 the probability is 0 or 1 to within 1e-304.
    return """
      SELECT source.*, score.probability AS \(names.probability.sqlIdentifier),
        (score.probability >= \(threshold.sqlConstant))::int AS \(names.label.sqlIdentifier)
      FROM (SELECT * FROM \(source)) AS source
      CROSS JOIN LATERAL (
        SELECT CASE WHEN logit IS NOT NULL THEN 1 / (1 + exp(-greatest(-700, least(700, logit)))) END AS probability
        FROM (
          SELECT \(logit) AS logit
          FROM (
            SELECT *\(slots.map { ",\n          \($0)" }.joined())
            FROM (SELECT \((["0 AS none"] + columns).joined(separator: ",\n          "))) AS numbers
            OFFSET 0
          ) AS slots
          OFFSET 0
        ) AS additive
        OFFSET 0
      ) AS score
      """
  }

  /// The subscript of a value's slot, from 1.
  private func slot(_ index: Int, _ table: AdditiveTables.Feature) -> String {
    guard features[index].categories == nil else { return categorical(index, table) { "\($0 + 1)" } }
    guard !table.edges.isEmpty else {
      return "CASE WHEN x\(index) IS NULL THEN \(table.missing + 1) ELSE 1 END"
    }
    return "coalesce(width_bucket(x\(index), \(Self.array(table.edges))), \(table.missing)) + 1"
  }

  /// An expression by category. Texts are compared as the server compares them: canonically equivalent ones are equal, and no collation
  /// makes others equal.
  private func categorical(
    _ index: Int, _ table: AdditiveTables.Feature, _ result: (_ slot: Int) -> String
  ) -> String {
    let column = "source.\(features[index].name.sqlIdentifier)"
    let branches = features[index].spelledCategories.map { spelling, slot in
      " WHEN \(spelling.canonicalSpellings[0].sqlConstant) THEN \(result(slot))"
    }
    let unseen = result(table.unseen)
    let present =
      branches.isEmpty
      ? unseen : "CASE normalize(\(column)::text) COLLATE \"C\"\(branches.joined()) ELSE \(unseen) END"
    return "CASE WHEN \(column) IS NULL THEN \(result(table.missing)) ELSE \(present) END"
  }

  /// The cell of two slots; a slot without an index on an axis has the last row or column, which is 0.
  private static func pair(_ pair: AdditiveTables.Pair) -> String {
    let columns = pair.cells[0].count
    let first = pair.firstIndex.map { String($0 * columns) }.joined(separator: ",")
    let second = pair.secondIndex.map { String($0 + 1) }.joined(separator: ",")
    return """
      (\(array(Array(pair.cells.joined()))))[('{\(first)}'::int[])[s\(pair.first)] \
      + ('{\(second)}'::int[])[s\(pair.second)]]
      """
  }

  /// An array constant, of the shortest digits that read back as the same doubles.
  private static func array(_ values: [Double]) -> String {
    "'{\(values.map { "\($0)" }.joined(separator: ","))}'::double precision[]"
  }
}

extension AdditiveFeature {
  /// The texts that the server reads as a category of the model, each with the slot of the category.
  var spelledCategories: [(spelling: String, slot: Int)] {
    let known = Set(categories ?? [])
    return (categories ?? []).enumerated().flatMap { slot, category in
      // A closed list may declare `True` beside `true`.
      ([category] + category.otherSpellings.filter { !known.contains($0) }).map { ($0, slot) }
    }
  }
}
