import JobQueue
import NIOCore
import RowFormats

/// Formats server-sent events (WHATWG HTML, section 9.2.5) about a job.
enum ServerSentEvents {
  /// A comment that keeps proxies from closing an idle stream.
  static let keepAlive = ByteBuffer(string: ": keep-alive\n\n")

  /// The events of a job after the event `last`: each transition since then, then its present state. Without `last` only the
  /// present state.
  static func events(of job: Job, after last: Int64?) throws -> ByteBuffer {
    var text = ByteBuffer()
    guard let last else {
      try write(job, "state", to: &text)
      return text
    }
    for transition in job.transitions where transition.event > last && transition.event < job.event {
      try write(job.asOf(transition), "state", to: &text)
    }
    if job.event > last {
      try write(job, job.transitions.last?.event == job.event ? "state" : "progress", to: &text)
    }
    return text
  }

  /// Writes an event whose data is the job's JSON, which has no line breaks.
  private static func write(_ job: Job, _ name: String, to text: inout ByteBuffer) throws {
    var json = JSONWriter()
    try json.job(job)
    text.writeString("id: \(job.event)\nevent: \(name)\ndata: ")
    text.writeImmutableBuffer(json.buffer)
    text.writeStaticString("\n\n")
  }
}
