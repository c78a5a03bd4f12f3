import Learning

/// The measured values that a gate compares, for one model version.
struct GateEvidence: Sendable, Equatable {
  /// The gate's KPI from the training's validation; `nil` if it is undefined.
  var validation: Double?
  /// The number of labelled predictions of the version; `nil` if the gate does not need it.
  var labels: Int?
  /// The gate's KPI measured on those predictions; `nil` if it is undefined or they are too few.
  var live: Double?
}

extension Gate {
  /// Refuses a model that does not reach the gate.
  ///
  /// An undefined KPI (a ratio with denominator 0) reaches no gate.
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
    value.map { metric.isAtLeastAsGood($0, as: minimum) } ?? false
  }

  /// Whether live KPIs on this many labelled predictions decide, instead of the validation's.
  func decides(labels: Int?) -> Bool {
    guard source == .live, let labels else { return false }
    return labels >= minLabels
  }
}
