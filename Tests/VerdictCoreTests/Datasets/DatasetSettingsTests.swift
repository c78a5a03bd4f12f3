import DomainTestSupport
import Learning
import PostgreSQL
import RowFormats
import Testing

@testable import VerdictCore

/// Tests of the definition of settings: JSON, defaults, bounds and columns.
@Suite struct DatasetSettingsTests {
  /// Settings without any default value.
  private static let json = #"""
    {"auto_train":{"enabled":true,"min_new_labels":7,"max_delay_seconds":60},
     "gate":{"metric":"roc_auc","minimum":0.1,"source":"live","min_labels":5,"bound":"estimate"},
     "training":{"C":0.3,"seed":9007199254740991,"family":"auto","edges":{"x":[3e-7,0.1]}},"activation":{"policy":"best","metric":"mcc","margin":0.1},
     "models_kept":3,"predictions_kept_days":30,"columns":{"group":"customer","split":"set"},
     "outcome_after_days":14,"min_bin_rows":20}
    """#

  private func merge(_ json: String, into settings: inout DatasetSettings) throws -> [InputProblem] {
    let errors = ValidationErrors()
    let object = JSONObjectReader(
      try JSONValue.parse(Array(json.utf8)), known: DatasetSettings.names, errors: errors)
    _ = settings.merge(object)
    return errors.problems
  }

  @Test func `a patch names and merges settings`() throws {
    var settings = DatasetSettings()
    #expect(try merge(Self.json, into: &settings).isEmpty)
    let full = settings
    for key in DatasetSettings.CodingKeys.allCases {
      // An absent member changes nothing, and null restores the default.
      var changed = full
      #expect(try merge("{\"\(key.rawValue)\":null}", into: &changed).isEmpty)
      #expect(changed != full, "\(key)")
      for other in DatasetSettings.CodingKeys.allCases where other != key {
        #expect(
          String(describing: changed.value(of: other)) == String(describing: full.value(of: other)),
          "\(other)")
      }
    }
    #expect(try merge(#"{"gate":{"minimum":0.5}}"#, into: &settings).isEmpty)
    #expect(settings.gate?.minimum == 0.5 && settings.gate?.minLabels == 5 && settings.gate?.source == .live)
    #expect(settings.gate?.bound == .estimate)
    #expect(try merge(#"{"gate":{"bound":null}}"#, into: &settings).isEmpty)
    #expect(settings.gate?.bound == .lower)
    for key in DatasetSettings.CodingKeys.allCases {
      _ = try merge("{\"\(key.rawValue)\":null}", into: &settings)
    }
    #expect(settings == DatasetSettings())
  }

  @Test(arguments: [
    (#"{"models_kept":0}"#, "/models_kept"), (#"{"predictions_kept_days":36501}"#, "/predictions_kept_days"),
    (#"{"outcome_after_days":0}"#, "/outcome_after_days"),
    (#"{"min_bin_rows":0}"#, "/min_bin_rows"), (#"{"min_bin_rows":10001}"#, "/min_bin_rows"),
    (#"{"gate":{"metric":"roc_auc","minimum":0.5,"bound":"upper"}}"#, "/gate/bound"),
    (#"{"gate":{"minimum":1}}"#, "/gate/metric"),
    (#"{"gate":{"metric":"roc_auc","minimum":85}}"#, "/gate/minimum"),
    (#"{"gate":{"metric":"mcc","minimum":-1.1}}"#, "/gate/minimum"),
    (#"{"auto_train":{"enabled":1}}"#, "/auto_train/enabled"),
    (#"{"activation":{"metric":"mcc"}}"#, "/activation/metric"), (#"{"training":{"D":1}}"#, "/training/D"),
    (#"{"columns":{"label":"x"}}"#, "/columns/label"), (#"{"columns":{"group":""}}"#, "/columns/group"),
    (#"{"columns":{"group":"x","reference":"x"}}"#, "/columns/group"),
    (#"{"activation":{"policy":"manual","margin":0.1}}"#, "/activation/margin"),
    (#"{"activation":{"policy":"best","margin":-0.1}}"#, "/activation/margin"),
    (#"{"activation":{"policy":"best","metric":"roc_auc","margin":1.1}}"#, "/activation/margin"),
    (#"{"other":1}"#, "/other"),
  ])
  func `errors point to their member`(_ json: String, _ pointer: String) throws {
    var settings = DatasetSettings()
    #expect(try merge(json, into: &settings).map(\.pointer) == [pointer])
  }

  @Test func `a margin ends with its metric`() throws {
    var settings = DatasetSettings()
    #expect(try merge(#"{"activation":{"policy":"best","margin":0.05}}"#, into: &settings).isEmpty)
    #expect(settings.activation == Activation(policy: .best, metric: .rocAUC, margin: 0.05))
    #expect(try merge(#"{"activation":{"metric":"roc_auc"}}"#, into: &settings).isEmpty)
    #expect(settings.activation.margin == 0.05)
    #expect(try merge(#"{"activation":{"metric":"log_loss"}}"#, into: &settings).isEmpty)
    #expect(settings.activation == Activation(policy: .best, metric: .logLoss))
    #expect(try merge(#"{"activation":{"margin":7.5}}"#, into: &settings).isEmpty)
    #expect(settings.activation.margin == 7.5, "a log loss has no upper bound")
    #expect(try merge(#"{"activation":{"policy":"manual"}}"#, into: &settings).isEmpty)
    #expect(settings.activation == Activation(policy: .manual, metric: nil))
  }

  @Test func `each setting is stored in a column of its name`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      var full = DatasetSettings()
      _ = try merge(Self.json, into: &full)
      let settings = full
      #expect(try await domain.dataset(tenant).settings == DatasetSettings())
      #expect(try await domain.dataset(tenant, "full") { $0.settings = settings }.settings == settings)
      let changed = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.settings = settings
        return change
      }
      #expect(changed.dataset.settings == settings)
      let back = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.settings = DatasetSettings()
        return change
      }
      #expect(back.dataset.settings == DatasetSettings())
      let gates = try await domain.asOwner {
        try await $0.query("SELECT name FROM datasets WHERE gate IS NULL").map { try $0.decode(String.self) }
      }
      #expect(gates == ["d"])
    }
  }
}
