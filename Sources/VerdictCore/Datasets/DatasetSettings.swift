package import Learning
package import PostgreSQL

/// The settings of a dataset that its owner may change, and their one definition: properties with their defaults, JSON members
/// with their bounds, and columns of the table `datasets`, which have the names of the members.
///
/// A new setting needs a property, a key, a line of ``members`` and of ``value(of:)``, a migration and the contract.
package struct DatasetSettings: Sendable, Equatable, Codable {
  /// When the dataset trains automatically.
  package var autoTrain = AutoTrain.off
  /// The rule below which its model may not predict; `nil` for none.
  package var gate: Gate?
  /// The default parameters of trainings.
  package var training = TrainingParameters()
  /// Which model predicts after a training.
  package var activation = Activation.newest
  /// The number of models to keep. Older ones are deleted, but never the active one.
  package var modelsKept = 50
  /// The days after which stored predictions are deleted; `nil` for never.
  package var predictionsKeptDays: Int?
  /// The columns of attributes in the owner's CSV files; `nil` for the usual names.
  package var columns: CaseColumnNames?
  /// The days before which no outcome of a prediction is expected; `nil` if one may come at once.
  package var outcomeAfterDays: Int?
  /// The smallest number of training rows behind a value of a term that is shown. Bins with fewer rows are shown merged.
  package var minBinRows = 5

  /// The defaults.
  package init() {}

  /// The names of the JSON members and of the columns, in the order of the JSON.
  package enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
    case autoTrain = "auto_train"
    case gate
    case training
    case activation
    case modelsKept = "models_kept"
    case predictionsKeptDays = "predictions_kept_days"
    case columns
    case outcomeAfterDays = "outcome_after_days"
    case minBinRows = "min_bin_rows"
  }

  /// The rules for the members of a client's JSON.
  private static let members: [JSONMember<DatasetSettings>] = [
    JSONMember(CodingKeys.autoTrain, \.autoTrain, .autoTrain),
    JSONMember(CodingKeys.gate, \.gate, .gate),
    JSONMember(CodingKeys.training, \.training, .trainingParameters),
    JSONMember(CodingKeys.activation, \.activation, .activation),
    JSONMember(CodingKeys.modelsKept, \.modelsKept, .integer(in: 1...1_000)),
    // Up to a hundred years.
    JSONMember(CodingKeys.predictionsKeptDays, \.predictionsKeptDays, .integer(in: 1...36_500)),
    JSONMember(CodingKeys.columns, \.columns, .caseColumnNames),
    JSONMember(CodingKeys.outcomeAfterDays, \.outcomeAfterDays, .integer(in: 1...36_500)),
    JSONMember(CodingKeys.minBinRows, \.minBinRows, .integer(in: 1...10_000)),
  ]

  /// The value of a setting as its JSON; `nil` for `null`.
  package func value(of key: CodingKeys) -> (any Encodable)? {
    switch key {
    case .autoTrain: autoTrain
    case .gate: gate
    case .training: training.shown
    case .activation: activation
    case .modelsKept: modelsKept
    case .predictionsKeptDays: predictionsKeptDays
    case .columns: columns
    case .outcomeAfterDays: outcomeAfterDays
    case .minBinRows: minBinRows
    }
  }
}

extension DatasetSettings {
  /// The names of all members.
  package static let names = Set(CodingKeys.allCases.map(\.rawValue))

  /// Merges the members of a client's JSON object (RFC 7396): a given member replaces the setting or is merged into it, `null`
  /// restores its default, and an absent one changes nothing. Errors are noted with their pointers.
  ///
  /// - Returns: the settings that the object names.
  package mutating func merge(_ object: JSONObjectReader) -> Set<CodingKeys> {
    for member in Self.members { member.apply(object, &self, DatasetSettings()) }
    return Set(CodingKeys.allCases.filter { object.has($0.rawValue) })
  }
}

// MARK: Storage

extension DatasetSettings {
  /// The columns, for an INSERT.
  static let columns = CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")

  /// The expressions that return the columns of ``row`` from a statement that has it in its FROM clause.
  static let rowColumns = CodingKeys.allCases.map { "s.\($0.rawValue)" }.joined(separator: ", ")

  /// The assignments of an UPDATE that has ``row`` in its FROM clause.
  static let assignments = CodingKeys.allCases.map { "\($0.rawValue) = s.\($0.rawValue)" }
    .joined(separator: ", ")

  /// The expression that returns the settings of a table `d` as one JSON object.
  static let object =
    "jsonb_build_object("
    + CodingKeys.allCases.map { "'\($0.rawValue)', d.\($0.rawValue)" }.joined(separator: ", ") + ")"

  /// An item of a FROM clause: the settings as a row `s` with the types of the table's columns.
  var row: Query {
    get throws { "jsonb_populate_record(NULL::datasets, \(try JSONB(self))) s" }
  }
}
