import CSimdJSON

/// The features and outcome names of rows, compiled for the readers. One value can serve any number of tasks.
public struct RowSchema: Sendable {
  /// The features whose names the rows use.
  public let features: [Feature]
  /// The CSV column with the outcome. In JSON the member is always `label`.
  public let labelName: String
  /// The name of outcome 1, if outcomes have names; any other non-empty name then means outcome 0.
  public let positive: String?
  /// The number of continuous and discrete values per row.
  public let numberSlots: Int
  /// The number of categorical values per row.
  public let categorySlots: Int
  /// The default name of the CSV column with keys: `key`, with as many leading underscores as distinguish it from the
  /// features and the label.
  public let keyColumn: String

  let compiled: CompiledSchema

  /// Compiles a schema. The names of the features must be unique, and so must the slots of each kind.
  public init(features: [Feature], labelName: String = "label", positive: String? = nil) {
    self.features = features
    self.labelName = labelName
    self.positive = positive
    let categorical = features.filter { $0.type == .categorical }
    let numeric = features.filter { $0.type != .categorical }
    numberSlots = (numeric.map(\.slot).max() ?? -1) + 1
    categorySlots = (categorical.map(\.slot).max() ?? -1) + 1
    let reserved = Set(features.map(\.name) + [labelName])
    var keyColumn = "key"
    while reserved.contains(keyColumn) { keyColumn = "_" + keyColumn }
    self.keyColumn = keyColumn
    compiled = CompiledSchema(features: features, positive: positive)
  }
}

/// The schema in the form of the C reader.
final class CompiledSchema: Sendable {
  // Sound: immutable after the initialiser; the C functions that read with it take it as const.
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

  /// The index of a feature in the C reader.
  func index(of name: [UInt8]) -> UInt32? {
    guard let handle else { return nil }
    let index = name.withUnsafeBytes {
      vj_schema_find(handle, $0.baseAddress?.assumingMemoryBound(to: CChar.self), name.count)
    }
    return index == .max ? nil : index
  }
}

/// Calls `body` with the bytes of a string: NULL for `nil`, but not for an empty string.
private func withOptionalBytes<T>(_ text: String?, _ body: (UnsafePointer<CChar>?, Int) -> T) -> T {
  guard var text else { return body(nil, 0) }
  return text.withUTF8 { utf8 in
    guard let base = utf8.baseAddress else { return withUnsafePointer(to: 0) { body($0, 0) } }
    return base.withMemoryRebound(to: CChar.self, capacity: utf8.count) { body($0, utf8.count) }
  }
}
