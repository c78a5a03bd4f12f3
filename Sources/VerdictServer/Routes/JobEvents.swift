import HTTPTypes
import Hummingbird
import JobQueue
import NIOCore
import ServiceLifecycle
import VerdictCore

/// `/v1/datasets/{dataset}/training-jobs/{id}/events`: server-sent events (WHATWG HTML, section 9.2) until the job ends.
///
/// An event's id is the event number in the job's row, so that any server process can resume the stream.
struct JobEvents {
  let trainings: TrainingJobs
  let hub: JobEventHub

  /// The interval of keep-alive comments, below the minute after which most proxies close an idle stream.
  private static let heartbeat = Duration.seconds(15)
  /// More characters than any event id has.
  private static let longestID = 128

  @Sendable func events(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try (context.dataset(), context.number("id", of: "training job"))
    _ = try QueryParameters(request, known: [])
    guard request.headers[.lastEventID]?.utf8.count ?? 0 <= Self.longestID else {
      throw QueryParameters.refusal("Last-Event-ID", "must have at most \(Self.longestID) characters")
    }
    // Looked up before the response begins, so that an absent job is a 404 and not an empty stream.
    let first = try await trainings.job(principal.tenant, dataset: name, id: id)
    // An id that is no past event of this job counts as a first call.
    let resumed = request.headers[.lastEventID].flatMap { Int64($0) }.flatMap {
      (0...first.event).contains($0) ? $0 : nil
    }
    if first.state.isFinal, resumed == first.event {
      // Nothing will follow; this status keeps an EventSource from reconnecting.
      return Response(status: .noContent)
    }
    let key = context.keyRevalidator(request)
    let body = ResponseBody { writer in
      do {
        try await follow(principal.tenant, name, id, after: resumed, while: key, writer: &writer)
      } catch DomainError.notFound {
        // The dataset was deleted.
      } catch let problem as Problem where problem.kind == .unauthorized {
        // The key was revoked; a reconnection will report it.
      }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok,
      headers: [
        .contentType: "text/event-stream", .cacheControl: "no-store, no-transform", .xAccelBuffering: "no",
      ], body: body)
  }

  private func follow(
    _ tenant: TenantID, _ name: String, _ id: Int, after resumed: Int64?, while key: KeyRevalidator,
    writer: inout any ResponseBodyWriter
  ) async throws {
    var last = resumed
    var lastWrite = ContinuousClock.now
    // Graceful shutdown ends the loop, too; the client reconnects to another server.
    for await _ in hub.changes(of: .init(tenant: tenant, job: id), atLeastEvery: .seconds(1)) {
      try await key.check()
      let job = try await trainings.job(tenant, dataset: name, id: id)
      let events = try ServerSentEvents.events(of: job, after: last)
      if events.readableBytes > 0 {
        try await writer.write(events)
        lastWrite = .now
      } else if ContinuousClock.now - lastWrite > Self.heartbeat {
        try await writer.write(ServerSentEvents.keepAlive)
        lastWrite = .now
      }
      last = job.event
      if job.state.isFinal { return }
    }
  }
}
