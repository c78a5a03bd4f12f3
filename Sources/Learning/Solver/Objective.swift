import CKernels

/// The penalised loss F(β) = Σ s·log(1 + e^−m) + penalty of one fit, its gradient and its second derivative.
/// Passes over the rows run in parallel; penalties are added here.
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
  let penalty: PenaltyWeights
  let runner: BlockRunner
  let columns: Int
  /// Elements between two rows of the second derivative.
  let stride: Int
  /// The lower triangle of the second derivative of the loss at the last point evaluated.
  private(set) var hessian: [Double]
  /// For every row s·p·(1 − p) at the last point, kept only where the second derivative is not.
  private(set) var curvature: [Double]
  /// 1: all rows; s: every s-th tile of them, with everything scaled up.
  private let every: Int
  private let blocks: [Range<Int>]
  /// The sums of each block, and working memory for each thread.
  private let partials: Workspace
  private let scratch: Workspace
  private let scratchSize: Int
  private let isExplicit: Bool

  /// Above this many columns the second derivative is not written out.
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
    // Waking other threads costs some 10 µs; small problems are done sooner without.
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

  /// Blocks of whole tiles: few enough that their partial sums stay small beside the data, many enough to share out
  /// and to stop between.
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

  /// Cuts a block into pieces of some milliseconds (whole tiles), between which work can be cancelled.
  ///
  /// - Parameter cost: multiplications a row takes, about.
  private func pieces(_ block: Range<Int>, cost: Int) -> [Range<Int>] {
    let tile = matrix.tileRows
    let size = max(1, 10_000_000 / (cost + 128) / tile) * tile * every
    return Swift.stride(from: block.lowerBound, to: block.upperBound, by: size).map {
      $0..<min($0 + size, block.upperBound)
    }
  }

  /// What a row costs where only its linear predictor and its share of a gradient are wanted.
  private var linearCost: Int { 2 * (matrix.layout.denseCount + matrix.layout.factorCount) }

  /// Adds the sums of all blocks to those of the first, in their order.
  private func total(size: Int) throws {
    for block in blocks.indices.dropFirst() {
      try runner.checkCancelled()
      ck_add(partials.start, partials.start + block * size, size)
    }
  }

  /// One pass over the rows.
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
        // Blocks write disjoint stretches of `partials` and `curvature`, threads disjoint ones of `scratch`.
        let kept = keeps ? curvature.baseAddress : nil
        try runner.run(blocks.count) { block, thread, goesOn in
          let sum = sums + block * size
          sum.update(repeating: 0, count: size)
          for piece in pieces(blocks[block], cost: cost) where goesOn() {
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

  /// The first pass of a fit: at `start`, or at the model without features if that is better.
  func begin(at start: [Double], _ settings: SolverSettings) throws -> Point {
    let point = try evaluate(start)
    if point.value <= settings.originValue * (1 + 1e-9) || start == settings.origin { return point }
    return try evaluate(settings.origin)
  }

  /// The second derivative of the loss at the last point evaluated, times a direction, without writing it out.
  func product(_ direction: [Double]) throws -> [Double] {
    let size = stride
    let (blocks, runner, scratchSize, cost) = (blocks, runner, scratchSize, linearCost)
    let (sums, work) = (partials.start, scratch.start)
    try withUnsafePointer(to: matrix.thinned(every)) { design in
      // As in `evaluate`.
      try runner.run(blocks.count) { block, thread, goesOn in
        let sum = sums + block * size
        sum.update(repeating: 0, count: size)
        for piece in pieces(blocks[block], cost: cost) where goesOn() {
          ck_product(
            runner.instructionSet, design, piece.lowerBound, piece.upperBound, direction, curvature, sum,
            aligned(work + thread * scratchSize))
        }
      }
    }
    try total(size: size)
    return Array(UnsafeBufferPointer(start: sums, count: columns))
  }

  /// The diagonal of the second derivative of the loss at the last point evaluated, where it is not written out.
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

  /// Writes the probabilities of the rows of one fold (or of all rows) into an array of as many as there are rows.
  func predict(_ beta: [Double], only fold: Int?, into probabilities: inout [Double]) throws {
    let (blocks, runner, scratchSize, cost) = (blocks, runner, scratchSize, linearCost)
    let work = scratch.start
    try withUnsafePointer(to: matrix.raw) { design in
      try probabilities.withUnsafeMutableBufferPointer { probabilities in
        // Blocks write disjoint rows.
        guard let out = probabilities.baseAddress else { return }
        try runner.run(blocks.count) { block, thread, goesOn in
          for piece in pieces(blocks[block], cost: cost) where goesOn() {
            ck_predict(
              runner.instructionSet, design, piece.lowerBound, piece.upperBound, beta, Int32(fold ?? -1), out,
              aligned(work + thread * scratchSize))
          }
        }
      }
    }
  }
}
