import CSimdJSON

/// What rows look like, compiled for reading: make it once for a dataset and share it.
public struct RowSchema: Sendable {
  /// The features, by whose names rows give their values.
  public let features: [Feature]
  /// The CSV column with the outcome; in JSON the member is always `label`.
  public let labelName: String
  /// The name that means outcome 1, if outcomes have names; any other non-empty name then means 0.
  public let positive: String?
  /// Length of a row's array of numbers.
  public let numberSlots: Int
  /// Length of a row's array of categories.
  public let categorySlots: Int

  /// The CSV column with the rows' own keys where nothing else is said: `key`, behind as many underscores as keep it
  /// apart from the features and the label.
  public let keyColumn: String

  let compiled: CompiledSchema

  /// Compiles a schema. Names and slots of the features must be unique.
  public init(features: [Feature], labelName: String = "label", positive: String? = nil) {
    self.features = features
    self.labelName = labelName
    self.positive = positive
    let categorical = features.filter { $0.type == .categorical }
    let numeric = features.filter { $0.type != .categorical }
    numberSlots = (numeric.map(\.slot).max() ?? -1) + 1
    categorySlots = (categorical.map(\.slot).max() ?? -1) + 1
    let taken = Set(features.map(\.name) + [labelName])
    var keyColumn = "key"
    while taken.contains(keyColumn) { keyColumn = "_" + keyColumn }
    self.keyColumn = keyColumn
    compiled = CompiledSchema(features: features, positive: positive)
  }
}

/// The schema as the C reader keeps it.
final class CompiledSchema: Sendable {
  // Sound: never changed after the initialiser, and the C functions that read with it take it as const.
  nonisolated(unsafe) let handle: OpaquePointer?

  init(features: [Feature], positive: String?) {
    handle = withOptionalBytes(positive) { vj_schema_new($0, $1) }
    guard let handle else { return }
    for feature in features {
      let type: vj_type =
        switch feature.type {
        case .continuous: .VJ_CONTINUOUS
        case .discrete: .VJ_DISCRETE
        case .categorical: .VJ_CATEGORICAL
        }
      _ = withOptionalBytes(feature.name) {
        vj_schema_add(handle, $0, $1, type, UInt32(clamping: feature.slot))
      }
      guard feature.type == .categorical, let categories = feature.categories else { continue }
      vj_schema_close(handle, nil, 0)
      for category in categories {
        _ = withOptionalBytes(category) { vj_schema_close(handle, $0, $1) }
      }
    }
  }

  deinit {
    vj_schema_free(handle)
  }

  /// The index by which the C reader knows a feature.
  func index(of name: [UInt8]) -> UInt32? {
    guard let handle else { return nil }
    let index = name.withUnsafeBytes {
      vj_schema_find(handle, $0.baseAddress?.assumingMemoryBound(to: CChar.self), name.count)
    }
    return index == .max ? nil : index
  }
}

/// A string's bytes for C: NULL for `nil`, never NULL for an empty string.
private func withOptionalBytes<T>(_ text: String?, _ body: (UnsafePointer<CChar>?, Int) -> T) -> T {
  guard var text else { return body(nil, 0) }
  return text.withUTF8 { utf8 in
    guard let base = utf8.baseAddress else { return withUnsafePointer(to: 0) { body($0, 0) } }
    return base.withMemoryRebound(to: CChar.self, capacity: utf8.count) { body($0, utf8.count) }
  }
}
