import HTTPTypes
import Hummingbird
import NIOCore
import VerdictCore

/// The body of a request as it comes in, decompressed on its way, never more of it in memory than a piece; the client is
/// held up while nobody takes the next.
struct BodyStream: ~Copyable {
  private var iterator: RequestBody.AsyncIterator
  private let inflate: Inflate?
  private let limit: Int
  private var total = 0
  private var isAtEnd = false

  /// - Parameter limit: bytes after decompression.
  /// - Throws: ``Problem`` of kind `unsupported-media-type` for a coding that is not known, `body-too-large` for a body
  ///   that is announced as larger, before any of it is read.
  init(_ request: Request, limit: Int) throws {
    if let declared = request.headers[.contentLength].flatMap({ Int($0) }), declared > limit {
      throw Body.tooLarge(limit)
    }
    let coding =
      request.headers[.contentEncoding] == nil
      ? "" : request.headers[values: .contentEncoding].joined(separator: ",").lowercased()
    switch coding.trimmingCharacters(of: " \t") {
    case "", "identity": inflate = nil
    case "gzip", "x-gzip": inflate = Inflate(limit: limit)
    default: throw Problem(.unsupportedMediaType, "A body may be compressed by gzip, not by \(coding).")
    }
    iterator = request.body.makeAsyncIterator()
    self.limit = limit
  }

  /// The next bytes; `nil` at the end.
  ///
  /// - Throws: ``Problem`` of kind `body-too-large`, `SyntaxProblem` for a body that cannot be decompressed.
  mutating func next() async throws -> [UInt8]? {
    while !isAtEnd {
      if let piece = try inflate?.next() { return piece }
      guard let buffer = try await iterator.next() else {
        isAtEnd = true
        try inflate?.finish()
        return nil
      }
      let bytes = Array(buffer.readableBytesView)
      if let inflate {
        inflate.append(bytes)
      } else {
        total += bytes.count
        guard total <= limit else { throw Body.tooLarge(limit) }
        return bytes
      }
    }
    return nil
  }
}
