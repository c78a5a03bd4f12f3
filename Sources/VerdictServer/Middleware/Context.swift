package import Hummingbird
import Logging
import NIOCore

/// The context of a request.
package struct Context: RequestContext {
  /// The storage of Hummingbird.
  package var coreContext: CoreRequestContextStorage
  /// The request id in the response and in log lines.
  package var requestID: String
  /// The connection of the request.
  let channel: any Channel
  /// Revalidates the request's key, for long responses.
  var authenticator: Authenticator?

  /// The context of a new request.
  package init(source: Source) {
    coreContext = .init(source: source)
    channel = source.channel
    requestID = RequestIdentifier.next()
  }

  /// A revalidator of the request's key.
  func keyRevalidator(_ request: Request) -> KeyRevalidator { KeyRevalidator(authenticator, request) }
}
