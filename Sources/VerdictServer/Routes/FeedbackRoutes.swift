import Foundation
import HTTPTypes
import Hummingbird
import RowFormats
import VerdictCore

/// The labels of predictions: `…/predictions/{id}/label` for one, `POST …/predictions/labels` for many.
struct FeedbackRoutes {
  let feedback: Feedback
  let limiter: ConnectionLimiter
  let idempotency: IdempotentExecutor

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/predictions"
    api.on(.put, path + "/{id}/label", role: .predict, label)
    api.on(.delete, path + "/{id}/label", role: .predict, removeLabel)
    api.on(.post, path + "/labels", role: .predict, isBulk: true, labelMany)
  }

  @Sendable private func label(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try target(request, context)
    let body = try await Body.read(request, of: principal.tenant, accepted: [.json], limit: BodyLimits.small)
    let trueLabel = try PredictionLabelBody.parse(body)
    let (dataset, prediction) = try await feedback.label(
      principal.tenant, dataset: name, prediction: id, as: { try trueLabel.outcome(in: $0) })
    // The features of a prediction that another client asked for are read, which a key for predictions may not.
    return .json {
      principal.role.includes(.read)
        ? $0.prediction(prediction, of: dataset) : $0.trueLabel(of: prediction, in: dataset)
    }
  }

  @Sendable private func removeLabel(_ request: Request, _ context: Context, _ principal: Principal)
    async throws
    -> Response
  {
    let (name, id) = try target(request, context)
    try await limiter.withPermit(for: principal.tenant, to: .exclusion) {
      try await feedback.removeLabel(
        principal.tenant, dataset: name, prediction: id, by: principal.actor)
    }
    return Response(status: .noContent)
  }

  @Sendable private func labelMany(_ request: Request, _ context: Context, _ principal: Principal)
    async throws
    -> Response
  {
    let name = try context.dataset()
    _ = try QueryParameters(request, known: [])
    let body = try await Body.read(
      request, of: principal.tenant, accepted: [.json, .ndjson, .csv], limit: BodyLimits.batch)
    let share = body.reservation(for: principal.tenant)
    let parsed = FeedbackReader.byteCount(ofBody: body.bytes.count, isDocument: body.type == .json)
    if parsed > RequestMemory.small { try share.set(parsed) }
    defer { withExtendedLifetime(share) {} }
    return try await idempotency.run(request, principal, body: body) { tx in
      let outcome = try await feedback.label(
        principal.tenant, dataset: name, by: principal.actor, in: tx
      ) {
        dataset in
        switch body.type {
        case .csv: try FeedbackReader.csv(body.bytes, schema: dataset.label.schema)
        case .ndjson: try FeedbackReader.ndjson(body.bytes, schema: dataset.label.schema)
        default: try FeedbackReader.json(body.bytes, schema: dataset.label.schema)
        }
      } refusing: { refusals in
        let problems = refusals.prefix(InputProblems.most).map { refusal in
          let pointer = "/labels/\(refusal.position)"
          let subject = pointer + "/" + refusal.subject.member
          return switch refusal.reason {
          case .unknown: InputProblem(pointer: subject, detail: "there is no such prediction")
          case .repeated: InputProblem(pointer: subject, detail: "is the prediction of an earlier label")
          case .outOfRange(let detail): InputProblem(pointer: pointer + "/label", detail: detail)
          }
        }
        return InputProblems(problems, count: refusals.count)
      }
      return IdempotentResponse(.json { $0.outcome(outcome) })
    }
  }

  private func target(_ request: Request, _ context: Context) throws -> (String, UUID) {
    let target = try (context.dataset(), context.identifier("id", of: "prediction"))
    _ = try QueryParameters(request, known: [])
    return target
  }
}

extension JSONWriter {
  fileprivate mutating func outcome(_ outcome: Feedback.Outcome) {
    object { json in
      json.name("inserted")
      json.integer(outcome.inserted)
      json.name("updated")
      json.integer(outcome.updated)
      json.name("deleted")
      json.integer(outcome.deleted)
      json.name("unchanged")
      json.integer(outcome.unchanged)
      json.name("labels_stored")
      json.integer(outcome.labelsStored)
      json.name("training_job")
      json.optional(outcome.trainingJob) { $0.integer($1) }
      json.warnings(of: outcome.words)
    }
  }
}
