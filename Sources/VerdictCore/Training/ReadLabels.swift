/// The labels of a dataset as one snapshot saw them, and what it takes to read only what has changed since.
struct ReadLabels: Sendable {
  /// The labels.
  private(set) var columns: TrainingColumns
  /// The dataset's count of changes in the same snapshot.
  var changes: Int
  private var snapshot: LabelSnapshot
  private var marks: [HighWaterMark]

  /// Labels that were read just now.
  init(columns: TrainingColumns, changes: Int, snapshot: LabelSnapshot, marks: [HighWaterMark]) {
    self.columns = columns
    self.changes = changes
    self.snapshot = snapshot
    self.marks = marks
  }

  /// Hands the labels over, so that nobody else holds them and they can be changed where they lie.
  mutating func takeColumns() -> TrainingColumns {
    defer { columns = TrainingColumns(features: [], expectedRows: 0) }
    return columns
  }

  /// Every label that was written after this snapshot has an id or a change id above this; `nil` if that is not known,
  /// because a transaction ran that was older than every mark, or because PostgreSQL was started since.
  func position(for snapshot: LabelSnapshot) -> Int? {
    guard snapshot.serverStart == self.snapshot.serverStart else { return nil }
    return marks.last { $0.horizon <= self.snapshot.oldestRunning }?.position
  }

  /// How many marks are kept.
  static let marksKept = 16

  /// The marks that a later reading may need, with a new one.
  func marks(and mark: HighWaterMark) -> [HighWaterMark] {
    // The newest one that this snapshot has passed serves all later ones, too; older ones serve none.
    let first = marks.lastIndex { $0.horizon <= snapshot.oldestRunning } ?? 0
    let needed = marks[first...] + [mark]
    guard needed.count > Self.marksKept else { return Array(needed) }
    // The first one is all there is to start from while a transaction goes on for many readings.
    return needed.prefix(1) + needed.suffix(Self.marksKept - 1)
  }
}
