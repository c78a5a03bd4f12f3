import CKernels

/// The penalised loss F(β) = Σ s·log(1 + e^−m) + penalty of one fit, with its gradient and Hessian.
///
/// s is a row's weight and m its margin. Passes over the rows run in parallel; the penalty is added afterwards.
final class Objective {
  /// Loss and derivatives at one β, without the penalty.
  struct Point {
    var beta: [Double]
    /// Loss without the penalty.
    var loss: Double
    /// Gradient of the loss.
    var gradient: [Double]
    /// Loss with the penalty.
    var value: Double
  }

  let matrix: DesignMatrix
  let encoding: Encoding
  private(set) var penalty: PenaltyWeights
  let runner: BlockRunner
  let columns: Int
  /// The row stride of the Hessian, in elements.
  let stride: Int
  /// The lower triangle of the Hessian of the loss at the last point evaluated.
  private(set) var hessian: [Double]
  /// s·p·(1 − p) of every row at the last point, kept only if the Hessian is not materialised.
  private(set) var curvature: [Double]
  /// 1: all rows; s: every s-th tile of rows, with all sums scaled up.
  private let every: Int
  private let blocks: [Range<Int>]
  /// The partial sums of each block.
  private let partials: Workspace
  /// Working memory of each thread.
  private let scratch: Workspace
  private let scratchSize: Int
  private let isExplicit: Bool

  /// The largest number of columns for which the Hessian is materialised.
  static let explicitColumns = 1_024

  init(
    matrix: DesignMatrix, encoding: Encoding, penalty: PenaltyWeights, runner: BlockRunner, every: Int = 1
  ) {
    self.matrix = matrix
    self.encoding = encoding
    self.penalty = penalty
    self.every = every
    columns = matrix.layout.columns
    stride = (columns + 7) / 8 * 8
    isExplicit = columns <= Self.explicitColumns
    blocks = Self.cut(matrix: matrix, stride: stride, isExplicit: isExplicit, every: every)
    // Waking other threads takes about 10 µs; a small problem is faster on one thread.
    let work = matrix.rowCount / every * (matrix.layout.denseCount * matrix.layout.denseCount + 64)
    self.runner =
      work < 400_000
      ? BlockRunner(threads: 1, instructionSet: runner.instructionSet, isCancelled: runner.isCancelled)
      : runner
    hessian = [Double](repeating: 0, count: isExplicit ? columns * stride : 0)
    curvature = [Double](repeating: 0, count: isExplicit ? 0 : matrix.rowCount)
    var raw = matrix.raw
    scratchSize = ck_scratch_size(&raw) + 8
    scratch = Workspace(count: scratchSize * self.runner.threads)
    partials = Workspace(count: blocks.count * (8 + stride + hessian.count))
  }

  /// Replaces the strength λ of the l2 penalty of all columns but the intercept.
  func setStrength(_ strength: Double) {
    for column in penalty.l2.indices.dropFirst() { penalty.l2[column] = strength }
  }

  /// Divides the rows into blocks of whole tiles: few enough for small partial sums, enough to distribute and to cancel between.
  private static func cut(matrix: DesignMatrix, stride: Int, isExplicit: Bool, every: Int) -> [Range<Int>] {
    let rows = matrix.rowCount
    let layout = matrix.layout
    let partial = stride * (isExplicit ? layout.columns + 1 : 1)
    let byMemory = max(4, rows * (layout.denseCount + layout.factorCount) / (2 * partial))
    let count = max(1, min(64, rows / (1_024 * every), byMemory))
    let tiles = 256 * every
    let size = ((rows + count - 1) / count + tiles - 1) / tiles * tiles
    return BlockRunner.blocks(rows: rows, size: size)
  }

  /// Divides a block into pieces of a few milliseconds (whole tiles), between which work can be cancelled.
  ///
  /// - Parameter cost: the approximate number of multiplications per row.
  private func pieces(_ block: Range<Int>, cost: Int) -> [Range<Int>] {
    let tile = matrix.tileRows
    let size = max(1, 10_000_000 / (cost + 128) / tile) * tile * every
    return Swift.stride(from: block.lowerBound, to: block.upperBound, by: size).map {
      $0..<min($0 + size, block.upperBound)
    }
  }

  /// The cost of a row for its linear predictor and its share of a gradient.
  private var linearCost: Int { 2 * (matrix.layout.denseCount + matrix.layout.factorCount) }

  /// Adds the partial sums of all blocks to those of the first, in block order.
  private func total(size: Int) throws {
    for block in blocks.indices.dropFirst() {
      try runner.checkCancelled()
      ck_add(partials.start, partials.start + block * size, size)
    }
  }

  /// Evaluates loss and gradient at `beta` in one pass over the rows, with the Hessian unless `derivatives` is false. If the
  /// Hessian is not materialised, `curvature` is kept instead.
  func evaluate(_ beta: [Double], derivatives: Bool = true) throws -> Point {
    let withHessian = isExplicit && derivatives
    let size = 8 + stride + (withHessian ? hessian.count : 0)
    let columns = columns
    let stride = stride
    let keeps = !isExplicit
    let (blocks, runner, scratchSize) = (blocks, runner, scratchSize)
    let (sums, work) = (partials.start, scratch.start)
    let entries = matrix.layout.denseCount + matrix.layout.factorCount
    let cost = withHessian ? entries * entries / 2 + linearCost : linearCost
    try withUnsafePointer(to: matrix.thinned(every)) { design in
      try curvature.withUnsafeMutableBufferPointer { curvature in
        // Blocks write disjoint ranges of `partials` and `curvature`, threads disjoint ranges of `scratch`.
        let kept = keeps ? curvature.baseAddress : nil
        try runner.run(blocks.count) { block, thread, shouldContinue in
          let sum = sums + block * size
          sum.update(repeating: 0, count: size)
          for piece in pieces(blocks[block], cost: cost) where shouldContinue() {
            ck_evaluate(
              runner.instructionSet, design, piece.lowerBound, piece.upperBound, beta, sum, sum + 8,
              withHessian ? sum + 8 + stride : nil, stride, kept, aligned(work + thread * scratchSize))
          }
        }
      }
    }
    try total(size: size)
    let scale = Double(every)
    if withHessian {
      let second = sums + 8 + stride
      for index in hessian.indices { hessian[index] = scale * second[index] }
      for column in matrix.layout.denseCount..<max(matrix.layout.denseCount, columns) {
        hessian[column * stride + column] = hessian[column * stride]
      }
    }
    let loss = scale * sums[0]
    return Point(
      beta: beta, loss: loss, gradient: (0..<columns).map { scale * sums[8 + $0] },
      value: loss + penalty.value(beta))
  }

  /// Makes the first pass of a fit: at `start`, or at the model without features if that is better.
  func begin(at start: [Double], _ settings: SolverSettings) throws -> Point {
    let point = try evaluate(start)
    if point.value <= settings.originValue * (1 + 1e-9) || start == settings.origin { return point }
    return try evaluate(settings.origin)
  }

  /// The Hessian of the loss at the last point evaluated, times a direction, without materialising it.
  func product(_ direction: [Double]) throws -> [Double] {
    let size = stride
    let (blocks, runner, scratchSize, cost) = (blocks, runner, scratchSize, linearCost)
    let (sums, work) = (partials.start, scratch.start)
    try withUnsafePointer(to: matrix.thinned(every)) { design in
      // Memory is disjoint as in `evaluate`.
      try runner.run(blocks.count) { block, thread, shouldContinue in
        let sum = sums + block * size
        sum.update(repeating: 0, count: size)
        for piece in pieces(blocks[block], cost: cost) where shouldContinue() {
          ck_product(
            runner.instructionSet, design, piece.lowerBound, piece.upperBound, direction, curvature, sum,
            aligned(work + thread * scratchSize))
        }
      }
    }
    try total(size: size)
    return Array(UnsafeBufferPointer(start: sums, count: columns))
  }

  /// The diagonal of the Hessian of the loss at the last point evaluated, if it is not materialised.
  func diagonal() throws -> [Double] {
    var result = [Double](repeating: 0, count: columns)
    let rows = matrix.rowCount
    let ones = [Double](repeating: 1, count: rows)
    var along = 0.0
    result[0] = curvature.reduce(0, +)
    for slot in matrix.layout.slots {
      try runner.checkCancelled()
      switch slot {
      case .numeric(let index, let column, let indicator):
        guard let values = matrix.raw.numeric[index] else { continue }
        let (mean, inverse) = (matrix.raw.mean[index], matrix.raw.inverse_scale[index])
        ck_column_sums(values, mean, inverse, 0, curvature, ones, rows, &along, &result[column])
        if let indicator {
          ck_column_sums(values, mean, inverse, 1, curvature, ones, rows, &along, &result[indicator])
        }
      case .factor(let index, let first, let levels, let missing):
        guard let codes = matrix.raw.codes[index] else { continue }
        var sums = [Double](repeating: 0, count: levels + 1)
        var squares = sums
        ck_factor_sums(codes, levels, curvature, ones, rows, &sums, &squares)
        for level in 0..<levels { result[first + level] = squares[level] }
        if let missing { result[missing] = squares[levels] }
      }
    }
    return result
  }

  /// Writes the probabilities of the rows of one fold, or of all rows, into an array with an element for each row.
  func predict(_ beta: [Double], only fold: Int?, into probabilities: inout [Double]) throws {
    let (blocks, runner, scratchSize, cost) = (blocks, runner, scratchSize, linearCost)
    let work = scratch.start
    try withUnsafePointer(to: matrix.raw) { design in
      try probabilities.withUnsafeMutableBufferPointer { probabilities in
        // Blocks write disjoint rows.
        guard let out = probabilities.baseAddress else { return }
        try runner.run(blocks.count) { block, thread, shouldContinue in
          for piece in pieces(blocks[block], cost: cost) where shouldContinue() {
            ck_predict(
              runner.instructionSet, design, piece.lowerBound, piece.upperBound, beta, Int32(fold ?? -1), out,
              aligned(work + thread * scratchSize))
          }
        }
      }
    }
  }
}

/// Uninitialised memory for the kernels to write to. It is not filled, because that would delay the cancellation of a training.
/// Freed with its owner, which must not let `start` outlive it.
final class Workspace {
  /// Undefined until written.
  let start: UnsafeMutablePointer<Double>

  init(count: Int) { start = .allocate(capacity: max(1, count)) }

  deinit { start.deallocate() }
}

/// The next address aligned to 64 bytes, for the widest vectors. Scratch memory has 8 spare doubles for it.
func aligned(_ pointer: UnsafeMutablePointer<Double>) -> UnsafeMutablePointer<Double> {
  pointer + (64 - Int(bitPattern: pointer) & 63) / 8 % 8
}
