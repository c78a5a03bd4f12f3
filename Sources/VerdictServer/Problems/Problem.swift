import HTTPTypes
import Hummingbird
import Learning
import NIOCore
import RowFormats
import VerdictCore

/// A problem document (RFC 9457): the error type that routes and middleware throw, and the response to it.
struct Problem: Error, Sendable {
  var kind: ProblemKind
  /// A sentence about this occurrence, for people. It never contains SQL or a path of the server.
  var detail: String
  /// The locations of the first hundred errors in the input.
  var locations: [ErrorLocation] = []
  /// The total number of errors in the input.
  var locationCount = 0
  /// Members beyond RFC 9457's.
  var extensions: [Extension] = []
  /// Header fields of the response, such as `Retry-After`.
  var headers: HTTPFields = [:]
  /// The bound that refused the request, if one did.
  var reason: ShedReason?

  /// Maximum number of characters of a detail, which may quote the request.
  static let longestDetail = 2_000

  /// A member beyond those of RFC 9457.
  enum Extension: Sendable {
    case string(String, String)
    case number(String, Double?)
    case integer(String, Int)
    /// A 95 % interval as `[low, high]`, or null.
    case interval(String, Interval?)
  }

  /// - Parameter reason: the bound that refuses the request; by default the one that the kind tells.
  init(
    _ kind: ProblemKind, _ detail: String, headers: HTTPFields = [:], because reason: ShedReason? = nil
  ) {
    self.kind = kind
    self.detail = detail
    self.headers = headers
    self.reason = reason ?? ShedReason(kind)
  }

  /// Creates a problem from errors in the input.
  init(_ kind: ProblemKind, locations: [ErrorLocation], count: Int? = nil) {
    self.kind = kind
    locationCount = count ?? locations.count
    self.locations = locations
    detail =
      locationCount == 1 ? "The request has an error." : "The request has \(locationCount) errors."
    if let only = locations.first, locationCount == 1 { detail = only.sentence }
  }

  /// The response to a request.
  func response(to request: Request, id: String) -> Response {
    var headers = headers
    headers[.contentType] = "application/problem+json"
    return Response(
      status: kind.status, headers: headers, body: .init(byteBuffer: body(instance: request.uri.path, id: id))
    )
  }

  /// The body of the response.
  func body(instance: String, id: String) -> ByteBuffer {
    var json = JSONWriter()
    json.object { json in
      members(to: &json) { json in
        json.name("instance")
        json.string(instance)
        json.name("request_id")
        json.string(id)
      }
    }
    return json.buffer
  }
}

extension Problem {
  /// Writes the members of the problem into the current object; `identification` writes the members that identify the request.
  func members(to json: inout JSONWriter, identification: (inout JSONWriter) -> Void = { _ in }) {
    json.name("type")
    json.string(kind.type)
    json.name("title")
    json.string(kind.title)
    json.name("status")
    json.integer(kind.status.code)
    json.name("detail")
    json.string(detail.shortened(to: Self.longestDetail))
    identification(&json)
    if !locations.isEmpty {
      json.name("errors")
      json.array(locations) { $1.write(to: &$0) }
      json.name("errors_total")
      json.integer(locationCount)
    }
    for member in extensions { member.write(to: &json) }
  }
}

extension Problem.Extension {
  fileprivate func write(to json: inout JSONWriter) {
    switch self {
    case .string(let name, let value):
      json.name(name)
      json.string(value)
    case .number(let name, let value):
      json.name(name)
      json.optional(value) { $0.number($1) }
    case .integer(let name, let value):
      json.name(name)
      json.integer(value)
    case .interval(let name, let value):
      json.name(name)
      json.optional(value) { json, interval in
        json.array([interval.low, interval.high]) { $0.number($1) }
      }
    }
  }
}
