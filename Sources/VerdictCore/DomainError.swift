package import Foundation
package import RowFormats

/// What the domain refuses, in words for the user of the API. The server turns each into a problem of its own type.
package enum DomainError: Error, Sendable, Equatable {
  /// The addressed thing is absent or another tenant's; `what` names it (“dataset adult”).
  case notFound(what: String)
  /// A dataset, tenant or key of that name is there already.
  case nameTaken(what: String)
  /// The dataset has no active model yet.
  case noModel(dataset: String)
  /// The active model does not reach the dataset's gate; `value` is `nil` where the KPI is undefined. `labels` is on how
  /// many predictions labelled afterwards the value was measured; `nil` where it is the validation's.
  case belowGate(metric: String, value: Double?, minimum: Double, modelVersion: Int, labels: Int?)
  /// There is too little to train on, with the reason.
  case tooFewLabels(detail: String)
  /// The active model cannot be deleted.
  case modelActive(version: Int)
  /// The job has already ended.
  case jobFinished(id: Int, state: String)
  /// The body was understood but does not fit the dataset or the resource, with a JSON Pointer to each bad member.
  case invalid(problems: [InputProblem])
  /// The same Idempotency-Key came with another request before.
  case idempotencyKeyReused
  /// The tenant has as much as it may have of something.
  case quotaExceeded(Quota, maximum: Int, present: Int)
  /// The tenant is being erased, or has been: its keys open nothing any more.
  case tenantErased
  /// A request with the same Idempotency-Key is being answered right now.
  case idempotencyKeyInUse
}
