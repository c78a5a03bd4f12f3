import HTTPTypes
import Hummingbird
import NIOCore
import VerdictCore

extension Response {
  /// An answer that a client may keep and ask for again by its `ETag`: 304 without a body for the one that it has.
  static func conditional(
    _ request: Request, headers: HTTPFields = [:], type: String, _ buffer: ByteBuffer,
    cache: String = "private, no-cache"
  ) throws -> Response {
    let tag = EntityTag(of: buffer)
    var headers = headers
    headers[.eTag] = tag.text
    headers[.cacheControl] = cache
    if let known = try EntityTagCondition.of(request, .ifNoneMatch), known.holdsWeakly(for: tag) {
      return Response(status: .notModified, headers: headers)
    }
    return .bytes(headers: headers, type: type, buffer)
  }

  /// The same for JSON that `write` makes.
  static func conditional(
    _ request: Request, _ write: (inout JSONWriter) throws -> Void
  ) throws -> Response {
    var json = JSONWriter()
    try write(&json)
    return try conditional(request, type: "application/json", json.buffer)
  }

  /// The same for a page of a list.
  static func conditional<T>(
    _ request: Request, _ page: Page<T>, _ write: (inout JSONWriter, T) throws -> Void
  ) throws -> Response {
    try conditional(request) { try $0.page(page, write) }
  }

  /// The state of a dataset after a change, with the tag by which the next change can be tied to it.
  static func dataset(
    _ summary: DatasetSummary, _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) throws -> Response {
    var json = JSONWriter()
    try json.dataset(summary)
    var headers = headers
    headers[.eTag] = EntityTag(of: json.buffer).text
    return .bytes(status, headers: headers, type: "application/json", json.buffer)
  }
}

extension DatasetSummary {
  /// The check that `If-Match` asks for before a change: that the dataset is still what the client has seen.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter` for a header that is no list of tags.
  static func condition(of request: Request) throws -> DatasetStore.Condition? {
    guard let expected = try EntityTagCondition.of(request, .ifMatch) else { return nil }
    return { summary in
      var json = JSONWriter()
      try json.dataset(summary)
      guard expected.holdsStrongly(for: EntityTag(of: json.buffer)) else {
        throw Problem(
          .preconditionFailed,
          "The dataset \(summary.dataset.name) has changed since it was read; read it again and decide anew.")
      }
    }
  }
}
