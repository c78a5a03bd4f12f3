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
    let fields = features.map { feature in
      let name = feature.name.xmlAttribute
      guard feature.categories == nil else {
        return #"<DataField name="\#(name)" optype="categorical" dataType="string"/>"#
      }
      let limit = FeatureValue.largestMagnitude
      return """
        <DataField name="\(name)" optype="continuous" dataType="double">\
        <Interval closure="closedClosed" leftMargin="\(-limit)" rightMargin="\(limit)"/></DataField>
        """
    }
    let mining = features.map { feature in
      """
      <MiningField name="\(feature.name.xmlAttribute)" usageType="active" missingValueTreatment="asIs" \
      invalidValueTreatment="\(feature.categories == nil ? "returnInvalid" : "asIs")"/>
      """
    }
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
        <Header description="Logistic regression"><Application name="Verdict"/></Header>
        <DataDictionary>
          <DataField name="\(names.shared.outcome)" optype="categorical" dataType="string">
            <Value value="0"/><Value value="1"/>
          </DataField>
          \(fields.joined(separator: "\n    "))
        </DataDictionary>
        <TransformationDictionary>
          \(features.indices.flatMap { derived($0, names) }.joined(separator: "\n    "))
        </TransformationDictionary>
        <RegressionModel functionName="classification" normalizationMethod="logit">
          <MiningSchema>
            <MiningField name="\(names.shared.outcome)" usageType="target"/>
            \(mining.joined(separator: "\n      "))
          </MiningSchema>
          <Output>
            <OutputField name="\(names.shared.probability)" optype="continuous" dataType="double" feature="probability" value="1"/>
            <OutputField name="\(names.shared.label)" optype="categorical" dataType="integer" feature="transformedValue">
              <Apply function="if"><Apply function="greaterOrEqual"><FieldRef field="\(names.shared.probability)"/>\
      <Constant dataType="double">\(threshold)</Constant></Apply><Constant dataType="integer">1</Constant>\
      <Constant dataType="integer">0</Constant></Apply>
            </OutputField>
          </Output>
          <RegressionTable intercept="\(standardizedIntercept)" targetCategory="1">
            \(features.indices.flatMap { predictors($0, names) }.joined(separator: "\n      "))
          </RegressionTable>
          <RegressionTable intercept="0" targetCategory="0"/>
        </RegressionModel>
      </PMML>

      """
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
        "<NumericPredictor name=\"\(names.standardized[index].xmlAttribute)\" coefficient=\"\(value)\"/>")
    }
    if let value = feature.missing?.standardized, value != 0 {
      result.append(
        "<NumericPredictor name=\"\(names.missing[index].xmlAttribute)\" coefficient=\"\(value)\"/>")
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
