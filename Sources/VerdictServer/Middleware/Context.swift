package import Hummingbird
import Logging
import NIOCore

/// What a request carries with it on its way down.
package struct Context: RequestContext {
  /// Hummingbird's own part.
  package var coreContext: CoreRequestContextStorage
  /// Names the request in its answer and in every log line about it.
  package var requestID: String
  /// The connection that it came by.
  let channel: any Channel
  /// Knows whether the request's key is still good, for answers that take their time.
  var authenticator: Authenticator?

  /// A request's context at its beginning.
  package init(source: Source) {
    coreContext = .init(source: source)
    channel = source.channel
    requestID = RequestIdentifier.next()
  }

  /// Asks again and again whether the request's key is still good.
  func keyRevalidator(_ request: Request) -> KeyRevalidator { KeyRevalidator(authenticator, request) }
}
