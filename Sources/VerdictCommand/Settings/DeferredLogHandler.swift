import Logging

/// A log handler with swift-log's format that formats a logger's metadata only when a line is written.
///
/// swift-log's handler formats metadata whenever it is set. Hummingbird sets metadata for each request, and most requests log
/// nothing.
struct DeferredLogHandler: LogHandler {
  private let output: StreamLogHandler
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  var logLevel: Logger.Level = .info

  /// Creates a handler that writes to `output`.
  init(_ output: StreamLogHandler) {
    self.output = output
    metadataProvider = output.metadataProvider
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var output = output
    output.metadata = metadata
    output.metadataProvider = metadataProvider
    output.log(event: event)
  }
}
