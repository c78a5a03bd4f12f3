/// Writes stored rows as JSON and CSV so that reading them again gives the same rows.
///
/// Doubles are written in the shortest form that reads back exactly. Rows stored before the dataset was extended have
/// shorter arrays; what they lack is missing. All functions append, so that one buffer serves many rows.
public struct RowWriter: Sendable {
  /// One labelled row as it is stored.
  public struct Row: Sendable {
    /// Values of continuous and discrete features by slot.
    public var numbers: [Double?]
    /// Values of categorical features by slot.
    public var categories: [String?]
    /// The true outcome, 0 or 1.
    public var outcome: UInt8
    /// The row's own key.
    public var key: String?

    /// Makes a row; see the properties.
    public init(numbers: [Double?], categories: [String?], outcome: UInt8, key: String? = nil) {
      self.numbers = numbers
      self.categories = categories
      self.outcome = outcome
      self.key = key
    }
  }

  /// What the rows look like.
  public let schema: RowSchema
  /// `"name":` of each feature.
  let jsonNames: [[UInt8]]

  /// Writes rows of this schema.
  public init(schema: RowSchema) {
    self.schema = schema
    jsonNames = schema.features.map { feature in
      var bytes: [UInt8] = []
      appendJSONString(feature.name.utf8, to: &bytes)
      return bytes + [UInt8(ascii: ":")]
    }
  }
}

/// What a row tells about itself to be written, wherever it lies.
public protocol WritableRow {
  /// UTF-8.
  associatedtype Text: Collection<UInt8>
  /// The value of a continuous or discrete feature; `nil` if it is missing, also beyond the end.
  func number(_ slot: Int) -> Double?
  /// The value of a categorical feature; `nil` if it is missing, also beyond the end.
  func category(_ slot: Int) -> Text?
  /// The true outcome, 0 or 1.
  var outcome: UInt8 { get }
  /// The row's own key.
  var keyText: Text? { get }
}

extension RowWriter.Row: WritableRow {
  public func number(_ slot: Int) -> Double? { slot < numbers.count ? numbers[slot] : nil }
  public func category(_ slot: Int) -> String.UTF8View? {
    slot < categories.count ? categories[slot]?.utf8 : nil
  }
  public var keyText: String.UTF8View? { key?.utf8 }
}
