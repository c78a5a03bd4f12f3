package import Logging

/// The identifiers of a request in log lines: its request id and, if the client sent one, its trace id.
package struct RequestLogMetadata: Sendable {
  /// The id that the response carries in `X-Request-Id`.
  var requestID: String
  /// The trace id of the client's `traceparent`, if there is one.
  var traceID: String?

  /// The identifiers of the request that the current task answers.
  @TaskLocal static var current: RequestLogMetadata?

  /// Adds the identifiers to every line that any module logs while a request is answered. The process passes it to its log
  /// handler.
  package static let metadataProvider = Logger.MetadataProvider { current?.metadata ?? [:] }

  /// The identifiers as log metadata.
  var metadata: Logger.Metadata {
    var metadata: Logger.Metadata = ["request_id": "\(requestID)"]
    if let traceID { metadata["trace_id"] = "\(traceID)" }
    return metadata
  }
}

extension Logger {
  /// A logger that adds the identifiers of a request to its lines, in any task.
  init(_ logger: Logger, request identifiers: RequestLogMetadata) {
    self = logger
    self[metadataKey: "hb.request.id"] = nil
    for (key, value) in identifiers.metadata { self[metadataKey: key] = value }
  }
}
