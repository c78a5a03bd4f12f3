/// A fitted model of any family, with everything needed to predict, to explain and to take it elsewhere.
///
/// Stores, jobs and routes know models by this protocol alone. A new family is a type that conforms to it and a line in
/// ``ModelFamilies/standard``. Its Codable form is stored: members are added and never change their meaning, and doubles
/// read back exactly.
public protocol BinaryClassifier: Sendable, Codable {
  /// The name under which models of this family are stored.
  static var family: String { get }

  /// Fits a model to all rows of a table and measures it on rows held out from fits of the same kind.
  ///
  /// Blocks the calling thread. `isCancelled` is asked every few milliseconds, from any thread.
  ///
  /// - Parameters:
  ///   - table: the rows with their outcomes.
  ///   - parameters: the penalty, the validation and the rest of what the caller may choose.
  ///   - warmStart: a model to start from, of any family; it only shortens the way to the same result.
  ///   - threads: how many threads may work; by default as many as there are processors.
  ///   - progress: called now and then with how far the training is.
  ///   - isCancelled: returns true when the training is to end.
  /// - Throws: ``LearningError``; `CancellationError` once `isCancelled` returns true.
  static func train(
    _ table: TrainingTable, parameters: TrainingParameters, warmStart: (any BinaryClassifier)?, threads: Int?,
    progress: (@Sendable (TrainingProgress) -> Void)?, isCancelled: @escaping @Sendable () -> Bool
  ) throws -> TrainingResult<Self>

  /// Predicts the measured rows of a split, each by a fit that did not see it, as the measurement of a training does.
  ///
  /// Blocks the calling thread, and takes as much memory as a training.
  ///
  /// - Parameters:
  ///   - table: the rows with their outcomes.
  ///   - parameters: how to fit and to decide. Their validation is not used.
  ///   - split: the rows to fit and to measure, of the same table.
  ///   - warmStart: a model to start from, of any family; it only shortens the way to the same result.
  ///   - threads: how many threads may work; by default as many as there are processors.
  ///   - progress: called now and then with how far the work is.
  ///   - isCancelled: returns true when the work is to end.
  /// - Returns: the predictions of ``ValidationSplit/measuredRows``.
  /// - Throws: ``LearningError``; `CancellationError` once `isCancelled` returns true.
  static func heldOut(
    _ table: TrainingTable, parameters: TrainingParameters, split: ValidationSplit,
    warmStart: (any BinaryClassifier)?, threads: Int?, progress: (@Sendable (TrainingProgress) -> Void)?,
    isCancelled: @escaping @Sendable () -> Bool
  ) throws -> HeldOutPredictions

  /// The features in the order in which rows give their values.
  var featureNames: [String] { get }
  /// Probability from which on the decision is 1.
  var threshold: Double { get }
  /// Whether the fit came within its tolerance of the optimum.
  var converged: Bool { get }

  /// Returns the model with other names for its categories. A new name that another category of the feature has changes
  /// nothing, since two categories are not merged.
  ///
  /// - Parameter name: returns the new name of a category of a feature.
  func renamingCategories(_ name: (_ feature: String, _ category: String) -> String) -> Self

  /// Returns the model in a form that is optimised for predictions. Create it once and keep it.
  func makePredictor() -> any Predictor
  /// Returns the parts of the model that the API shows beside threshold and convergence, in their order.
  func describe() -> [ModelDescription.Member]
  /// Returns the terms of the log-odds as they are drawn: first those of the features, in their order, then those of pairs.
  ///
  /// - Parameter minimumRows: the smallest number of training rows behind each value that is shown. Bins with fewer rows are merged
  ///   with others, so that a value says nothing about a single row.
  func terms(minimumRows: Int) -> [ModelTerm]

  /// The model as JSON: everything needed to predict elsewhere, keys sorted, doubles exact.
  func exportJSON() throws -> String
  /// The model in PMML 4.4 (Data Mining Group), with the outputs `probability` and `label`.
  ///
  /// - Throws: ``ExportRefusal`` for names that the format cannot express.
  func exportPMML() throws(ExportRefusal) -> String
  /// A SELECT for PostgreSQL that adds `probability` and `label` to the rows of a table whose columns are named like the
  /// features. `schema.table` is two names.
  ///
  /// - Throws: ``ExportRefusal`` for names that the format cannot express.
  func exportSQL(table: String) throws(ExportRefusal) -> String
}

extension BinaryClassifier {
  /// No terms: a family is readable by its own implementation.
  public func terms(minimumRows: Int) -> [ModelTerm] { [] }
}

/// The result of a training.
public struct TrainingResult<Model: Sendable>: Sendable {
  /// Fitted on all rows.
  public var model: Model
  /// Measured on held-out rows.
  public var kpis: KPIs
  /// Drawn on the same rows.
  public var curves: Curves
  /// Findings for the model's owner.
  public var warnings: [TrainingWarning]

  /// Makes a result; see the properties.
  public init(model: Model, kpis: KPIs, curves: Curves, warnings: [TrainingWarning]) {
    self.model = model
    self.kpis = kpis
    self.curves = curves
    self.warnings = warnings
  }
}

/// A part of what a model shows of itself, in a form that every format can write.
public indirect enum ModelDescription: Sendable, Hashable {
  /// A named part.
  public struct Member: Sendable, Hashable {
    /// The name, in snake_case.
    public var name: String
    /// The part.
    public var value: ModelDescription

    /// Makes a member; see the properties.
    public init(_ name: String, _ value: ModelDescription) {
      self.name = name
      self.value = value
    }
  }

  /// A number; nil where it is undefined.
  case number(Double?)
  /// A count.
  case count(Int)
  /// A text; nil where there is none.
  case text(String?)
  /// Parts in order; nil where they do not apply.
  case list([ModelDescription]?)
  /// Named parts in order.
  case members([Member])
}
