extension AdditiveModel {
  /// The model in PMML 4.4 (Data Mining Group): a regression with logit normalisation between two categories "1" and "0". A number's
  /// effect is a derived field that discretizes it, a category's is a categorical predictor, and a pair's is a derived field that discretizes the
  /// number of a cell of the table. Outputs and refusals are those of ``LogisticModel/exportPMML()``.
  ///
  /// - Throws: ``ExportRefusal`` for a name with a character that XML cannot contain.
  public func exportPMML() throws(ExportRefusal) -> String {
    let document = AdditiveDocument(self)
    try document.checkCharacters()
    return PMMLDocument(
      description: "Generalised additive model", names: document.names,
      features: features.map { .init(name: $0.name, isNumber: $0.categories == nil) },
      derivedFields: document.derivedFields, intercept: intercept, predictors: document.predictors,
      threshold: threshold
    ).text
  }
}

/// The parts of an additive model's PMML.
private struct AdditiveDocument {
  private let model: AdditiveModel
  private let tables: AdditiveTables
  private(set) var names: ExportNames
  /// The names of derived fields: the effect of each feature's number or missing value, and of each pair with the number of its cell.
  private let effects: [String]
  private let pairs: [(effect: String, cell: String, first: String, second: String)]

  init(_ model: AdditiveModel) {
    self.model = model
    tables = AdditiveTables(model)
    var names = ExportNames(model.featureNames)
    effects = model.features.map { names.unique($0.name + "__effect") }
    pairs = tables.pairs.map { pair in
      let (first, second) = (model.features[pair.first].name, model.features[pair.second].name)
      let effect = names.unique("\(first)__\(second)__effect")
      return (
        effect, names.unique(effect + "__cell"), names.unique(effect + "__first"),
        names.unique(effect + "__second")
      )
    }
    self.names = names
  }

  /// Checks the names that the document contains: those of features, and of the categories that add anything.
  func checkCharacters() throws(ExportRefusal) {
    for (index, feature) in model.features.enumerated() {
      if let character = feature.name.firstOutsideXML {
        throw .character(character, feature: feature.name, category: nil)
      }
      for (slot, category) in (feature.categories ?? []).enumerated() where isUsed(index, slot) {
        guard let character = category.firstOutsideXML else { continue }
        throw .character(character, feature: feature.name, category: category)
      }
    }
  }

  /// Whether a category adds anything, alone or in a pair.
  private func isUsed(_ index: Int, _ slot: Int) -> Bool {
    tables.features[index].values[slot] != 0
      || tables.pairs.contains { pair in
        (pair.first == index && pair.firstIndex[slot] < pair.cells.count - 1)
          || (pair.second == index && pair.secondIndex[slot] < pair.cells[0].count - 1)
      }
  }

  var derivedFields: [String] {
    let features = model.features.indices.compactMap { index -> String? in
      let (feature, table) = (model.features[index], tables.features[index])
      guard table.values.contains(where: { $0 != 0 }) else { return nil }
      let missing = table.values[table.missing]
      if feature.categories != nil {
        return missing == 0 ? nil : field(effects[index], missingIndicator(feature.name, missing))
      }
      return field(
        effects[index],
        discretize(
          feature.name, table.edges, table.values.prefix(table.missing).map { "\($0)" }, missing: "\(missing)"
        ))
    }
    let joint = zip(tables.pairs, pairs).flatMap { pair, names in
      // The number of a cell is that of the first cell of its row, and the column.
      let columns = pair.cells[0].count
      return [
        field(
          names.first,
          number(pair.first, pair.firstIndex.map { $0 * columns }, (pair.cells.count - 1) * columns)),
        field(names.second, number(pair.second, pair.secondIndex, columns - 1)),
        field(
          names.cell,
          """
          <Apply function="+"><FieldRef field="\(names.first.xmlAttribute)"/>\
          <FieldRef field="\(names.second.xmlAttribute)"/></Apply>
          """),
        field(names.effect, values(of: pair, names.cell)),
      ]
    }
    return features + joint
  }

  var predictors: [String] {
    let features = model.features.indices.flatMap { index -> [String] in
      let (feature, table) = (model.features[index], tables.features[index])
      guard feature.categories != nil else {
        return table.values.contains { $0 != 0 } ? [PMMLDocument.predictor(effects[index])] : []
      }
      let levels = feature.spelledCategories.filter { table.values[$0.slot] != 0 }.flatMap { spelling, slot in
        spelling.canonicalSpellings.map {
          """
          <CategoricalPredictor name="\(feature.name.xmlAttribute)" value="\($0.xmlAttribute)" \
          coefficient="\(table.values[slot])"/>
          """
        }
      }
      return levels + (table.values[table.missing] == 0 ? [] : [PMMLDocument.predictor(effects[index])])
    }
    return features + pairs.map { PMMLDocument.predictor($0.effect) }
  }

  private func field(_ name: String, _ expression: String) -> String {
    """
    <DerivedField name="\(name.xmlAttribute)" optype="continuous" dataType="double">\(expression)</DerivedField>
    """
  }

  private func missingIndicator(_ name: String, _ value: Double) -> String {
    """
    <Apply function="if"><Apply function="isMissing"><FieldRef field="\(name.xmlAttribute)"/></Apply>\
    <Constant dataType="double">\(value)</Constant><Constant dataType="double">0</Constant></Apply>
    """
  }

  /// A value for each bin of a number; bins with the same value in a row are one interval.
  private func discretize(_ field: String, _ edges: [Double], _ values: [String], missing: String) -> String {
    var bins: [String] = []
    var begin = 0
    for bin in values.indices where bin + 1 == values.count || values[bin + 1] != values[bin] {
      // An interval needs a margin, and numbers beyond the range of models are refused before.
      let left = begin == 0 ? -Double.greatestFiniteMagnitude : edges[begin - 1]
      let right = bin == edges.count ? Double.greatestFiniteMagnitude : edges[bin]
      bins.append(
        """
        <DiscretizeBin binValue="\(values[bin])">\
        <Interval closure="closedOpen" leftMargin="\(left)" rightMargin="\(right)"/></DiscretizeBin>
        """)
      begin = bin + 1
    }
    return """
      <Discretize field="\(field.xmlAttribute)" mapMissingTo="\(missing)" dataType="double">\(bins.joined())</Discretize>
      """
  }

  /// A number for each value of a feature: `numbers` by slot, `unseen` for an unseen category.
  private func number(_ index: Int, _ numbers: [Int], _ unseen: Int) -> String {
    let (feature, table) = (model.features[index], tables.features[index])
    let missing = numbers[table.missing]
    guard feature.categories != nil else {
      return discretize(
        feature.name, table.edges, numbers.prefix(table.missing).map { "\($0)" }, missing: "\(missing)")
    }
    let rows = feature.spelledCategories.filter { numbers[$0.slot] != unseen }.flatMap { spelling, slot in
      spelling.canonicalSpellings.map {
        "<row><category>\($0.xmlAttribute)</category><number>\(numbers[slot])</number></row>"
      }
    }
    return """
      <MapValues outputColumn="number" mapMissingTo="\(missing)" defaultValue="\(unseen)" dataType="double">\
      <FieldColumnPair field="\(feature.name.xmlAttribute)" column="category"/>\
      <InlineTable>\(rows.joined())</InlineTable></MapValues>
      """
  }

  /// The values of a pair by the number of the cell.
  private func values(of pair: AdditiveTables.Pair, _ cell: String) -> String {
    let values = pair.cells.joined().map { "\($0)" }
    return discretize(cell, values.indices.dropFirst().map { Double($0) - 0.5 }, values, missing: "0")
  }
}
