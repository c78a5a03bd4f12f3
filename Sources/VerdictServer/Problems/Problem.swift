import HTTPTypes
import Hummingbird
import NIOCore
import VerdictCore

/// An answer that says what went wrong (RFC 9457).
struct Problem: Error, Sendable {
  var kind: ProblemKind
  /// A sentence about this occurrence, for people. Never SQL, never a path of the server.
  var detail: String
  /// Where the input is wrong: the first hundred places.
  var locations: [ErrorLocation] = []
  /// How many places there are in all.
  var locationCount = 0
  /// Members beyond RFC 9457's.
  var extensions: [Extension] = []
  /// Headers of the answer, such as `Retry-After`.
  var headers: HTTPFields = [:]

  /// How many characters a detail may have, whatever of the request it repeats.
  static let longestDetail = 2_000

  /// A further member of a problem.
  enum Extension: Sendable {
    case string(String, String)
    case number(String, Double?)
    case integer(String, Int)
  }

  init(_ kind: ProblemKind, _ detail: String, headers: HTTPFields = [:]) {
    self.kind = kind
    self.detail = detail
    self.headers = headers
  }

  /// A problem about places in the input.
  init(_ kind: ProblemKind, locations: [ErrorLocation], count: Int? = nil) {
    self.kind = kind
    locationCount = count ?? locations.count
    self.locations = locations
    detail =
      locationCount == 1 ? "The request has a mistake." : "The request has \(locationCount) mistakes."
    if let only = locations.first, locationCount == 1 { detail = only.sentence }
  }

  /// The answer to a request.
  func response(to request: Request, id: String) -> Response {
    var headers = headers
    headers[.contentType] = "application/problem+json"
    return Response(
      status: kind.status, headers: headers, body: .init(byteBuffer: body(instance: request.uri.path, id: id))
    )
  }

  /// The answer's body.
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
  /// The members of a problem, into the object that is being written; `location` writes what is of one request alone.
  func members(to json: inout JSONWriter, location: (inout JSONWriter) -> Void = { _ in }) {
    json.name("type")
    json.string(kind.type)
    json.name("title")
    json.string(kind.title)
    json.name("status")
    json.integer(kind.status.code)
    json.name("detail")
    json.string(detail.shortened(to: Self.longestDetail))
    location(&json)
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
    }
  }
}
