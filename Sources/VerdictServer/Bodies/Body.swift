import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import VerdictCore

/// The body of a request, in memory.
struct Body: Sendable {
  /// Its type; `nil` when there is no body.
  var type: BodyType?
  /// Its bytes after decompression.
  var bytes: [UInt8]

  /// SHA-256 of the bytes.
  var hash: Data { Data(SHA256.hash(data: bytes)) }

  /// Reads a body up to a limit.
  ///
  /// - Parameters:
  ///   - limit: bytes after decompression.
  ///   - optional: whether a request without a body is taken.
  /// - Throws: ``Problem`` of the kinds `body-too-large` and `unsupported-media-type`, `SyntaxProblem` for a body that
  ///   cannot be decompressed.
  static func read(
    _ request: Request, accepted: [BodyType], limit: Int, optional: Bool = false
  ) async throws -> Body {
    let declaredLength = request.headers[.contentLength].flatMap { Int($0) }
    let isChunked = request.headers[.transferEncoding] != nil
    if optional, !isChunked, declaredLength ?? 0 == 0 { return Body(type: nil, bytes: []) }
    let type = try BodyType.of(request, accepted: accepted)
    var stream = try BodyStream(request, limit: limit)
    var bytes: [UInt8] = []
    while let piece = try await stream.next() {
      if bytes.isEmpty { bytes = piece } else { bytes.append(contentsOf: piece) }
    }
    if optional, bytes.isEmpty { return Body(type: nil, bytes: []) }
    return Body(type: type, bytes: bytes)
  }

  /// - Parameter isTenants: whether the limit is the tenant's and not the resource's.
  static func tooLarge(_ limit: Int, isTenants: Bool) -> Problem {
    let whose = isTenants ? "the tenant may send" : "this resource takes"
    var problem = Problem(
      .bodyTooLarge, "The body is larger than \(limit) bytes, which is the most that \(whose).")
    if isTenants {
      problem.extensions = [.string("limit", Quota.bodyBytes.rawValue), .integer("maximum", limit)]
    }
    return problem
  }
}
