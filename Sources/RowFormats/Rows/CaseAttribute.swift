import CSimdJSON

/// An attribute of a row that is no feature. The raw value is the member of a row in JSON, and by default the column in CSV.
public enum CaseAttribute: String, Sendable, Hashable, CaseIterable {
  /// The client's own id of the case: 1 to 200 bytes; several rows may have the same.
  case reference
  /// The person or thing that the row belongs to: 1 to 200 bytes.
  case group
  /// When the case happened: a time with its offset, or a date, which means its first moment in UTC (RFC 3339).
  case occurredAt = "occurred_at"
  /// How much the row counts: a number from ``weights``. Only labels have one.
  case weight
  /// Whether the row is fitted on or measured: a ``RowSplit``. Only labels have one.
  case split

  /// The attributes of rows without labels.
  public static let ofPredictions: [CaseAttribute] = [.reference, .group, .occurredAt]

  /// The range of a weight.
  public static let weights = vj_least_weight...vj_largest_weight

  /// The attribute in the C reader.
  var code: vj_attribute {
    switch self {
    case .reference: .VJ_REFERENCE
    case .group: .VJ_GROUP
    case .occurredAt: .VJ_OCCURRED_AT
    case .weight: .VJ_WEIGHT
    case .split: .VJ_SPLIT
    }
  }

  /// The microseconds from 1970-01-01 00:00:00 UTC to a time, as every format reads it; `nil` for a text that is none.
  public static func time(of text: String) -> Int64? {
    var time: Int64 = 0
    return withBytes(text) { vj_parse_time($0, $1, &time) } ? time : nil
  }
}

/// The owner's choice of the part of the rows that a label belongs to.
public enum RowSplit: String, Sendable, Codable, Hashable, CaseIterable {
  /// Models are fitted on the row.
  case train
  /// Models are measured on the row.
  case validation

  /// The split that a text names in any case of its letters, as every format reads it; `test` is another word for `validation`.
  public init?(text: String) {
    switch text.lowercased() {
    case "train": self = .train
    case "validation", "test": self = .validation
    default: return nil
    }
  }
}
