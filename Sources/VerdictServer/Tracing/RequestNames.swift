package import Logging

/// What a request is called in log lines: by its own name, and by the trace that it is part of.
package struct RequestNames: Sendable {
  /// The name that is also in `X-Request-Id`.
  var requestID: String
  /// The trace that the client handed in by `traceparent`, if it did.
  var traceID: String?

  /// The names of the request that the present task answers.
  @TaskLocal static var current: RequestNames?

  /// Puts the names into every line that is logged while a request is answered, by whichever module: give it to the
  /// process's log handler.
  package static let metadataProvider = Logger.MetadataProvider { current?.metadata ?? [:] }

  /// The names as a log line has them.
  var metadata: Logger.Metadata {
    var metadata: Logger.Metadata = ["request_id": "\(requestID)"]
    if let traceID { metadata["trace_id"] = "\(traceID)" }
    return metadata
  }
}

extension Logger {
  /// The logger for lines about one request, whichever task they come from.
  init(_ logger: Logger, naming names: RequestNames) {
    self = logger
    self[metadataKey: "hb.request.id"] = nil
    for (key, value) in names.metadata { self[metadataKey: key] = value }
  }
}
