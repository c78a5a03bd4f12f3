/// The labels of a dataset as one snapshot saw them, with the marks that the next incremental read needs.
struct CachedLabels: Sendable {
  /// The labels.
  private(set) var columns: TrainingColumns
  /// The dataset's change count in the same snapshot.
  var changes: Int
  private var snapshot: LabelSnapshot
  private var marks: [HighWaterMark]

  /// Creates an entry from labels that were just read.
  init(columns: TrainingColumns, changes: Int, snapshot: LabelSnapshot, marks: [HighWaterMark]) {
    self.columns = columns
    self.changes = changes
    self.snapshot = snapshot
    self.marks = marks
  }

  /// Moves the labels out, so that they are uniquely referenced and can be changed in place.
  mutating func takeColumns() -> TrainingColumns {
    defer { columns = TrainingColumns(features: [], expectedRows: 0) }
    return columns
  }

  /// Returns a position below the id or change id of every label that was written after this snapshot. Returns `nil`
  /// if it is unknown, because a transaction older than every mark was running or PostgreSQL has been restarted
  /// since.
  func position(for snapshot: LabelSnapshot) -> Int? {
    guard snapshot.serverStart == self.snapshot.serverStart else { return nil }
    return marks.last { $0.horizon <= self.snapshot.oldestRunning }?.position
  }

  /// The maximum number of marks.
  static let maxMarks = 16

  /// Returns the marks that a later read may need, including a new one.
  func marks(and mark: HighWaterMark) -> [HighWaterMark] {
    // The newest mark that this snapshot has passed is sufficient for all later reads; older ones are not needed.
    let first = marks.lastIndex { $0.horizon <= snapshot.oldestRunning } ?? 0
    let needed = marks[first...] + [mark]
    guard needed.count > Self.maxMarks else { return Array(needed) }
    // While a transaction runs across many reads, only the first mark is usable.
    return needed.prefix(1) + needed.suffix(Self.maxMarks - 1)
  }
}
