package import Learning
package import RowFormats

/// The feature values of one row as they are stored: by slot, `nil` and beyond the end = missing.
package struct FeatureRow: Sendable, Equatable {
  /// Continuous and discrete values.
  package var numbers: [Double?]
  /// Categorical names.
  package var categories: [String?]

  /// Makes a row; see the properties.
  package init(numbers: [Double?], categories: [String?]) {
    self.numbers = numbers
    self.categories = categories
  }

  /// The value of `feature` in this row.
  package subscript(feature: Feature) -> FeatureValue {
    switch feature.type {
    case .continuous, .discrete:
      guard feature.slot < numbers.count, let number = numbers[feature.slot] else { return .missing }
      return .number(number)
    case .categorical:
      guard feature.slot < categories.count, let name = categories[feature.slot] else { return .missing }
      return .category(name)
    }
  }

  /// The values of `features` in their order, as the learner takes them.
  package func values(of features: [Feature]) -> FeatureValues {
    FeatureValues(features.map { self[$0] })
  }
}

extension FeatureRow {
  /// Sets a number, also beyond the end of a row from before the dataset was extended.
  package mutating func set(number: Double?, at slot: Int) {
    while numbers.count <= slot { numbers.append(nil) }
    numbers[slot] = number
  }

  /// Sets a name, also beyond the end of a row from before the dataset was extended.
  package mutating func set(category: String?, at slot: Int) {
    while categories.count <= slot { categories.append(nil) }
    categories[slot] = category
  }
}
