import HTTPTypes
import Hummingbird
import NIOCore
import RowFormats
import VerdictCore

extension Response {
  /// A response whose JSON body `write` writes.
  static func json(
    _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], _ write: (inout JSONWriter) throws -> Void
  ) rethrows -> Response {
    var json = JSONWriter()
    try write(&json)
    return bytes(status, headers: headers, type: "application/json", json.buffer)
  }

  /// A response with a body of the given type.
  static func bytes(
    _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], type: String, _ buffer: ByteBuffer
  ) -> Response {
    var headers = headers
    headers[.contentType] = type
    return Response(status: status, headers: headers, body: .init(byteBuffer: buffer))
  }

  /// The response to HEAD in place of a response to GET: the same header section (RFC 9110, section 9.3.2). It has no
  /// Content-Length if the length of the content is known only once it has been written.
  func withoutContent() -> Response {
    guard body.contentLength == nil else { return createHeadResponse() }
    return Response(status: status, headers: headers, body: ResponseBody { try await $0.finish(nil) })
  }

  /// A page of a list.
  static func page<T>(
    _ page: Page<T>, _ write: (inout JSONWriter, T) throws -> Void
  ) rethrows -> Response {
    try json { try $0.page(page, write) }
  }
}

extension JSONWriter {
  /// A page of a list. It ends before its last item once its text has reached ``PageBudget/bytes``.
  mutating func page<T>(
    _ page: Page<T>, _ write: (inout JSONWriter, T) throws -> Void
  ) rethrows {
    try object { json in
      json.name("data")
      let start = json.bytes.count
      var count = 0
      try json.array { json in
        for item in page.items where json.bytes.count - start < PageBudget.bytes {
          try write(&json, item)
          count += 1
        }
      }
      json.name("next_cursor")
      json.optional(page.cursor(after: count)) { $0.string($1) }
    }
  }
}
