import CKernels

/// The penalised likelihood of an additive model on binned rows: its value, gradient and Hessian.
///
/// Column 0 is the intercept. Each term has a column for each bin and, last, one for values that no fitted row has, whose
/// coefficient is 0. Every sum over the rows of a term, or of two terms, is a histogram that one thread makes in the order of the rows,
/// so that results do not depend on the number of threads.
final class AdditiveSystem {
  var terms: [AdditiveTerm]
  let codes: [UnsafePointer<UInt16>]
  let rowCount: Int
  let outcomes: UnsafePointer<UInt8>
  let mass: UnsafePointer<Double>
  let runner: BlockRunner
  /// The number of columns, and the distance between rows of the Hessian.
  let columns: Int
  let stride: Int
  /// The lower triangle of the Hessian of the loss at the last point evaluated.
  private(set) var hessian: [Double]
  /// The mass of the rows in each column.
  private(set) var masses: [Double]
  /// The margins, residuals and curvatures of the rows at the last point.
  private let rows: Workspace
  /// The constraints Σ mass · β = 0 of each term, or of each row and column of a table, as unit vectors.
  private(set) var constraints: [[(column: Int, weight: Double)]] = []
  /// The owners of the memory that `codes`, `outcomes` and `mass` refer to.
  let owners: [AnyObject]

  /// The rows of a block.
  private static let blockRows = 1 << 13

  init(
    terms: [AdditiveTerm], codes: [UnsafePointer<UInt16>], owners: [AnyObject], rowCount: Int,
    outcomes: UnsafePointer<UInt8>, mass: UnsafePointer<Double>, runner: BlockRunner
  ) throws {
    self.terms = terms
    self.codes = codes
    self.owners = owners
    self.rowCount = rowCount
    self.outcomes = outcomes
    self.mass = mass
    self.runner = runner
    columns = (terms.last.map { $0.first + $0.count + 1 }) ?? 1
    // An odd number of cache lines keeps rows from falling on each other in the caches.
    stride = ((columns + 7) / 8 | 1) * 8
    hessian = [Double](repeating: 0, count: columns * stride)
    masses = [Double](repeating: 0, count: columns)
    rows = Workspace(count: 3 * rowCount)
    try countMasses()
    constraints = terms.flatMap(constraints(of:))
    constraintWeight = Self.constraintScale * (masses.dropFirst().max() ?? 1)
  }

  private var margin: UnsafeMutablePointer<Double> { rows.start }
  private var residual: UnsafeMutablePointer<Double> { rows.start + rowCount }
  private var curvature: UnsafeMutablePointer<Double> { rows.start + 2 * rowCount }

  /// The coefficients that are 0: of values that no fitted row has.
  var skipped: [Bool] {
    var skipped = [Bool](repeating: false, count: columns)
    for term in terms { skipped[term.first + term.count] = true }
    return skipped
  }

  private func countMasses() throws {
    let (mass, count) = (mass, rowCount)
    try masses.withUnsafeMutableBufferPointer { masses in
      guard let base = masses.baseAddress else { return }
      base[0] = (0..<count).reduce(0) { $0 + mass[$1] }
      // Terms have columns of their own.
      nonisolated(unsafe) let target = base
      try runner.run(terms.count) { index, _, _ in
        ck_term_masses(codes[index], mass, 0, count, target + terms[index].first)
      }
    }
  }

  private func constraints(of term: AdditiveTerm) -> [[(column: Int, weight: Double)]] {
    func unit(_ bins: [Int]) -> [(column: Int, weight: Double)] {
      let length = bins.reduce(0) { $0 + masses[term.first + $1] * masses[term.first + $1] }.squareRoot()
      guard length > 0 else { return [] }
      return bins.map { (term.first + $0, masses[term.first + $0] / length) }
    }
    switch term.shape {
    case .main: return [unit(Array(0..<term.count))]
    case .table(let rows, let columns):
      return (0..<rows).map { row in unit((0..<columns).map { row * columns + $0 }) }
        + (0..<columns).map { column in unit((0..<rows).map { $0 * columns + column }) }
    }
  }

  /// A point: coefficients and the loss there.
  struct Point {
    var beta: [Double]
    var loss: Double
    /// Loss and penalties.
    var value: Double
  }

  /// The weight of the constraints: far above the curvature of the loss, so that they hold to within rounding.
  private(set) var constraintWeight = 1.0
  /// A curvature is at most a quarter of the mass.
  private static let constraintScale = 25.0

  /// Computes the loss, and with it residuals and curvatures, at the coefficients.
  func evaluate(_ beta: [Double]) throws -> Point {
    let (count, terms, codes, mass, outcomes) = (rowCount, terms, codes, mass, outcomes)
    let (margin, residual, curvature) = (margin, residual, curvature)
    let blocks = BlockRunner.blocks(rows: count, size: Self.blockRows)
    var losses = [Double](repeating: 0, count: blocks.count)
    try losses.withUnsafeMutableBufferPointer { losses in
      // Blocks write disjoint rows and one loss each.
      nonisolated(unsafe) let target = losses
      try runner.run(blocks.count) { block, _, _ in
        let range = blocks[block]
        for row in range { margin[row] = beta[0] }
        beta.withUnsafeBufferPointer { beta in
          guard let base = beta.baseAddress else { return }
          for (index, term) in terms.enumerated() {
            ck_additive_add(codes[index], base + term.first, range.lowerBound, range.upperBound, margin)
          }
        }
        target[block] = ck_additive_link(
          margin, outcomes, mass, range.lowerBound, range.upperBound, residual, curvature)
      }
    }
    let loss = losses.reduce(0, +)
    return Point(beta: beta, loss: loss, value: loss + penalty(beta))
  }

  /// The margins of all rows at the last point evaluated.
  var margins: UnsafePointer<Double> { UnsafePointer(margin) }

  /// The residuals p − y and the curvatures, of all rows at the last point evaluated.
  var residuals: (UnsafePointer<Double>, UnsafePointer<Double>) {
    (UnsafePointer(residual), UnsafePointer(curvature))
  }

  /// ½βᵀS_λβ and the constraints.
  func penalty(_ beta: [Double]) -> Double {
    var sum = 0.0
    beta.withUnsafeBufferPointer { beta in
      guard let base = beta.baseAddress else { return }
      for term in terms {
        for penalty in term.penalties { sum += 0.5 * penalty.lambda * penalty.value(base + term.first) }
      }
      for constraint in constraints {
        let value = constraint.reduce(0) { $0 + $1.weight * base[$1.column] }
        sum += 0.5 * constraintWeight * value * value
      }
    }
    return sum
  }

  /// The gradient of the loss at the last point evaluated.
  func lossGradient() throws -> (gradient: [Double], diagonal: [Double]) {
    var gradient = [Double](repeating: 0, count: columns)
    var diagonal = gradient
    let (count, terms, codes, residual, curvature) = (rowCount, terms, codes, residual, curvature)
    try gradient.withUnsafeMutableBufferPointer { gradient in
      try diagonal.withUnsafeMutableBufferPointer { diagonal in
        guard let g = gradient.baseAddress, let d = diagonal.baseAddress else { return }
        // Terms have columns of their own.
        nonisolated(unsafe) let (g1, d1) = (g, d)
        try runner.run(terms.count + 1) { index, _, _ in
          if index == 0 {
            var (first, second) = (0.0, 0.0)
            for row in 0..<count {
              first += residual[row]
              second += curvature[row]
            }
            g1[0] = first
            d1[0] = second
          } else {
            let term = terms[index - 1]
            ck_term_sums(codes[index - 1], residual, curvature, 0, count, g1 + term.first, d1 + term.first)
          }
        }
      }
    }
    return (gradient, diagonal)
  }

  /// Computes the gradient of loss and penalties, and the Hessian of the loss, at the last point evaluated.
  func derivatives(at beta: [Double]) throws -> [Double] {
    var (gradient, diagonal) = try lossGradient()
    try crossProducts(diagonal)
    addPenaltyGradient(beta, to: &gradient)
    diagonal = []
    return gradient
  }

  private func addPenaltyGradient(_ beta: [Double], to gradient: inout [Double]) {
    for term in terms {
      for penalty in term.penalties {
        for (i, j, weight) in penalty.differences {
          let change = penalty.lambda * weight * (beta[term.first + i] - beta[term.first + j])
          gradient[term.first + i] += change
          gradient[term.first + j] -= change
        }
        for i in penalty.squares { gradient[term.first + i] += penalty.lambda * beta[term.first + i] }
      }
    }
    for constraint in constraints {
      let value = constraintWeight * constraint.reduce(0) { $0 + $1.weight * beta[$1.column] }
      for (column, weight) in constraint { gradient[column] += value * weight }
    }
  }

  private func crossProducts(_ diagonal: [Double]) throws {
    // Two terms at a time; the diagonal blocks are diagonal.
    var tasks: [(Int, Int)] = []
    for a in terms.indices { for b in 0..<a { tasks.append((a, b)) } }
    let (count, terms, codes, curvature, stride) = (rowCount, terms, codes, curvature, stride)
    let largest = tasks.map { (terms[$0.0].count + 1) * (terms[$0.1].count + 1) }.max() ?? 1
    let scratch = Workspace(count: runner.threads * largest)
    try hessian.withUnsafeMutableBufferPointer { hessian in
      guard let base = hessian.baseAddress else { return }
      base[0] = diagonal[0]
      for (index, value) in diagonal.enumerated() { base[index * stride] = value }
      for term in terms {
        for i in 0...term.count {
          let row = base + (term.first + i) * stride + term.first
          for j in 0..<i { row[j] = 0 }
          row[i] = diagonal[term.first + i]
        }
      }
      // Tasks write disjoint blocks, threads disjoint scratch memory.
      nonisolated(unsafe) let target = base
      let work = scratch.start
      try runner.run(tasks.count) { task, thread, _ in
        let (a, b) = tasks[task]
        let width = terms[b].count + 1
        let block = work + thread * largest
        block.update(repeating: 0, count: (terms[a].count + 1) * width)
        ck_term_cross(codes[a], codes[b], width, curvature, 0, count, block)
        for i in 0...terms[a].count {
          (target + (terms[a].first + i) * stride + terms[b].first).update(
            from: block + i * width, count: width)
        }
      }
      withExtendedLifetime(scratch) {}
    }
  }

  /// The factored sum of the Hessian and the penalties.
  func factored() throws -> Cholesky {
    var matrix = hessian
    for term in terms {
      for penalty in term.penalties {
        for (i, j, weight) in penalty.differences {
          let (low, high) = (term.first + min(i, j), term.first + max(i, j))
          matrix[low * stride + low] += penalty.lambda * weight
          matrix[high * stride + high] += penalty.lambda * weight
          matrix[high * stride + low] -= penalty.lambda * weight
        }
        for i in penalty.squares { matrix[(term.first + i) * stride + term.first + i] += penalty.lambda }
      }
    }
    for constraint in constraints {
      for (row, first) in constraint {
        let scaled = constraintWeight * first
        for (column, second) in constraint where column <= row {
          matrix[row * stride + column] += scaled * second
        }
      }
    }
    return try Cholesky(
      byBlocks: matrix, order: columns, stride: stride, skipped: skipped, tolerance: Newton.rounding,
      runner: runner)
  }
}
