import Learning
package import RowFormats

extension Dataset {
  /// How rows of this dataset are read.
  package var schema: RowSchema {
    RowSchema(
      features: features, labelName: label.name, words: label.words,
      largestNumber: FeatureValue.largestMagnitude)
  }
}
