import Learning

/// What a gate has to go by, for one model version.
struct GateEvidence: Sendable, Equatable {
  /// The gate's KPI as the training measured it; `nil` where it is undefined.
  var validation: Double?
  /// How many predictions of the version were labelled afterwards; `nil` where the gate does not ask.
  var labels: Int?
  /// The gate's KPI measured on those; `nil` where it is undefined, or there are too few.
  var live: Double?
}

extension Gate {
  /// The KPIs for which less is better.
  package static let lowerIsBetter: Set<String> = ["log_loss", "brier_score"]

  /// Refuses a model that does not reach the gate.
  ///
  /// A KPI that is undefined (a ratio with denominator 0) does not reach any gate. For errors, where less is better
  /// (`log_loss`, `brier_score`), the bound is the largest value that still passes.
  ///
  /// - Throws: ``DomainError/belowGate(metric:value:minimum:modelVersion:labels:)``.
  func check(_ evidence: GateEvidence, modelVersion: Int) throws {
    let decisive = decides(labels: evidence.labels)
    let value = decisive ? evidence.live : evidence.validation
    if admits(value) { return }
    throw DomainError.belowGate(
      metric: metric, value: value, minimum: minimum, modelVersion: modelVersion,
      labels: decisive ? evidence.labels : nil)
  }

  /// Whether a value of the metric reaches the gate.
  func admits(_ value: Double?) -> Bool {
    guard let value else { return false }
    return Self.lowerIsBetter.contains(metric) ? value <= minimum : value >= minimum
  }

  /// Whether live KPIs on this many labelled predictions decide rather than the validation's.
  func decides(labels: Int?) -> Bool {
    guard source == .live, let labels else { return false }
    return labels >= minLabels
  }
}
