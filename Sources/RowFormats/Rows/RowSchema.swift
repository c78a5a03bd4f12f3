import CSimdJSON

/// The features and outcome names of rows, compiled for the readers. One value can serve any number of tasks.
public struct RowSchema: Sendable {
  /// The features whose names the rows use.
  public let features: [Feature]
  /// The CSV column with the outcome. In JSON the member is always `label`.
  public let labelName: String
  /// The words of the outcome.
  public let words: OutcomeWords
  /// The largest magnitude of a continuous value.
  public let largestNumber: Double
  /// The number of continuous and discrete values per row.
  public let numberSlots: Int
  /// The number of categorical values per row.
  public let categorySlots: Int
  /// The default name of the CSV column with keys: `key`, with as many leading underscores as distinguish it from the
  /// features and the label.
  public let keyColumn: String

  let compiled: CompiledSchema

  /// Compiles a schema. The names of the features must be unique, and so must the slots of each kind.
  ///
  /// - Parameters:
  ///   - features: the features of the rows.
  ///   - labelName: the CSV column with the outcome.
  ///   - words: the words of the outcome.
  ///   - largestNumber: the largest magnitude of a continuous value; by default every finite number is admitted.
  public init(
    features: [Feature], labelName: String = "label", words: OutcomeWords = OutcomeWords(),
    largestNumber: Double = .greatestFiniteMagnitude
  ) {
    self.features = features
    self.largestNumber = largestNumber
    self.labelName = labelName.normalized
    self.words = words
    let categorical = features.filter { $0.type == .categorical }
    let numeric = features.filter { $0.type != .categorical }
    numberSlots = (numeric.map(\.slot).max() ?? -1) + 1
    categorySlots = (categorical.map(\.slot).max() ?? -1) + 1
    keyColumn = Self.unused("key", features, labelName)
    compiled = CompiledSchema(features: features, words: words, largestNumber: largestNumber)
  }

  /// The default name of the CSV column with an attribute: its own, with as many leading underscores as distinguish it from the
  /// features and the label.
  public func column(of attribute: CaseAttribute) -> String {
    Self.unused(attribute.rawValue, features, labelName)
  }

  private static func unused(_ name: String, _ features: [Feature], _ labelName: String) -> String {
    var name = name
    while name == labelName || features.contains(where: { $0.name == name }) { name = "_" + name }
    return name
  }

  /// The error text for a number beyond ``largestNumber``.
  public var outOfRangeDetail: String {
    var bound: [UInt8] = []
    bound.append(number: largestNumber)
    let text = String(decoding: bound, as: UTF8.self).replacing("e+", with: "e")
    return "is beyond ±\(text), the range of models"
  }

  /// The outcome that a text stands for; `nil` for none. JSON numbers and booleans are given as their text.
  public func outcome(of text: String) -> Bool? { compiled.outcome(of: text, isCell: false) }

  /// The outcome that a CSV cell stands for, where spaces around 0, 1, `true` and `false` are insignificant.
  public func outcome(ofCell text: String) -> Bool? { compiled.outcome(of: text, isCell: true) }
}

/// The schema in the form of the C reader.
final class CompiledSchema: Sendable {
  // Sound: immutable after the initialiser; the C functions that read with it take it as const.
  nonisolated(unsafe) let handle: OpaquePointer?

  init(features: [Feature], words: OutcomeWords, largestNumber: Double) {
    handle = vj_schema_new(normalize)
    guard let handle else { return }
    vj_schema_bound(handle, largestNumber)
    for entry in words.entries {
      _ = withBytes(entry.text) { vj_schema_add_outcome(handle, $0, $1, entry.outcome, entry.isWord) }
    }
    if words.isOpen { vj_schema_open_outcomes(handle) }
    for feature in features {
      let type: vj_type =
        switch feature.type {
        case .continuous: .VJ_CONTINUOUS
        case .discrete: .VJ_DISCRETE
        case .categorical: .VJ_CATEGORICAL
        }
      _ = withBytes(feature.name.normalized) {
        vj_schema_add(handle, $0, $1, type, UInt32(clamping: feature.slot))
      }
      guard feature.type == .categorical, let categories = feature.categories else { continue }
      vj_schema_close(handle, nil, 0)
      for category in categories {
        _ = withBytes(category.normalized) { vj_schema_close(handle, $0, $1) }
      }
    }
  }

  deinit {
    vj_schema_free(handle)
  }

  func outcome(of text: String, isCell: Bool) -> Bool? {
    guard let handle else { return nil }
    let outcome = withBytes(text) { vj_schema_outcome(handle, $0, $1, isCell) }
    return outcome < 0 ? nil : outcome == 1
  }

  /// The index of a feature in the C reader, by its normalized name.
  func index(of name: [UInt8]) -> UInt32? {
    guard let handle else { return nil }
    let index = name.withUnsafeBytes {
      vj_schema_find(handle, $0.baseAddress?.assumingMemoryBound(to: CChar.self), name.count)
    }
    return index == .max ? nil : index
  }
}

/// Calls `body` with the bytes of a string, which are not NULL for an empty one.
func withBytes<T>(_ text: String, _ body: (UnsafePointer<CChar>?, Int) -> T) -> T {
  var text = text
  return text.withUTF8 { utf8 in
    guard let base = utf8.baseAddress else { return withUnsafePointer(to: 0) { body($0, 0) } }
    return base.withMemoryRebound(to: CChar.self, capacity: utf8.count) { body($0, utf8.count) }
  }
}
