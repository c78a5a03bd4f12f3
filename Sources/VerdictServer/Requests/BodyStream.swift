import HTTPTypes
import Hummingbird
import NIOCore
import RowFormats
import VerdictCore

/// The body of a request as a stream, decompressed piece by piece. Only one piece is in memory: the client waits until the
/// next one is requested.
struct BodyStream: ~Copyable {
  private var iterator: RequestBody.AsyncIterator
  private let expander: (any Decompressor)?
  private let limit: Int
  private let isTenants: Bool
  /// The bytes received, before decompression.
  private var received = 0
  private var isAtEnd = false

  /// - Parameter limit: bytes after decompression.
  /// - Throws: ``Problem`` of kind `unsupported-media-type` for an unknown coding, `body-too-large` for a larger
  ///   `Content-Length`, before any of the body is read.
  init(_ request: Request, limit: Int) throws {
    let own = BodyLimits.tenant ?? .max
    isTenants = own < limit
    let limit = min(limit, own)
    if let declared = request.headers.value(.contentLength).flatMap({ Int($0) }), declared > limit {
      throw Body.tooLarge(limit, isTenants: isTenants)
    }
    let coding =
      request.headers.value(.contentEncoding)?.lowercased().trimmingCharacters(of: " \t") ?? ""
    switch coding {
    case "", "identity": expander = nil
    case "gzip", "x-gzip": expander = GzipDecompressor(limit: limit)
    case "zstd": expander = ZstdDecompressor(limit: limit)
    default:
      // Accept-Encoding names the accepted codings (RFC 9110, section 12.5.3).
      throw Problem(
        .unsupportedMediaType, "A body may be compressed by gzip or zstd, not by \(coding).",
        headers: [.acceptEncoding: "gzip, zstd"])
    }
    iterator = request.body.makeAsyncIterator()
    self.limit = limit
  }

  /// The next bytes; `nil` at the end.
  ///
  /// - Throws: ``Problem`` of kind `body-too-large`, `SyntaxProblem` for a body that cannot be decompressed.
  mutating func next() async throws -> [UInt8]? {
    do {
      return try await piece()
    } catch let error as SyntaxProblem where error.kind == .tooLarge && isTenants {
      throw Body.tooLarge(limit, isTenants: true)
    }
  }

  private mutating func piece() async throws -> [UInt8]? {
    while !isAtEnd {
      if let piece = try expander?.next() { return piece }
      guard let buffer = try await iterator.next() else {
        isAtEnd = true
        try expander?.finish()
        return nil
      }
      let bytes = Array(buffer.readableBytesView)
      // The limit applies to compressed bytes, too, since empty members and frames expand to nothing.
      received += bytes.count
      guard received <= limit else { throw Body.tooLarge(limit, isTenants: isTenants) }
      guard let expander else { return bytes }
      expander.append(bytes)
    }
    return nil
  }
}
