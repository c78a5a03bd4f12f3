/// KPIs of probabilities over a ``DecisionSample``, with the variances of their estimates.
///
/// A row counts as much as its decision has predictions for each labelled one. The variance of each KPI comes from its influence
/// function: the change that a little more of a row makes to the KPI. It has two parts (the law of total variance): the rows
/// within each decision, of which only the labelled ones are known, and the share of the decisions, which all predictions tell.
struct WeightedRanking {
  private let ranking: ScoreRanking
  private let sample: DecisionSample
  private let threshold: Double
  /// The weights of a row by its decision; all rows together weigh 1.
  private let weights: (zeros: Double, ones: Double)
  private let positives: Double
  private let negatives: Double

  /// A KPI with the variance of its estimate; nil with a single row of a decision.
  struct Estimate {
    var value: Double
    var variance: Double?
  }

  /// The rows of `ranking`; those from `threshold` on are decided 1, and `sample` has their matrix.
  init(_ ranking: ScoreRanking, _ sample: DecisionSample, threshold: Double) {
    self.ranking = ranking
    self.sample = sample
    self.threshold = threshold
    func weight(_ decision: Bool) -> Double {
      sample.labelled[decision] > 0 ? sample.share(decision) / Double(sample.labelled[decision]) : 0
    }
    weights = (weight(false), weight(true))
    let matrix = sample.matrix
    positives = weights.ones * Double(matrix.truePositive) + weights.zeros * Double(matrix.falseNegative)
    negatives = weights.ones * Double(matrix.falsePositive) + weights.zeros * Double(matrix.trueNegative)
  }

  private func weight(_ group: ScoreRanking.Group) -> Double {
    group.score >= threshold ? weights.ones : weights.zeros
  }

  /// The mean of a loss, which is a function of the probability and the outcome.
  func mean(of loss: (_ score: Double, _ outcome: Double) -> Double) -> Estimate? {
    guard sample.labelled.total > 0 else { return nil }
    var value = 0.0
    for group in ranking.ascending {
      let weight = weight(group)
      value += weight * Double(group.positiveRows) * loss(group.score, 1)
      value += weight * Double(group.negativeRows) * loss(group.score, 0)
    }
    var moments = Moments()
    for group in ranking.ascending {
      let decision = group.score >= threshold
      moments.add(loss(group.score, 1) - value, times: group.positiveRows, decision)
      moments.add(loss(group.score, 0) - value, times: group.negativeRows, decision)
    }
    return Estimate(value: value, variance: moments.variance(sample))
  }

  /// The area under the ROC curve. With equal weights the variance is DeLong's but for the terms of the order 1/n².
  var rocAUC: Estimate? {
    guard positives > 0, negatives > 0 else { return nil }
    var (below, sum) = (0.0, 0.0)
    for group in ranking.ascending {
      let (p, n) = masses(group)
      sum += p * (below + n / 2)
      below += n
    }
    let area = sum / (positives * negatives)
    var moments = Moments()
    var above = positives
    below = 0
    for group in ranking.ascending {
      let (p, n) = masses(group)
      above -= p
      let decision = group.score >= threshold
      moments.add(
        ((below + n / 2) / negatives - area) / positives, times: group.positiveRows, decision)
      moments.add(
        ((above + p / 2) / positives - area) / negatives, times: group.negativeRows, decision)
      below += n
    }
    return Estimate(value: area, variance: moments.variance(sample))
  }

  /// Average precision: the mean over the positives of the precision among all rows that are scored at least as high.
  ///
  /// A row influences it by its own precision if it is positive, and by the precision of every positive that it is not below.
  var averagePrecision: Estimate? {
    guard positives > 0 else { return nil }
    var (found, taken, sum) = (0.0, 0.0, 0.0)
    for group in ranking.descending {
      let (p, n) = masses(group)
      found += p
      taken += p + n
      if p > 0 { sum += p * found / taken }
    }
    let area = sum / positives
    // Ascending: the sums over the positives that are scored at most as high.
    var moments = Moments()
    var (gain, loss) = (0.0, 0.0)
    (found, taken) = (positives, positives + negatives)
    for group in ranking.ascending {
      let (p, n) = masses(group)
      if p > 0, taken > 0 {
        gain += p / taken
        loss += p * found / (taken * taken)
      }
      let decision = group.score >= threshold
      let precision = taken > 0 ? found / taken : 0
      moments.add((precision - area + gain - loss) / positives, times: group.positiveRows, decision)
      moments.add(-loss / positives, times: group.negativeRows, decision)
      found -= p
      taken -= p + n
    }
    return Estimate(value: area, variance: moments.variance(sample))
  }

  private func masses(_ group: ScoreRanking.Group) -> (positives: Double, negatives: Double) {
    let weight = weight(group)
    return (weight * Double(group.positiveRows), weight * Double(group.negativeRows))
  }

  /// Sums of influences by decision.
  private struct Moments {
    private var sums = [0.0, 0.0]
    private var squares = [0.0, 0.0]

    mutating func add(_ influence: Double, times count: Int, _ decision: Bool) {
      let (stratum, rows) = (decision ? 1 : 0, Double(count))
      sums[stratum] += rows * influence
      squares[stratum] += rows * influence * influence
    }

    func variance(_ sample: DecisionSample) -> Double? {
      var variance = 0.0
      for (stratum, decision) in [false, true].enumerated() where sample.total[decision] > 0 {
        let (count, share) = (Double(sample.labelled[decision]), sample.share(decision))
        guard count > 1 else { return nil }
        let mean = sums[stratum] / count
        let within = max(0, squares[stratum] - count * mean * mean) / (count - 1)
        variance += share * share * within / count + share * mean * mean / Double(sample.total.total)
      }
      return variance
    }
  }
}
