import CKernels
import Foundation

/// Standard errors of a fit: square roots of the diagonal of (XᵀWX + L2)⁻¹. Without a penalty this is the inverse
/// Fisher information; with an l2 penalty the Laplace approximation of the posterior whose prior the penalty is.
struct Inference {
  /// For each design column on the standardised scale; nil for columns left out.
  var standardErrors: [Double?]
  /// Of the intercept on the features' own scale.
  var interceptStandardError: Double?

  /// `factor` is the penalised second derivative at the optimum.
  init(_ factor: Cholesky, encoding: Encoding, layout: DesignLayout, runner: BlockRunner) throws {
    standardErrors = [Double?](repeating: nil, count: factor.order)
    for column in 0..<factor.order where factor.skip[column] == 0 {
      if column % 32 == 0 { try runner.checkCancelled() }
      var unit = [Double](repeating: 0, count: factor.order)
      unit[column] = 1
      standardErrors[column] = Self.length(factor, &unit, from: column)
    }
    // The intercept on the original scale is β₀ − Σ βⱼ·meanⱼ/scaleⱼ, a linear function of the coefficients.
    var contrast = [Double](repeating: 0, count: factor.order)
    contrast[0] = 1
    for case .numeric(let index, let column, _) in layout.slots {
      let moments = encoding.numeric[index]
      contrast[column] =
        moments.isConstant || factor.skip[column] != 0 ? 0 : -moments.mean / moments.standardDeviation
    }
    interceptStandardError = Self.length(factor, &contrast, from: 0)
  }

  /// Multiplies the standard errors. The weights of rows say how much each counts, not how often it was seen: scaled so that
  /// they add up to the effective number of rows, with the penalty scaled alike, they have the same optimum and these standard
  /// errors.
  mutating func scale(by factor: Double) {
    standardErrors = standardErrors.map { $0.map { $0 * factor } }
    interceptStandardError = interceptStandardError.map { $0 * factor }
  }

  /// √(vᵀ(L·Lᵀ)⁻¹v) = |L⁻¹v|.
  private static func length(_ factor: Cholesky, _ vector: inout [Double], from begin: Int) -> Double? {
    ck_forward_solve(factor.factor, factor.order, factor.stride, factor.skip, begin, &vector)
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length.isFinite && length > 0 ? length : nil
  }
}

extension ModelFeature.Coefficient {
  /// A fitted coefficient: `scale` takes it from the standardised to the original scale.
  init(standardized: Double, scale: Double, status: ModelFeature.Status, standardError: Double?) {
    value = standardized / scale
    self.standardized = standardized
    self.status = status
    guard status == .estimated else { return }
    let ratio = value.exponential
    oddsRatio = ratio.isFinite ? ratio : nil
    guard let standardError, standardError / scale > 0, (standardError / scale).isFinite else { return }
    self.standardError = standardError / scale
    let z = standardized / standardError
    self.z = z
    pValue = erfc(abs(z) / 2.0.squareRoot())
  }
}
