import HTTPTypes
import Hummingbird
import NIOCore
import RowFormats
import VerdictCore

/// `POST …/predictions/batch.ndjson` and `batch.csv`: the response has a line for each row, in order, and starts while the request
/// is still being received.
///
/// Rows are predicted in the chunks in which they arrive, each by the model that is active then, and committed before their
/// lines are sent. A row that cannot be read has a line with its error. An error that ends the stream (the database fails,
/// the gate closes) is the last line, or the whole response if no line has been sent.
struct StreamingPredictionHandler {
  let served: ServedDatasets
  let predictor: MeteredPredictor
  let idempotency: IdempotentExecutor
  let refusals: RefusalMetrics

  /// The bytes of the request that are read ahead.
  private static let ahead = 1 << 20
  /// The bytes of the response that are buffered for a client that sends everything before it reads anything, as simple
  /// clients do; fewer where the memory of requests is small or exhausted.
  private static var behind: Int { min(64 << 20, RequestMemory.current.limit / 32) }

  /// Answers with lines of the type of the request.
  func answer(
    _ request: Request, _ context: Context, _ principal: Principal, _ name: String, _ type: BodyType
  ) async throws -> Response {
    // A line of CSV has no place for contributions.
    let query = try QueryParameters(
      request,
      known: type == .csv
        ? CSVOptions.predictions.union(["store"]) : ["store", "explain", "pair_contributions"])
    return try await answer(request, context, principal, name, type, query, as: type)
  }

  /// Answers with lines of the type that `Accept` prefers, by default that of the request.
  func answerNegotiated(
    _ request: Request, _ context: Context, _ principal: Principal, _ name: String, _ type: BodyType
  ) async throws -> Response {
    let parameters: Set = ["store", "explain", "pair_contributions"]
    let query = try QueryParameters(
      request, known: type == .csv ? parameters.union(CSVOptions.predictions) : parameters)
    let output = try BodyType.wanted(
      by: request, offered: type == .csv ? [.csv, .ndjson] : [.ndjson, .csv])
    if try output == .csv && PredictionOptions(query).explain {
      throw QueryParameters.refusal("explain", "needs a response as application/x-ndjson")
    }
    return try await answer(request, context, principal, name, type, query, as: output)
  }

  private func answer(
    _ request: Request, _ context: Context, _ principal: Principal, _ name: String, _ type: BodyType,
    _ query: QueryParameters, as output: BodyType
  ) async throws -> Response {
    let options = try PredictionOptions(query)
    let dataset = try await served.served(principal.tenant, named: name).dataset
    let reader: any PredictionStreamReader
    let limits = PredictionLineEncoder.limits(
      explain: options.explain, RequestMemory.Reservation(for: principal.tenant))
    if type == .csv {
      reader = CSVPredictionReader(
        schema: dataset.schema, format: try CSVOptions.format(query, of: dataset), limits: limits)
    } else {
      reader = NDJSONPredictionReader(schema: dataset.schema, limits: limits)
    }
    let stream = PredictionLineEncoder(
      predictor: predictor, tenant: principal.tenant, name: name, features: dataset.features,
      options: options, output: output, reader: reader, revalidator: context.keyRevalidator(request),
      refusals: refusals, logger: context.logger)
    if let key = try IdempotencyKey(request) { return try await answerOnce(key, request, principal, stream) }
    // The first chunk is predicted before the response's head is sent, so that an early error has its own status.
    var body = try BodyStream(request, limit: BodyLimits.stream)
    var first: [UInt8] = []
    var isAtEnd = false
    while first.isEmpty, !isAtEnd {
      if let bytes = try await body.next() {
        first = try await stream.lines(for: try stream.read(bytes))
      } else {
        isAtEnd = true
        first = try await stream.lines(for: try stream.readLast())
      }
    }
    let head = stream.header + first
    let isComplete = try isAtEnd && !stream.hasLast()
    let rest = RemainingBody(body, isAtEnd: isAtEnd)
    return Response(
      status: options.status, headers: [.contentType: output.contentType],
      body: ResponseBody { [rest] output in
        let sink = ResponseSink(output)
        try await sink.write(head)
        if !isComplete { try await Self.relay(rest, through: stream, to: sink) }
        try await sink.finish()
      })
  }

  /// Reads, predicts and writes concurrently.
  private static func relay(
    _ rest: RemainingBody, through stream: PredictionLineEncoder, to sink: ResponseSink
  )
    async throws
  {
    let input = ByteChannel(limit: ahead)
    let output = ByteChannel(limit: behind, sharing: RequestMemory.Reservation(for: stream.tenant))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          while let bytes = try await rest.next() { try await input.send(bytes) }
          input.finish()
        } catch {
          input.finish(error)
        }
      }
      group.addTask {
        do {
          try await answer(input, through: stream, to: output)
        } catch {
          // The status has been sent, so the error is the last line.
          try? await output.send(stream.line(for: error))
          input.finish(error)
        }
        output.finish()
      }
      do {
        while let bytes = try await output.receive() { try await sink.write(bytes) }
      } catch {
        output.finish(error)
        input.finish(error)
        throw error
      }
      try await group.waitForAll()
    }
  }

  /// An event of a stream.
  private enum Step {
    /// Bytes were received, or the end.
    case received([UInt8]?)
    /// A part has been predicted.
    case answered(part: Int, lines: [UInt8])
  }

  /// Predicts parts as they arrive: while one part is being stored, the next one is read and predicted. Lines are sent in order, as
  /// soon as they are ready, whether or not more input arrives.
  private static func answer(
    _ input: ByteChannel, through stream: PredictionLineEncoder, to output: ByteChannel
  ) async throws {
    try await withThrowingTaskGroup(of: Step.self) { running in
      do {
        var (begun, sent) = (0, 0)
        var waiting: [Int: [UInt8]] = [:]
        // The reader may have rows left of the first bytes.
        var (isListening, isAtEnd, isDrained) = (false, false, false)
        var part: PredictionChunk?
        while true {
          while begun - sent < partsAtOnce, !isDrained {
            guard let next = try part ?? (isAtEnd ? stream.readLast() : stream.readOn()) else {
              isDrained = true
              break
            }
            part = nil
            running.addTask { [begun] in .answered(part: begun, lines: try await stream.lines(for: next)) }
            begun += 1
          }
          if isDrained, !isListening, !isAtEnd, begun - sent < partsAtOnce {
            isListening = true
            running.addTask { .received(try await input.receive()) }
          }
          switch try await running.next() {
          case .received(let bytes):
            (isListening, isAtEnd, isDrained) = (false, bytes == nil, false)
            part = try bytes.flatMap(stream.read)
          case .answered(let part, let lines):
            waiting[part] = lines
            while let lines = waiting.removeValue(forKey: sent) {
              try await output.send(lines)
              sent += 1
            }
          case nil: return
          }
        }
      } catch {
        // Otherwise the reader would wait for ever.
        input.finish(error)
        throw error
      }
    }
  }

  /// The number of chunks that are predicted concurrently.
  private static let partsAtOnce = 2

  /// Under an Idempotency-Key the whole batch is stored in one transaction with its response: all or nothing.
  private func answerOnce(
    _ key: IdempotencyKey, _ request: Request, _ principal: Principal, _ stream: PredictionLineEncoder
  ) async throws -> Response {
    let body = try await Body.read(
      request, of: stream.tenant, accepted: [.ndjson, .csv], limit: BodyLimits.batch)
    return try await idempotency.run(key, principal, body: body) { tx in
      let lines = try await stream.allLines(for: body.bytes, limit: PredictionRoutes.batchLimit, in: tx)
      return IdempotentResponse(
        .bytes(
          stream.options.status, type: stream.output.contentType,
          ByteBuffer(bytes: stream.header + lines)))
    }
  }
}

/// The unread rest of a body, which an escaping closure can hold.
private final class RemainingBody: @unchecked Sendable {
  // Sound: only the task that reads the body uses it.
  private var body: BodyStream
  private let isAtEnd: Bool

  init(_ body: consuming BodyStream, isAtEnd: Bool) {
    self.body = body
    self.isAtEnd = isAtEnd
  }

  func next() async throws -> [UInt8]? { isAtEnd ? nil : try await body.next() }
}
