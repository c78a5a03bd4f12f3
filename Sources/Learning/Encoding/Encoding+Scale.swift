extension Encoding {
  /// Coefficients on the scale of the features' own values from those of the standardised columns.
  func original(_ beta: [Double], layout: DesignLayout) -> [Double] {
    var result = beta
    for case .numeric(let index, let column, _) in layout.slots {
      let moments = numeric[index]
      result[column] = moments.isConstant ? 0 : beta[column] / moments.standardDeviation
      result[0] -= result[column] * moments.mean
    }
    return result
  }

  /// The other way round; good enough to start a fit from.
  func standardized(_ original: [Double], layout: DesignLayout) -> [Double] {
    var result = original
    for case .numeric(let index, let column, _) in layout.slots {
      let moments = numeric[index]
      result[column] = moments.isConstant ? 0 : original[column] * moments.standardDeviation
      result[0] += moments.isConstant ? 0 : original[column] * moments.mean
    }
    return result
  }
}
