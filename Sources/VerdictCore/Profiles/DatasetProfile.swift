package import Foundation
package import Learning

/// The distribution of the features in the labels of a dataset.
package struct DatasetProfile: Sendable {
  /// The labels that a profile describes.
  package struct Extent: Sendable, Hashable {
    /// When the profile was computed.
    package var computedAt: Date
    /// The dataset's count of label changes then.
    package var changes: Int
    /// The described labels with outcome 1.
    package var positives: Int
    /// The described labels with outcome 0.
    package var negatives: Int
    /// Whether the profile describes all labels of its time, not a sample of them.
    package var isExact: Bool

    /// The number of described labels.
    package var labels: Int { positives + negatives }
  }

  /// The outcome of the dataset.
  package var label: LabelDefinition
  /// The number of stored labels.
  package var labelsStored: Int
  /// The labels that were added, changed and deleted since the profile was computed.
  package var changesSince: Int
  /// The described labels.
  package var extent: Extent
  /// The profiles of the features of a page, and of one more if there is one.
  package var features: [FeatureProfile]
}

extension FeatureProfile {
  /// The bytes of categories that one of so many features may list, so that a profile has a bounded size.
  static func categoryBytes(features: Int) -> Int { max(2_000, (2 << 20) / max(1, features)) }

  /// A lower bound of the size of the profile's text in bytes.
  var textSize: Int {
    let top = categories?.top ?? []
    return 400 + name.utf8.count + 40 * (histogram?.edges.count ?? 0)
      + top.reduce(0) { $0 + $1.value.utf8.count + 40 }
  }
}
