import Learning
import PostgreSQL
import RowFormats

/// The values of labels by column, in the order in which they are read.
struct ProfileColumns: Sendable {
  /// The columns of the database that ``append(_:)`` expects, in its order.
  static let columns: Query = "label, numbers, categories"

  private(set) var outcomes: [UInt8] = []
  private let features: [Feature]
  private var numbers: [[Double]]
  private var codes: [[Int32]]
  private var levels: [LevelIndex]
  private var row: [Double] = []

  /// Creates empty columns.
  init(features: [Feature]) {
    self.features = features
    let categorical = features.filter { $0.type == .categorical }.sorted { $0.slot < $1.slot }
    numbers = Array(repeating: [], count: features.count - categorical.count)
    codes = Array(repeating: [], count: categorical.count)
    levels = categorical.map { LevelIndex(listed: $0.categories) }
  }

  /// The memory of a row in bytes, without the texts of its categories. An array that grows is in memory twice for a moment.
  static func rowBytes(_ features: [Feature]) -> Int {
    features.reduce(2) { $0 + ($1.type == .categorical ? 8 : 16) }
  }

  /// The approximate memory of the values in bytes.
  var byteCount: Int {
    outcomes.count * Self.rowBytes(features) + levels.reduce(0) { $0 + $1.byteCount }
  }

  /// Appends a row. Values of features that are newer than the row are missing.
  mutating func append(_ reader: borrowing BinaryCopyReader) throws {
    outcomes.append(try reader.decode(0, as: Bool.self) ? 1 : 0)
    row.removeAll(keepingCapacity: true)
    let given = try reader.appendDoubles(1, to: &row)
    for slot in numbers.indices { numbers[slot].append(slot < given ? row[slot] : .nan) }
    var slot = 0
    _ = try reader.forEachElement(2, of: .text) { name in
      if slot < codes.count {
        if let name {
          codes[slot].append(levels[slot].code(of: name))
        } else {
          codes[slot].append(LevelIndex.missing)
        }
      }
      slot += 1
    }
    for slot in min(slot, codes.count)..<codes.count { codes[slot].append(LevelIndex.missing) }
  }

  /// The profiles of the features, in their order.
  func profiles() -> [FeatureProfile] {
    let bytes = FeatureProfile.categoryBytes(features: features.count)
    return features.map { feature in
      let (kind, column): (ColumnKind, TrainingTable.Column) =
        switch feature.type {
        case .continuous: (.continuous, .numeric(numbers[feature.slot]))
        case .discrete: (.discrete, .numeric(numbers[feature.slot]))
        case .categorical:
          (.categorical, .categorical(codes: codes[feature.slot], levels: levels[feature.slot].names))
        }
      return FeatureProfile(feature.name, kind, column, outcomes: outcomes, categoryBytes: bytes)
    }
  }
}
