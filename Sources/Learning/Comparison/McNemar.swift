import Foundation

/// The difference of two shares of right decisions on the same rows.
enum McNemar {
  /// The number of discordant rows from which on the normal distribution replaces the binomial one.
  static let fewDiscordant = 25

  /// The difference with its interval and p-value.
  ///
  /// Only rows that one model decides rightly and the other wrongly tell anything about the difference (McNemar 1947). The test is
  /// the exact binomial one for fewer than ``fewDiscordant`` of them. The interval is that of Agresti and Min (2005), which adds
  /// half a row to each cell of the table and keeps its coverage for few rows. Where rows have weights or clusters, the variance is
  /// that of the weighted mean with sums by cluster (Obuchowski 1998).
  ///
  /// - Parameter values: the shares of both models.
  static func difference(_ rows: PairedRows, values: PairedDifference?) -> PairedDifference {
    var result = PairedDifference(values?.champion, values?.challenger, .mcnemar)
    guard let difference = result.difference else { return result }
    // 1 where only the challenger is right, −1 where only the champion is.
    let gains = (0..<rows.count).map { row in
      let outcome = rows.outcomes[row]
      return (rows.challenger.decisions[row] == outcome ? 1 : 0)
        - (rows.champion.decisions[row] == outcome ? 1 : 0)
    }
    let (better, worse) = (gains.count { $0 > 0 }, gains.count { $0 < 0 })
    guard better + worse > 0 else {
      // There is nothing to test.
      result.pValue = 1
      return result
    }
    if rows.weights != nil || rows.clusters != nil {
      let whole = (0..<rows.count).reduce(0) { $0 + rows.weight($1) }
      let influences = gains.indices.map { rows.weight($0) / whole * (Double(gains[$0]) - difference) }
      result.setNormal(variance: rows.variance(influences), width: 1)
      return result
    }
    result.interval = interval(better: better, worse: worse, of: rows.count)
    result.pValue = pValue(better: better, worse: worse)
    return result
  }

  /// The interval of (better − worse) / rows by Agresti and Min (2005).
  static func interval(better: Int, worse: Int, of rows: Int) -> Interval {
    let n = Double(rows) + 2
    let (b, c) = (Double(better) + 0.5, Double(worse) + 0.5)
    let centre = (b - c) / n
    let half = Interval.quantile * (b + c - (b - c) * (b - c) / n).squareRoot() / n
    return Interval(low: max(-1, centre - half), high: min(1, centre + half))
  }

  /// The two-sided p-value.
  static func pValue(better: Int, worse: Int) -> Double {
    let discordant = better + worse
    guard discordant >= fewDiscordant else {
      // Σ of the binomial probabilities with ½ up to the smaller count.
      var (term, sum) = (1.0, 0.0)
      for k in 0...min(better, worse) {
        if k > 0 { term *= Double(discordant - k + 1) / Double(k) }
        sum += term
      }
      return min(1, 2 * sum / pow(2, Double(discordant)))
    }
    return PairedDifference.twoSided(Double(better - worse) / Double(discordant).squareRoot())
  }
}
