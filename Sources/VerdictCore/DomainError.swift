package import Foundation
package import Learning
package import RowFormats

/// An error of the domain with a text for users of the API. The server maps each case to a problem type.
package enum DomainError: Error, Sendable, Equatable {
  /// The addressed resource is absent or belongs to another tenant; `what` names it ("dataset adult").
  case notFound(what: String)
  /// A dataset, tenant or key with this name exists.
  case nameTaken(what: String)
  /// A deleted dataset still has this name, because requests that began before its deletion are writing its rows.
  case stillDeleted(dataset: String)
  /// The dataset has no active model yet.
  case noModel(dataset: String)
  /// The active model does not reach the dataset's gate.
  case belowGate(GateRefusal)
  /// The labels are too few to train on, with the reason.
  case tooFewLabels(detail: String)
  /// The active model cannot be deleted.
  case modelActive(version: Int)
  /// The job has already finished.
  case jobFinished(id: Int, state: String)
  /// The body is well-formed but does not fit the dataset or the resource, with a JSON Pointer to each invalid
  /// member.
  case invalid(problems: [InputProblem])
  /// The Idempotency-Key was used by a different request.
  case idempotencyKeyReused
  /// The request was carried out, and an erasure has removed the response that was kept for repetitions.
  case answerErased
  /// The tenant has reached one of its limits.
  case quotaExceeded(Quota, maximum: Int, present: Int)
  /// The tenant is being or has been erased, and its keys are invalid.
  case tenantErased
  /// A request with the same Idempotency-Key is in progress.
  case idempotencyKeyInUse
}
