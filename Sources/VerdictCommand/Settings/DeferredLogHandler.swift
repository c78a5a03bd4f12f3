import Logging

/// Writes lines as swift-log's own handler does, but puts a logger's metadata into text only when a line is written.
///
/// The other does that whenever metadata is set, and Hummingbird sets some for each request: most requests log nothing.
struct DeferredLogHandler: LogHandler {
  private let output: StreamLogHandler
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  var logLevel: Logger.Level = .info

  /// Writes to `output`.
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
