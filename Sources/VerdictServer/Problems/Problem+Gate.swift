import Learning
import VerdictCore

extension Problem {
  /// The refusal of a gate: the value, the interval, the bound that is compared, and the reason.
  init(_ refusal: GateRefusal) {
    let (metric, measured) = (refusal.gate.metric, refusal.measured)
    let location = refusal.labels.map { " on \($0) labelled predictions" } ?? ""
    let value = measured.value.map { "\($0)" } ?? "undefined"
    let comparison = metric.isLowerBetter ? "at most" : "at least"
    var detail = "Model \(refusal.modelVersion) has \(metric.rawValue) \(value)\(location)"
    if refusal.gate.comparesInterval, let interval = measured.interval {
      detail += ", with the 95 % interval \(interval.low) to \(interval.high)"
    }
    if let reason = refusal.reason { detail += ", because \(reason)" }
    detail += "; the dataset's gate asks for "
    if refusal.gate.comparesInterval {
      detail += metric.isLowerBetter ? "an upper end of " : "a lower end of "
    }
    self.init(.modelBelowGate, detail + "\(comparison) \(refusal.gate.minimum).")
    extensions = [
      .string("metric", metric.rawValue), .number("value", measured.value),
      .interval("interval", measured.interval), .string("bound", refusal.gate.bound.rawValue),
      .number("minimum", refusal.gate.minimum), .integer("model_version", refusal.modelVersion),
      .string("source", (refusal.labels == nil ? Gate.Source.validation : .live).rawValue),
    ]
    if let labels = refusal.labels { extensions.append(.integer("labels", labels)) }
    if let reason = refusal.reason { extensions.append(.string("reason", reason)) }
  }
}
