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
  /// Knows whether the request's key is still good, for answers that take their time.
  var authenticator: Authenticator?

  /// A request's context at its beginning.
  public init(source: Source) {
    coreContext = .init(source: source)
    channel = source.channel
    requestID = RequestIdentifier.next()
  }

  /// Asks again and again whether the request's key is still good.
  func keyWatch(_ request: Request) -> KeyWatch { KeyWatch(authenticator, request) }
}
