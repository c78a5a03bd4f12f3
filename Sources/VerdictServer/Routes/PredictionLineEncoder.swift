import Hummingbird
import Logging
import NIOCore
import PostgreSQL
import RowFormats
import VerdictCore

/// Parses and predicts the rows of one stream, and formats each as a line of the response.
final class PredictionLineEncoder: @unchecked Sendable {
  // Sound: all properties are constant but the reader and its last rows, which one task uses at a time.
  private let predictor: MeteredPredictor
  let tenant: TenantID
  let options: PredictionOptions
  let output: BodyType
  private let name: String
  private let features: [Feature]
  private let reader: any PredictionStreamReader
  private let revalidator: KeyRevalidator
  private let refusals: RefusalMetrics
  private let logger: Logger
  /// Rows that were read to find out whether there are any.
  private var ahead: PredictionChunk?

  /// The limits of a reader of the rows: the lines of a part can be many times larger than its rows.
  static func limits(explain: Bool, _ share: RequestMemory.Reservation) -> RowLimits {
    RowLimits(batchBytes: explain ? 64 << 10 : 512 << 10) { try share.set(2 * $0) }
  }

  init(
    predictor: MeteredPredictor, tenant: TenantID, name: String, features: [Feature],
    options: PredictionOptions,
    output: BodyType, reader: any PredictionStreamReader, revalidator: KeyRevalidator,
    refusals: RefusalMetrics,
    logger: Logger
  ) {
    self.predictor = predictor
    self.tenant = tenant
    self.name = name
    self.features = features
    self.options = options
    self.output = output
    self.reader = reader
    self.revalidator = revalidator
    self.refusals = refusals
    self.logger = logger
  }

  /// The bytes before the first line.
  var header: [UInt8] { output == .csv ? PredictionFormatter.csvHeader(stored: options.store) : [] }

  /// The rows that these bytes complete; `nil` for none.
  func read(_ bytes: [UInt8]) throws -> PredictionChunk? { try reader.feed(bytes) }

  /// The next rows of the bytes that were read; `nil` if more bytes are needed.
  func readOn() throws -> PredictionChunk? { try takeAhead() ?? reader.more() }

  /// The next rows that the end of the stream completes; `nil` after the last ones.
  func readLast() throws -> PredictionChunk? { try takeAhead() ?? reader.finish() }

  /// Whether rows are left at the end of the stream.
  func hasLast() throws -> Bool {
    ahead = try readLast()
    return ahead != nil
  }

  private func takeAhead() -> PredictionChunk? {
    defer { ahead = nil }
    return ahead
  }

  /// The lines of a chunk, after its predictions are stored if they are to be.
  func lines(for chunk: PredictionChunk?) async throws -> [UInt8] {
    try await revalidator.check()
    return try await lines(for: chunk, storing: options.storage(in: nil))
  }

  /// The lines of a whole body, stored in the caller's transaction; one invalid row refuses the body.
  func allLines(for bytes: [UInt8], limit: Int, in tx: Transaction) async throws -> [UInt8] {
    var lines: [UInt8] = []
    var rows = 0
    let share = RequestMemory.Reservation(for: tenant)
    func answer(_ chunk: PredictionChunk) async throws {
      if let refused = chunk.refused.first { throw refused.problems }
      rows += chunk.count
      guard rows <= limit else {
        throw Problem(
          .invalidBody, "With an Idempotency-Key, a batch has at most \(limit) rows.")
      }
      lines += try await self.lines(for: chunk, storing: options.storage(in: tx))
      if lines.count > RequestMemory.small { try share.set(kept: 2 * lines.count) }
    }
    // In pieces, since the reader searches all that it has not read yet.
    for start in stride(from: 0, to: bytes.count, by: Self.piece) {
      var chunk = try reader.feed(Array(bytes[start..<min(start + Self.piece, bytes.count)]))
      while let rows = chunk {
        try await answer(rows)
        chunk = try reader.more()
      }
    }
    while let chunk = try reader.finish() { try await answer(chunk) }
    return lines
  }

  private static let piece = 128 << 10
  /// How long a part waits for memory, while earlier lines are on their way to the client.
  private static let patience = Duration.seconds(10)

  /// The line of an error that ends the stream.
  func line(for error: any Error) -> [UInt8] {
    let problem = Problem(error, logger: logger)
    if let reason = problem.reason { refusals.refused(reason, tenant) }
    return line(for: problem)
  }

  private func lines(
    for chunk: PredictionChunk?, storing storage: PredictionService.Storage
  ) async throws -> [UInt8] {
    guard let chunk else { return [] }
    let share = RequestMemory.Reservation(for: tenant)
    // The rows, and the statement that stores them.
    let rowBytes =
      3 * chunk.batch.byteCount
      + PredictionAnswers.byteCount(rows: chunk.batch.count, features: features.count)
    var expected = chunk.count * 192
    if rowBytes + expected > RequestMemory.small {
      try await share.set(rowBytes + expected, waiting: Self.patience)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(chunk.count * 192)
    var answers: PredictionAnswers?
    if chunk.batch.count > 0 {
      answers = try await predictor.predict(tenant, name, storing: storage) {
        // Features that were added since the stream began are missing in its rows.
        guard
          $0.dataset.features.starts(
            with: self.features, by: { $0.name == $1.name && $0.type == $1.type && $0.slot == $1.slot })
        else {
          throw Problem(.schemaMismatch, "The dataset's features have changed since the stream began.")
        }
        return chunk.batch.widened(to: $0.schema)
      }
    }
    let text = answers.map { options.formatter($0) }
    var row = 0
    func count() throws {
      guard bytes.count > expected else { return }
      expected = 2 * bytes.count
      try share.set(rowBytes + expected)
    }
    for (before, refused) in chunk.refused.enumerated() {
      while row + before < refused.position, let text {
        try append(text, row, to: &bytes)
        try count()
        row += 1
      }
      bytes += line(for: Problem(refused.problems, logger: logger))
    }
    if let text, let answers {
      while row < answers.count {
        try append(text, row, to: &bytes)
        try count()
        row += 1
      }
    }
    return bytes
  }

  private func append(_ text: PredictionFormatter, _ row: Int, to bytes: inout [UInt8]) throws {
    if output == .csv {
      try text.appendCSV(row, to: &bytes)
    } else {
      try text.appendJSON(row, to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
    }
  }

  private func line(for problem: Problem) -> [UInt8] {
    var bytes: [UInt8] = []
    if output == .csv {
      bytes += Array(repeating: UInt8(ascii: ","), count: options.store ? 7 : 6)
      bytes.append(csvField: problem.detail.utf8, alwaysQuoted: true)
      bytes += Array("\r\n".utf8)
    } else {
      var json = JSONWriter()
      json.object { json in
        json.name("error")
        json.object { problem.members(to: &$0) }
      }
      bytes += json.bytes
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }
}
