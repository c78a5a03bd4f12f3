public import Hummingbird
import Logging
import NIOCore

/// What a request carries with it on its way down.
public struct Context: RequestContext {
  /// Hummingbird's own part.
  public var coreContext: CoreRequestContextStorage
  /// Names the request in its answer and in every log line about it.
  public var requestID: String
  /// The connection that it came by.
  let channel: any Channel

  /// A request's context at its beginning.
  public init(source: Source) {
    coreContext = .init(source: source)
    channel = source.channel
    requestID = RequestIdentifier.next()
  }
}
