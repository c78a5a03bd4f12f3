import Foundation
import HTTPTypes
import Hummingbird
import JobQueue
import Logging
import NIOCore
import VerdictCore

/// `/v1/datasets/{dataset}/training-jobs`.
struct TrainingJobRoutes {
  let trainings: TrainingJobs
  let idempotency: IdempotentExecutor
  let hub: JobEventHub

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/training-jobs"
    api.on(.post, path, role: .write, create)
    api.on(.get, path, role: .read, list)
    api.on(.get, path + "/{id}", role: .read, read)
    api.on(.post, path + "/{id}/cancel", role: .write, cancel)
    api.on(.get, path + "/{id}/events", role: .read, JobEvents(trainings: trainings, hub: hub).events)
  }

  @Sendable private func create(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    _ = try QueryParameters(request, known: [])
    let wait = try Preference.wait(of: request)
    let body = try await Body.read(
      request, of: principal.tenant, accepted: [.json], limit: BodyLimits.small, optional: true)
    let fields = try TrainingParametersBody.parse(body)
    let key = try IdempotencyKey(request)
    let response = try await idempotency.run(key, principal, body: body) { tx in
      let job = try await trainings.request(principal.tenant, dataset: name, in: tx) {
        try fields.applied(to: $0)
      }
      return IdempotentResponse(
        try .json(.accepted, headers: [.location: Self.location(name, Int(job.id))]) { try $0.job(job) })
    }
    // A replay is the response that was given, and does not wait again.
    guard let wait, response.headers[.idempotencyReplayed] == nil,
      let id = response.headers[.location]?.split(separator: "/").last.flatMap({ Int($0) })
    else {
      return response
    }
    do {
      let job = try await finished(
        principal.tenant, name, id, within: wait, key: context.keyRevalidator(request))
      // The present state replaces the first response, except for its length.
      var headers = response.headers
      headers[.contentLength] = nil
      headers[.preferenceApplied] = "wait=\(wait)"
      let present = try Response.json(job.state.isFinal ? .ok : .accepted, headers: headers) {
        try $0.job(job)
      }
      try await idempotency.replace(key, principal, body: body, with: present)
      return present
    } catch {
      // The job is queued, and the response, which a replay repeats, names its location.
      context.logger.warning("cannot wait for a job", metadata: ["error": "\(error)"])
      return response
    }
  }

  @Sendable private func list(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let jobs = try await trainings.list(
      principal.tenant, dataset: name, before: try query.numberCursor(), limit: limit + 1)
    return try .page(Page(jobs, limit: limit) { "\($0.id)" }) { try $0.job($1) }
  }

  @Sendable private func read(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try (context.dataset(), context.number("id", of: "training job"))
    _ = try QueryParameters(request, known: [])
    let job = try await trainings.job(principal.tenant, dataset: name, id: id)
    return try .json { try $0.job(job) }
  }

  @Sendable private func cancel(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try (context.dataset(), context.number("id", of: "training job"))
    _ = try QueryParameters(request, known: [])
    let body = try await Body.read(
      request, of: principal.tenant, accepted: [.json], limit: BodyLimits.small, optional: true)
    try EmptyBody.check(body)
    return try await idempotency.run(request, principal, body: body) { tx in
      let job = try await trainings.cancel(principal.tenant, dataset: name, id: id, in: tx)
      return IdempotentResponse(try .json { try $0.job(job) })
    }
  }

  /// The job when it has ended, or its state after so many seconds.
  private func finished(
    _ tenant: TenantID, _ name: String, _ id: Int, within seconds: Int, key: KeyRevalidator
  ) async throws -> Job {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var job = try await trainings.job(tenant, dataset: name, id: id)
    guard !job.state.isFinal, seconds > 0 else { return job }
    let interval = Duration.milliseconds(min(500, seconds * 1_000))
    for await _ in hub.changes(of: .init(tenant: tenant, job: id), atLeastEvery: interval) {
      try await key.check()
      job = try await trainings.job(tenant, dataset: name, id: id)
      if job.state.isFinal || ContinuousClock.now >= deadline { break }
    }
    return job
  }

  private static func location(_ dataset: String, _ id: Int) -> String {
    "/v1/datasets/\(dataset)/training-jobs/\(id)"
  }
}
