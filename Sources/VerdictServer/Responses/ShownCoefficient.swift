import Learning

/// One coefficient of a model as the list of coefficients shows it.
struct ShownCoefficient {
  /// What the coefficient is multiplied by.
  enum Kind: String {
    /// The number.
    case value
    /// 1 for rows of the category.
    case level
    /// 1 for rows where the feature is missing.
    case missing
  }

  var feature: String
  var level: String?
  var kind: Kind
  var coefficient: ModelFeature.Coefficient

  /// The coefficients of a feature: of its number or its categories, then of its being missing.
  static func all(of feature: ModelFeature) -> [ShownCoefficient] {
    func shown(_ kind: Kind, _ coefficient: ModelFeature.Coefficient, level: String? = nil)
      -> ShownCoefficient
    {
      ShownCoefficient(feature: feature.name, level: level, kind: kind, coefficient: coefficient)
    }
    return [feature.coefficient.map { shown(.value, $0) }].compactMap(\.self)
      + (feature.categories ?? []).map { shown(.level, $0.coefficient, level: $0.name) }
      + [feature.missing.map { shown(.missing, $0) }].compactMap(\.self)
  }
}

extension JSONWriter {
  mutating func coefficient(_ shown: ShownCoefficient) {
    object { json in
      json.name("feature")
      json.string(shown.feature)
      json.name("level")
      json.optional(shown.level) { $0.string($1) }
      json.name("kind")
      json.string(shown.kind.rawValue)
      json.name("coefficient")
      json.number(shown.coefficient.value)
      json.name("standardized")
      json.number(shown.coefficient.standardized)
      json.name("status")
      json.string(shown.coefficient.status.rawValue)
      json.name("standard_error")
      json.optional(shown.coefficient.standardError) { $0.number($1) }
      json.name("z")
      json.optional(shown.coefficient.z) { $0.number($1) }
      json.name("p_value")
      json.optional(shown.coefficient.pValue) { $0.number($1) }
      json.name("odds_ratio")
      json.optional(shown.coefficient.oddsRatio) { $0.number($1) }
    }
  }

  /// What a model knows of a feature beside its coefficients.
  mutating func modelFeature(_ feature: ModelFeature) {
    object { json in
      json.name("name")
      json.string(feature.name)
      json.name("type")
      json.string(feature.kind.rawValue)
      json.name("mean")
      json.optional(feature.mean) { $0.number($1) }
      json.name("scale")
      json.optional(feature.scale) { $0.number($1) }
      json.name("minimum")
      json.optional(feature.minimum) { $0.number($1) }
      json.name("maximum")
      json.optional(feature.maximum) { $0.number($1) }
      json.name("missing_rows")
      json.integer(feature.missingRows)
      json.name("categories")
      json.optional(feature.categories) { json, categories in
        json.array(categories) { $0.string($1.name) }
      }
    }
  }
}
