/// The families of models that can be trained and read, by the name under which their models are stored.
public struct ModelFamilies: Sendable {
  /// The families of this version.
  public static let standard = ModelFamilies([LogisticModel.self, AdditiveModel.self])

  /// Tells a decoder of ``StoredModel`` which families there are; without it, it is ``standard``.
  public static let userInfoKey = CodingUserInfoKey(rawValue: "Learning.ModelFamilies")

  private let types: [String: any BinaryClassifier.Type]

  /// Families with different names.
  public init(_ types: [any BinaryClassifier.Type]) {
    self.types = Dictionary(types.map { ($0.family, $0) }) { first, _ in first }
  }

  /// The names, sorted.
  public var names: [String] { types.keys.sorted() }

  /// The family of that name.
  ///
  /// - Throws: ``UnknownStoredName``.
  public func type(named name: String) throws(UnknownStoredName) -> any BinaryClassifier.Type {
    guard let type = types[name] else { throw UnknownStoredName(kind: "model family", name: name) }
    return type
  }

  /// Trains a model of the family that the parameters ask for; see ``BinaryClassifier``.
  public func train(
    _ table: TrainingTable, parameters: TrainingParameters, warmStart: (any BinaryClassifier)? = nil,
    threads: Int? = nil, progress: (@Sendable (TrainingProgress) -> Void)? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> TrainingResult<any BinaryClassifier> {
    if parameters.family == .auto {
      try parameters.validate()
      let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
      let plan = try ValidationPlan(table, parameters, runner)
      return try AutoTrainer.with(table, parameters, plan, runner, progress) { try $0.run() }
    }
    func result<Model: BinaryClassifier>(_ type: Model.Type) throws -> TrainingResult<any BinaryClassifier> {
      let result = try type.train(
        table, parameters: parameters, warmStart: warmStart, threads: threads, progress: progress,
        isCancelled: isCancelled)
      return TrainingResult(
        model: result.model, kpis: result.kpis, curves: result.curves, warnings: result.warnings)
    }
    return try result(try type(named: parameters.family.rawValue))
  }

  /// Fits a model of the family that the parameters ask for to all rows of a table, without measuring it, as
  /// ``train(_:parameters:warmStart:threads:progress:isCancelled:)`` does last.
  public func fit(
    _ table: TrainingTable, parameters: TrainingParameters, threads: Int? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> any BinaryClassifier {
    switch parameters.family {
    case .linear:
      return try Learning.fit(table, parameters: parameters, threads: threads, isCancelled: isCancelled)
    case .additive:
      return try AdditiveModel.fit(table, parameters: parameters, threads: threads, isCancelled: isCancelled)
    case .auto:
      try parameters.validate()
      let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
      let plan = try ValidationPlan(unmeasured: table.outcomes)
      return try AutoTrainer.with(table, parameters, plan, runner, nil) { try $0.final(threshold: nil).0 }
    }
  }
}

/// A model in its stored form: its own members and `family` beside them.
public struct StoredModel: Sendable, Codable {
  /// The model.
  public var model: any BinaryClassifier

  /// Wraps a model to be stored.
  public init(_ model: any BinaryClassifier) { self.model = model }

  private enum CodingKeys: String, CodingKey { case family }

  /// Decodes a model of any family; one that was stored before there were families is linear.
  ///
  /// - Throws: ``UnknownStoredName`` for a family that this version does not have; `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    let name = try members.decodeIfPresent(String.self, forKey: .family) ?? LogisticModel.family
    let families = ModelFamilies.userInfoKey.flatMap { decoder.userInfo[$0] as? ModelFamilies }
    model = try (families ?? .standard).type(named: name).init(from: decoder)
  }

  /// Encodes the model's members and `family`.
  public func encode(to encoder: any Encoder) throws {
    try model.encode(to: encoder)
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(type(of: model).family, forKey: .family)
  }
}
