import Learning
package import RowFormats

extension Dataset {
  /// How rows of this dataset are read.
  package var schema: RowSchema {
    RowSchema(
      features: features, labelName: label.name, words: label.words,
      largestNumber: FeatureValue.largestMagnitude)
  }

  /// The types of the features by their names.
  package var featureTypes: [String: FeatureType] {
    Dictionary(features.map { ($0.name, $0.type) }) { first, _ in first }
  }
}
