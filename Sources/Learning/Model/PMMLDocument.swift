/// A PMML 4.4 document (Data Mining Group) with a regression on derived fields: logit normalisation between two categories "1" and "0".
/// The outputs are the probability and the decision at the threshold. A reader refuses a number beyond the range of models, as the server
/// does.
struct PMMLDocument {
  /// A field of the data.
  struct Feature {
    var name: String
    var isNumber: Bool
  }

  /// The kind of model, for people.
  var description: String
  var names: ExportNames
  var features: [Feature]
  /// Elements `DerivedField`, computed from the data.
  var derivedFields: [String]
  var intercept: Double
  /// Elements `NumericPredictor` and `CategoricalPredictor`, the summands of the log-odds.
  var predictors: [String]
  var threshold: Double

  /// A predictor that adds a derived field, multiplied by a coefficient.
  static func predictor(_ field: String, coefficient: Double = 1) -> String {
    "<NumericPredictor name=\"\(field.xmlAttribute)\" coefficient=\"\(coefficient)\"/>"
  }

  /// The document.
  var text: String {
    let fields = features.map { feature in
      let name = feature.name.xmlAttribute
      guard feature.isNumber else {
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
      invalidValueTreatment="\(feature.isNumber ? "returnInvalid" : "asIs")"/>
      """
    }
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
        <Header description="\(description)"><Application name="Verdict"/></Header>
        <DataDictionary>
          <DataField name="\(names.outcome)" optype="categorical" dataType="string">
            <Value value="0"/><Value value="1"/>
          </DataField>
          \(fields.joined(separator: "\n    "))
        </DataDictionary>
        <TransformationDictionary>
          \(derivedFields.joined(separator: "\n    "))
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
          <RegressionTable intercept="\(intercept)" targetCategory="1">
            \(predictors.joined(separator: "\n      "))
          </RegressionTable>
          <RegressionTable intercept="0" targetCategory="0"/>
        </RegressionModel>
      </PMML>

      """
  }
}
