/// A model in a form that is optimised for predictions. Calls take whole batches, so that dynamic dispatch happens
/// once per batch. All methods give the same probabilities to the last bit.
public protocol Predictor: Sendable {
  /// The approximate size in memory in bytes, by which caches are bounded.
  var byteCount: Int { get }

  /// Predicts one row.
  ///
  /// - Throws: ``LearningError`` if a value is of the wrong type or not finite, or their number is wrong.
  func predict(_ row: FeatureValues) throws(LearningError) -> Prediction

  /// Predicts many rows.
  ///
  /// - Parameters:
  ///   - rows: the rows.
  ///   - slots: where in a row each feature of the model is: among the numbers or among the names, by the feature's type.
  /// - Throws: ``RowRefusal`` for a number beyond ±1e150.
  func predict(_ rows: PredictorRows, slots: [Int]) throws(RowRefusal) -> RowPredictions

  /// The probabilities of many rows that are given by column, in the feature order of the model; NaN and the code -1 are
  /// missing values, unseen categories add nothing.
  ///
  /// - Throws: ``LearningError`` for columns that do not fit.
  func probabilities(columns: [TrainingTable.Column]) throws(LearningError) -> [Double]

  /// Explains a row by the contribution of each feature to its log-odds.
  ///
  /// - Throws: as ``predict(_:)``.
  func explain(_ row: FeatureValues) throws(LearningError) -> Explanation
}

/// The explanation of a row's log-odds, which are the sum of the intercept and the contributions, those of pairs included, to within
/// rounding.
public struct Explanation: Sendable, Hashable {
  /// The log-odds without the contribution of any feature.
  public var intercept: Double
  /// In the feature order of the model.
  public var contributions: [Contribution]
  /// The contributions of pairs of features beside the features of their own, in the pair order of the model; empty of a model without pairs.
  public var pairs: [PairContribution]

  /// Makes an explanation; see the properties.
  public init(intercept: Double, contributions: [Contribution], pairs: [PairContribution] = []) {
    self.intercept = intercept
    self.contributions = contributions
    self.pairs = pairs
  }

  /// The explanation with the contribution of each pair added by halves to those of its features. The contributions must be in the
  /// feature order of the model.
  public var splittingPairs: Explanation {
    var split = Explanation(intercept: intercept, contributions: contributions)
    for pair in pairs {
      for index in [pair.first, pair.second] {
        split.contributions[index].contribution += pair.contribution / 2
        split.contributions[index].deviation += pair.contribution / 2
      }
    }
    return split
  }
}

/// The contribution of one feature to a row's log-odds.
public struct Contribution: Sendable, Hashable {
  /// The feature's name.
  public var feature: String
  /// The feature's value in the row.
  public var value: FeatureValue
  /// The log-odds that it adds.
  public var contribution: Double
  /// The contribution less the mean contribution over the training rows.
  public var deviation: Double

  /// Makes a contribution; see the properties.
  public init(feature: String, value: FeatureValue, contribution: Double, deviation: Double) {
    self.feature = feature
    self.value = value
    self.contribution = contribution
    self.deviation = deviation
  }
}

/// The contribution of two features together to a row's log-odds. The mean over the training rows is 0.
public struct PairContribution: Sendable, Hashable {
  /// The index of the first feature in the model.
  public var first: Int
  /// The index of the second feature in the model.
  public var second: Int
  /// The names of both features.
  public var features: [String]
  /// The log-odds that they add together.
  public var contribution: Double

  /// Makes a contribution; see the properties.
  public init(first: Int, second: Int, features: [String], contribution: Double) {
    self.first = first
    self.second = second
    self.features = features
    self.contribution = contribution
  }
}
