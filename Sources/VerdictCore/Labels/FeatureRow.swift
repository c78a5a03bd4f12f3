package import Learning
package import RowFormats

/// The stored feature values of one row by slot. A value that is `nil` or beyond the end is missing.
package struct FeatureRow: Sendable, Equatable {
  /// Continuous and discrete values.
  package var numbers: [Double?]
  /// Categories.
  package var categories: [String?]

  /// Creates a row; see the properties.
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

  /// The values of `features` in their order, for the learner.
  package func values(of features: [Feature]) -> FeatureValues {
    FeatureValues(features.map { self[$0] })
  }
}

extension FeatureRow {
  /// Sets a number, also beyond the end of a row that is older than the feature.
  package mutating func set(number: Double?, at slot: Int) {
    while numbers.count <= slot { numbers.append(nil) }
    numbers[slot] = number
  }

  /// Sets a category, also beyond the end of a row that is older than the feature.
  package mutating func set(category: String?, at slot: Int) {
    while categories.count <= slot { categories.append(nil) }
    categories[slot] = category
  }
}
