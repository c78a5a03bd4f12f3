import CKernels

/// Training data, stored by column.
public struct TrainingTable: Sendable {
  /// The values of one feature, one for each row.
  public enum Column: Sendable {
    /// Values of a continuous or discrete feature; NaN = missing, other values within ±1e150.
    case numeric([Double])
    /// Values of a categorical feature as indices into `levels`; -1 = missing.
    case categorical(codes: [Int32], levels: [String])

    var count: Int {
      switch self {
      case .numeric(let values): values.count
      case .categorical(let codes, _): codes.count
      }
    }
  }

  /// Feature names, unique.
  public let names: [String]
  /// The kind of each feature.
  public let kinds: [ColumnKind]
  /// The values of each feature, all of the same length.
  public let columns: [Column]
  /// The true outcome of each row, 0 or 1.
  public let outcomes: [UInt8]
  /// The attributes of the rows that are no features.
  public let attributes: RowAttributes

  /// Creates a table after checking its consistency.
  ///
  /// - Throws: `LearningError.malformedTable` or `.notFinite`.
  public init(
    names: [String], kinds: [ColumnKind], columns: [Column], outcomes: [UInt8],
    attributes: RowAttributes = .none
  ) throws(LearningError) {
    guard names.count == kinds.count, names.count == columns.count else {
      throw .malformedTable(
        detail: "\(names.count) names, \(kinds.count) kinds and \(columns.count) columns were given.")
    }
    guard Set(names).count == names.count else {
      throw .malformedTable(detail: "Two features have the same name.")
    }
    for (name, (kind, column)) in zip(names, zip(kinds, columns)) {
      guard column.count == outcomes.count else {
        throw .malformedTable(
          detail: "The feature '\(name)' has \(column.count) values for \(outcomes.count) rows.")
      }
      try Self.check(column, kind: kind, name: name)
    }
    guard outcomes.allSatisfy({ $0 <= 1 }) else {
      throw .malformedTable(detail: "An outcome is neither 0 nor 1.")
    }
    guard attributes.fits(rows: outcomes.count) else {
      throw .malformedTable(detail: "An attribute has no value for each row, or one that is out of range.")
    }
    self.names = names
    self.kinds = kinds
    self.columns = columns
    self.outcomes = outcomes
    self.attributes = attributes
  }

  /// The number of rows.
  public var rowCount: Int { outcomes.count }

  private static func check(_ column: Column, kind: ColumnKind, name: String) throws(LearningError) {
    switch (column, kind) {
    case (.numeric(let values), .continuous), (.numeric(let values), .discrete):
      guard ck_all_within(values, values.count, FeatureValue.largestMagnitude) != 0 else {
        throw .notFinite(feature: name)
      }
    case (.categorical(let codes, let levels), .categorical):
      guard levels.count < Int(Int32.max), ck_codes_within(codes, codes.count, Int32(levels.count)) != 0
      else {
        throw .malformedTable(detail: "The feature '\(name)' has a code without a level.")
      }
      guard Set(levels).count == levels.count else {
        throw .malformedTable(detail: "The feature '\(name)' has the same level twice.")
      }
    default:
      throw .malformedTable(detail: "The column of the feature '\(name)' is not \(kind.rawValue).")
    }
  }
}

/// The kind of a feature, which decides how its values enter the design matrix.
public enum ColumnKind: String, Sendable, Codable, Hashable, CaseIterable {
  /// A real number, standardised.
  case continuous
  /// An ordered integer, standardised like a continuous value.
  case discrete
  /// One of a set of unordered names, with one design column for each name.
  case categorical
}
