import CKernels

/// The design matrix of one fit, as the kernels read it: pinned columns, their standardisation, and the rows to leave out. The
/// matrix itself is never materialised.
///
/// The class owns the small arrays that `raw` points to, and frees them with itself. The columns belong to the table, so that a
/// matrix is valid only inside `TrainingTable.withPinned`.
final class DesignMatrix {
  let layout: DesignLayout
  let rowCount: Int
  private(set) var raw: ck_design
  private let mean: UnsafeMutablePointer<Double>
  private let inverseScale: UnsafeMutablePointer<Double>
  private var owned: [UnsafeMutableRawPointer] = []

  /// `fold` must outlive the matrix, like the pinned columns.
  init(layout: DesignLayout, pinned: PinnedTable, fold: UnsafePointer<UInt8>?) {
    self.layout = layout
    rowCount = pinned.rowCount
    var indicators = [Int32](repeating: -1, count: layout.numericCount)
    var first: [Int32] = []
    var missing: [Int32] = []
    for slot in layout.slots {
      switch slot {
      case .numeric(let index, _, let indicator): indicators[index] = Int32(indicator ?? -1)
      case .factor(_, let start, _, let absent):
        first.append(Int32(start))
        missing.append(Int32(absent ?? start))
      }
    }
    mean = .allocate(capacity: max(1, layout.numericCount))
    inverseScale = .allocate(capacity: max(1, layout.numericCount))
    mean.initialize(repeating: 0, count: layout.numericCount)
    inverseScale.initialize(repeating: 0, count: layout.numericCount)
    owned = [UnsafeMutableRawPointer(mean), UnsafeMutableRawPointer(inverseScale)]
    func own<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
      let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
      memory.initialize(from: elements, count: elements.count)
      owned.append(UnsafeMutableRawPointer(memory))
      return memory
    }
    raw = ck_design()
    raw.numeric_count = layout.numericCount
    raw.numeric = UnsafePointer(own(pinned.numeric.map { Optional($0) }))
    raw.mean = UnsafePointer(mean)
    raw.inverse_scale = UnsafePointer(inverseScale)
    raw.indicator = UnsafePointer(own(indicators))
    raw.dense_count = layout.denseCount
    raw.factor_count = layout.factorCount
    raw.codes = UnsafePointer(own(pinned.codes.map { Optional($0) }))
    raw.first_column = UnsafePointer(own(first))
    raw.missing_column = UnsafePointer(own(missing))
    raw.columns = layout.columns
    raw.outcome = pinned.outcomes
    raw.fold = fold
    raw.excluded = -1
    raw.weight = (1, 1)
    raw.row_weight = pinned.weights
    raw.every = 1
  }

  deinit { for memory in owned { memory.deallocate() } }

  /// Prepares the matrix for one fit.
  func configure(_ encoding: Encoding) {
    for (index, moments) in encoding.numeric.enumerated() {
      mean[index] = moments.mean
      inverseScale[index] = moments.isConstant ? 0 : 1 / moments.standardDeviation
    }
    raw.excluded = Int32(encoding.excluded ?? -1)
    raw.weight = (encoding.weights[0], encoding.weights[1])
  }

  /// The number of rows in a tile of the kernels.
  var tileRows: Int { ck_tile_rows(layout.denseCount) }

  /// The same matrix with every s-th tile only.
  func thinned(_ every: Int) -> ck_design {
    var thin = raw
    thin.every = every
    return thin
  }
}
