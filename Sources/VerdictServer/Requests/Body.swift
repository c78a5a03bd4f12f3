import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import RowFormats
import VerdictCore

/// A request body that has been read into memory.
struct Body: Sendable {
  /// The media type; `nil` without a body.
  var type: BodyType?
  /// The bytes after decompression.
  var bytes: [UInt8]
  /// The reservation of its memory, which lasts as long as the body; `nil` for a small one.
  var share: RequestMemory.Reservation?

  /// SHA-256 of the bytes.
  var hash: Data { Data(SHA256.hash(data: bytes)) }

  /// Reads a body up to a limit.
  ///
  /// - Parameters:
  ///   - tenant: the tenant whose memory it uses.
  ///   - limit: bytes after decompression.
  ///   - optional: whether a request without a body is allowed.
  /// - Throws: ``Problem`` of the kinds `body-too-large` and `unsupported-media-type`, the errors of `RequestMemory`,
  ///   `SyntaxProblem` for a body that cannot be decompressed.
  static func read(
    _ request: Request, of tenant: TenantID, accepted: [BodyType], limit: Int, optional: Bool = false
  ) async throws -> Body {
    if optional, request.headers.value(.transferEncoding) == nil,
      request.headers.value(.contentLength).flatMap({ Int($0) }) ?? 0 == 0
    {
      return Body(type: nil, bytes: [])
    }
    let type = try BodyType.of(request, accepted: accepted)
    var stream = try BodyStream(request, limit: limit)
    var bytes: [UInt8] = []
    var share: RequestMemory.Reservation?
    while let piece = try await stream.next() {
      let count = bytes.count + piece.count
      if count > RequestMemory.small {
        let own = share ?? RequestMemory.Reservation(for: tenant)
        share = own
        if count > own.count {
          // An array that grows is in memory twice for a moment.
          let capacity = max(count, bytes.count + bytes.count / 2)
          try own.set(bytes.count + capacity)
          bytes.reserveCapacity(capacity)
          try own.set(capacity)
        }
      }
      if bytes.isEmpty, bytes.capacity < piece.count {
        bytes = piece
      } else {
        bytes.append(contentsOf: piece)
      }
    }
    if optional, bytes.isEmpty { return Body(type: nil, bytes: []) }
    return Body(type: type, bytes: bytes, share: share)
  }

  /// The problem of a body above a limit.
  ///
  /// - Parameter isTenants: whether the limit is the tenant's and not the resource's.
  static func tooLarge(_ limit: Int, isTenants: Bool) -> Problem {
    let owner = isTenants ? "the tenant's" : "this resource's"
    var problem = Problem(
      .bodyTooLarge, "The body exceeds \(owner) limit of \(limit) bytes.")
    if isTenants {
      problem.extensions = [.string("limit", Quota.bodyBytes.rawValue), .integer("maximum", limit)]
    }
    return problem
  }
}
