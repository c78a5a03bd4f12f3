/// The memory that a training takes, from the size of its table. An upper estimate: it is known before a row is read.
public struct TrainingFootprint: Sendable, Hashable {
  /// The number of rows.
  public var rows: Int
  /// The number of continuous and discrete features.
  public var numeric: Int
  /// The number of categorical features.
  public var categorical: Int
  /// The number of categories of all features together, as far as they are known.
  public var levels: Int
  /// The bytes of each row's attributes.
  public var attributes: Int
  /// The most pairs of an additive model; nil if none is fitted.
  public var pairs: Int?

  /// Creates a footprint; see the properties.
  public init(
    rows: Int, numeric: Int, categorical: Int, levels: Int = 0, attributes: Int = 0, pairs: Int? = nil
  ) {
    self.pairs = pairs
    self.attributes = attributes
    self.rows = rows
    self.numeric = numeric
    self.categorical = categorical
    self.levels = levels
  }

  /// The memory in bytes: the table, the copy of it that many columns need, and what the solver works with.
  public var bytes: Int {
    let table = rows * (Self.rowBytes + attributes + numeric * 8 + categorical * 4)
    let isCopied = numeric + categorical > TrainingTable.pinnedDirectly
    let working = rows * Self.workingBytes + solver + levels * Self.levelBytes
    let measuring = attributes > 0 ? rows * Self.attributedBytes : 0
    return table + table / 8 + (isCopied ? table : 0) + working + measuring + (pairs.map(additive) ?? 0)
  }

  /// The codes of the terms, weights, margins, residuals and curvatures of the rows, and the matrices of the linear systems. Few rows
  /// have few bins and pairs.
  private func additive(pairs: Int) -> Int {
    let codes = 2 * (numeric + categorical + pairs + 2)
    let bins = min(1_700, min(50, rows / 3 + 6) * numeric + min(levels, 400 * categorical))
    let cells = min(1_440, 144 * min(pairs, rows / 400))
    let columns = bins + 2 * (numeric + categorical) + cells
    return rows * (codes + Self.additiveBytes) + 4 * 8 * columns * columns
  }

  /// Weights, margins twice, and the working memory of two likelihoods.
  private static let additiveBytes = 80
  /// Id and outcome.
  private static let rowBytes = 9
  /// Scores, sort keys, folds and the curvature of a row, and the order in which rows are sorted. The splits by group and time,
  /// and the search for duplicates, take less, and are done before.
  private static let workingBytes = 56
  /// The weights of a row in the order of the scores, and the sums of its group, while rows with attributes are measured.
  private static let attributedBytes = 64
  /// A category in the index of names, in the model, and in the text under which the model is stored.
  private static let levelBytes = 1_200

  /// The sums of the solver (``Objective``), with or without an indicator of missing values for each number.
  private var solver: Int {
    [1 + numeric + levels, 1 + 2 * numeric + levels].map { columns in
      let hessian = columns <= Objective.explicitColumns ? columns * columns : 0
      let partial = columns + hessian
      let blocks = min(64, max(4, rows * (2 * numeric + categorical + 1) / (2 * partial)))
      return 8 * (blocks * partial + 4 * hessian + 16 * columns)
    }.max() ?? 0
  }
}
