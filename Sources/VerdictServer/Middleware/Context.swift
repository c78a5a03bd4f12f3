package import Hummingbird
import Logging
import NIOCore

/// The request context: Hummingbird's storage, the request id, the connection and the authenticator.
package struct Context: RequestContext {
  /// Hummingbird's storage.
  package var coreContext: CoreRequestContextStorage
  /// The request id in the response and in log lines.
  package var requestID: String
  /// The client's connection.
  let channel: any Channel
  /// Revalidates the request's key during long requests; `nil` on routes without a key.
  var authenticator: Authenticator?

  /// Creates the context of a new request.
  package init(source: Source) {
    coreContext = .init(source: source)
    channel = source.channel
    requestID = RequestIdentifier.next()
  }

  /// A revalidator of the request's key.
  func keyRevalidator(_ request: Request) -> KeyRevalidator { KeyRevalidator(authenticator, request) }
}
