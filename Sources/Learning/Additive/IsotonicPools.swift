/// The pools of an isotonic regression by the pool-adjacent-violators algorithm (Barlow, Bartholomew, Bremner and Brunk 1972, Statistical
/// Inference under Order Restrictions).
struct IsotonicPools {
  /// The index of the first value of each pool, ascending.
  private(set) var starts: [Int] = []

  /// Pools values so that the weighted means of the pools never fall.
  init(values: [Double], weights: [Double]) {
    var means: [Double] = []
    var masses: [Double] = []
    for index in values.indices {
      starts.append(index)
      means.append(values[index])
      masses.append(weights[index])
      while means.count > 1, means[means.count - 1] < means[means.count - 2] {
        let (mean, mass) = (means.removeLast(), masses.removeLast())
        starts.removeLast()
        let last = means.count - 1
        means[last] = (means[last] * masses[last] + mean * mass) / (masses[last] + mass)
        masses[last] += mass
      }
    }
  }
}
