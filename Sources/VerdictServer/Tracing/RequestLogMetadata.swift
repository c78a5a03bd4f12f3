package import Logging

/// The ids of a request in log lines: its own and that of its trace.
package struct RequestNames: Sendable {
  /// The id in `X-Request-Id`.
  var requestID: String
  /// The trace id of the client's `traceparent`, if any.
  var traceID: String?

  /// The ids of the request that the current task handles.
  @TaskLocal static var current: RequestNames?

  /// Adds the ids to every line that any module logs for a request; for the log handler of the process.
  package static let metadataProvider = Logger.MetadataProvider { current?.metadata ?? [:] }

  /// The ids as metadata of a log line.
  var metadata: Logger.Metadata {
    var metadata: Logger.Metadata = ["request_id": "\(requestID)"]
    if let traceID { metadata["trace_id"] = "\(traceID)" }
    return metadata
  }
}

extension Logger {
  /// A logger for lines about one request, from any task.
  init(_ logger: Logger, naming names: RequestNames) {
    self = logger
    self[metadataKey: "hb.request.id"] = nil
    for (key, value) in names.metadata { self[metadataKey: key] = value }
  }
}
