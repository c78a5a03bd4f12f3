extension LogisticModel {
  /// The model in PMML 4.4 (Data Mining Group): a regression with logit normalisation between two categories "1" and
  /// "0", missing values handled by derived fields. The outputs are `probability` and `label`, the decision at the
  /// model's threshold; where a feature has such a name the output has an underscore behind its own.
  public func exportPMML() -> String {
    let names = ExportNames(features)
    let fields = features.map { feature in
      let isText = feature.categories != nil
      return """
        <DataField name="\(escape(feature.name))" optype="\(isText ? "categorical" : "continuous")" \
        dataType="\(isText ? "string" : "double")"/>
        """
    }
    let mining = features.map { feature in
      """
      <MiningField name="\(escape(feature.name))" usageType="active" missingValueTreatment="asIs" \
      invalidValueTreatment="asIs"/>
      """
    }
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
        <Header description="Logistic regression"><Application name="Verdict"/></Header>
        <DataDictionary>
          <DataField name="\(names.outcome)" optype="categorical" dataType="string">
            <Value value="0"/><Value value="1"/>
          </DataField>
          \(fields.joined(separator: "\n    "))
        </DataDictionary>
        <TransformationDictionary>
          \(features.indices.flatMap { derived($0, names) }.joined(separator: "\n    "))
        </TransformationDictionary>
        <RegressionModel functionName="classification" normalizationMethod="logit">
          <MiningSchema>
            <MiningField name="\(names.outcome)" usageType="target"/>
            \(mining.joined(separator: "\n      "))
          </MiningSchema>
          <Output>
            <OutputField name="\(names.probability)" optype="continuous" dataType="double" feature="probability" value="1"/>
            <OutputField name="\(names.label)" optype="categorical" dataType="integer" feature="transformedValue">
              <Apply function="if"><Apply function="greaterOrEqual"><FieldRef field="\(names.probability)"/>\
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

  /// Of a number its standardised value, 0 where it is missing; of every feature an indicator of missing values.
  private func derived(_ index: Int, _ names: ExportNames) -> [String] {
    let feature = features[index]
    let name = escape(feature.name)
    var fields: [String] = []
    if let mean = feature.mean, let scale = feature.scale, feature.coefficient?.standardized ?? 0 != 0 {
      fields.append(
        """
        <DerivedField name="\(escape(names.standardized[index]))" optype="continuous" dataType="double"><Apply function="if">\
        <Apply function="isMissing"><FieldRef field="\(name)"/></Apply><Constant dataType="double">0</Constant>\
        <Apply function="*"><Apply function="-"><FieldRef field="\(name)"/>\
        <Constant dataType="double">\(mean)</Constant></Apply><Constant dataType="double">\(1 / scale)</Constant>\
        </Apply></Apply></DerivedField>
        """)
    }
    if feature.missing?.standardized ?? 0 != 0 {
      fields.append(
        """
        <DerivedField name="\(escape(names.missing[index]))" optype="continuous" dataType="double"><Apply function="if">\
        <Apply function="isMissing"><FieldRef field="\(name)"/></Apply><Constant dataType="double">1</Constant>\
        <Constant dataType="double">0</Constant></Apply></DerivedField>
        """)
    }
    return fields
  }

  private func predictors(_ index: Int, _ names: ExportNames) -> [String] {
    let feature = features[index]
    let name = escape(feature.name)
    var result: [String] = []
    if let value = feature.coefficient?.standardized, value != 0, feature.mean != nil {
      result.append(
        "<NumericPredictor name=\"\(escape(names.standardized[index]))\" coefficient=\"\(value)\"/>")
    }
    if let value = feature.missing?.standardized, value != 0 {
      result.append("<NumericPredictor name=\"\(escape(names.missing[index]))\" coefficient=\"\(value)\"/>")
    }
    for category in feature.categories ?? [] where category.coefficient.standardized != 0 {
      result.append(
        """
        <CategoricalPredictor name="\(name)" value="\(escape(category.name))" \
        coefficient="\(category.coefficient.standardized)"/>
        """)
    }
    return result
  }

  /// For XML attributes; line ends and tabs as references, or a reader would make spaces of them. Characters that XML
  /// 1.0 does not allow are left out.
  private func escape(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result += "&#\(scalar.value);"
      case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": break
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
}
