extension LogisticModel {
  /// The model in PMML 4.4 (Data Mining Group): a regression with logit normalisation between two categories "1" and
  /// "0", missing values handled by derived fields. The outputs are `probability` and `label`, the decision at the
  /// model's threshold; where a feature has such a name the output has an underscore behind its own. A reader refuses a
  /// number beyond the range of models, as the server does.
  ///
  /// - Throws: ``ExportRefusal`` for a name with a character that XML cannot contain.
  public func exportPMML() throws(ExportRefusal) -> String {
    try checkCharacters()
    let names = LinearExportNames(featureNames)
    return PMMLDocument(
      description: "Logistic regression", names: names.shared,
      features: features.map { .init(name: $0.name, isNumber: $0.categories == nil) },
      derivedFields: features.indices.flatMap { derived($0, names) }, intercept: standardizedIntercept,
      predictors: features.indices.flatMap { predictors($0, names) }, threshold: threshold
    ).text
  }

  /// Checks the names that the document contains: those of features, and of the categories that add anything.
  private func checkCharacters() throws(ExportRefusal) {
    for feature in features {
      if let character = feature.name.firstOutsideXML {
        throw .character(character, feature: feature.name, category: nil)
      }
      for category in feature.categories ?? [] where category.coefficient.standardized != 0 {
        guard let character = category.name.firstOutsideXML else { continue }
        throw .character(character, feature: feature.name, category: category.name)
      }
    }
  }

  /// Of a number its standardised value, 0 where it is missing; of every feature an indicator of missing values.
  private func derived(_ index: Int, _ names: LinearExportNames) -> [String] {
    let feature = features[index]
    let name = feature.name.xmlAttribute
    var fields: [String] = []
    if let mean = feature.mean, let scale = feature.scale, feature.coefficient?.standardized ?? 0 != 0 {
      fields.append(
        """
        <DerivedField name="\(names.standardized[index].xmlAttribute)" optype="continuous" dataType="double"><Apply function="if">\
        <Apply function="isMissing"><FieldRef field="\(name)"/></Apply><Constant dataType="double">0</Constant>\
        <Apply function="*"><Apply function="-"><FieldRef field="\(name)"/>\
        <Constant dataType="double">\(mean)</Constant></Apply><Constant dataType="double">\(1 / scale)</Constant>\
        </Apply></Apply></DerivedField>
        """)
    }
    if feature.missing?.standardized ?? 0 != 0 {
      fields.append(
        """
        <DerivedField name="\(names.missing[index].xmlAttribute)" optype="continuous" dataType="double"><Apply function="if">\
        <Apply function="isMissing"><FieldRef field="\(name)"/></Apply><Constant dataType="double">1</Constant>\
        <Constant dataType="double">0</Constant></Apply></DerivedField>
        """)
    }
    return fields
  }

  private func predictors(_ index: Int, _ names: LinearExportNames) -> [String] {
    let feature = features[index]
    var result: [String] = []
    if let value = feature.coefficient?.standardized, value != 0, feature.mean != nil {
      result.append(
        PMMLDocument.predictor(names.standardized[index], coefficient: value))
    }
    if let value = feature.missing?.standardized, value != 0 {
      result.append(
        PMMLDocument.predictor(names.missing[index], coefficient: value))
    }
    for (name, coefficient) in feature.addingCategories {
      for spelling in name.canonicalSpellings {
        result.append(
          """
          <CategoricalPredictor name="\(feature.name.xmlAttribute)" value="\(spelling.xmlAttribute)" \
          coefficient="\(coefficient)"/>
          """)
      }
    }
    return result
  }
}

/// Names of the fields of a linear model's export.
private struct LinearExportNames {
  /// The names that all models have.
  let shared: ExportNames
  /// For each feature its standardised number, and the indicator of its missing values.
  let standardized: [String]
  let missing: [String]

  init(_ features: [String]) {
    var names = ExportNames(features)
    standardized = features.map { names.unique($0 + "__standardized") }
    missing = features.map { names.unique($0 + "__missing") }
    shared = names
  }
}
