import JobQueue
import NIOCore

/// The text of server-sent events (WHATWG HTML, section 9.2.5).
enum ServerSentEvents {
  /// A line that keeps proxies from closing a silent stream.
  static let keepAlive = ByteBuffer(string: ": keep-alive\n\n")

  /// A job as it stands; its JSON has no line breaks.
  static func event(_ job: Job, isNewState: Bool) throws -> ByteBuffer {
    var json = JSONWriter()
    try json.job(job)
    var event = ByteBuffer(string: isNewState ? "event: state\ndata: " : "event: progress\ndata: ")
    event.writeImmutableBuffer(json.buffer)
    event.writeStaticString("\n\n")
    return event
  }
}
