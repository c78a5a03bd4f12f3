package import Learning

/// The measured value of a KPI that a gate compares.
package struct GateMeasurement: Sendable, Equatable {
  /// The estimate; `nil` if it is undefined.
  package var value: Double?
  /// Its 95 % interval; `nil` if it has none.
  package var interval: Interval?
  /// Why it is undefined, if there is more to say than that a denominator is 0.
  package var reason: String?

  /// The KPI of measured rows.
  init(_ metric: Metric, of kpis: KPIs) {
    value = kpis[metric]
    interval = kpis.intervals[metric]
  }
}

/// The measured values that a gate compares, for one model version.
struct GateEvidence: Sendable, Equatable {
  /// The gate's KPI from the training's validation.
  var validation: GateMeasurement
  /// The number of labelled predictions of the version; `nil` if the gate does not need it.
  var labels: Int?
  /// The gate's KPI measured on those predictions; `nil` if they are too few.
  var live: GateMeasurement?
}

/// A comparison that a model failed.
package struct GateRefusal: Sendable, Equatable {
  /// The gate.
  package var gate: Gate
  /// The compared KPI.
  package var measured: GateMeasurement
  /// The active model.
  package var modelVersion: Int
  /// The number of labelled predictions that a live KPI was measured on; `nil` for a KPI of the validation.
  package var labels: Int?

  /// Why there is nothing to compare; `nil` where a value is too low.
  package var reason: String? {
    if measured.value == nil { return measured.reason ?? "the measured rows leave it undefined" }
    guard gate.comparesInterval, measured.interval == nil else { return nil }
    return "the measured rows are too few, or too much alike, for an interval"
  }
}

extension Gate {
  /// Refuses a model that does not reach the gate.
  ///
  /// An undefined KPI (a ratio with denominator 0) reaches no gate, and a KPI without an interval none that compares the interval.
  ///
  /// - Throws: ``DomainError/belowGate(_:)``.
  func check(_ evidence: GateEvidence, modelVersion: Int) throws {
    let isDecisive = decides(labels: evidence.labels)
    let measured = (isDecisive ? evidence.live : nil) ?? evidence.validation
    if admits(measured) { return }
    throw DomainError.belowGate(
      GateRefusal(
        gate: self, measured: measured, modelVersion: modelVersion,
        labels: isDecisive ? evidence.labels : nil))
  }

  /// Whether a measured KPI reaches the gate.
  func admits(_ measured: GateMeasurement) -> Bool {
    compared(measured).map { metric.isAtLeastAsGood($0, as: minimum) } ?? false
  }

  /// Whether the end of an interval is compared. Counts are known exactly, and compared as they are.
  package var comparesInterval: Bool { bound == .lower && !metric.isExact }

  /// The number that is compared with the minimum.
  private func compared(_ measured: GateMeasurement) -> Double? {
    guard comparesInterval else { return measured.value }
    guard measured.value != nil, let interval = measured.interval else { return nil }
    return metric.isLowerBetter ? interval.high : interval.low
  }

  /// Whether live KPIs on this many labelled predictions decide, instead of the validation's.
  func decides(labels: Int?) -> Bool {
    guard source == .live, let labels else { return false }
    return labels >= minLabels
  }
}
