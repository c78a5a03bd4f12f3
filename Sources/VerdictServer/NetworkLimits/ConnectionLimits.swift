/// Timeouts, sizes and counts that bound what a client connection may use.
package struct ConnectionLimits: Sendable {
  /// Timeout for receiving the header section of a request (from its first byte, or from the start of the connection,
  /// TLS handshake included), for sending any byte of a response, and for closing after the last response.
  package var head: Duration = .seconds(15)
  /// Timeout between two requests on a connection.
  package var idle: Duration = .seconds(75)
  /// Minimum rate of a request body while the server waits for it, in bytes a second averaged over ``head``.
  package var bytesPerSecond = 100
  /// Maximum number of connections; further ones wait to be accepted.
  package var connections = 10_000
  /// Maximum number of connections from one address; further ones are closed. Trusted proxies are exempt.
  package var connectionsPerAddress = 2_000
  /// Maximum size of one header field or of the request line, in bytes.
  package var headerField = 80 << 10
  /// Maximum size of all header fields, in bytes.
  package var headerList = 80 << 10
  /// Maximum number of header fields.
  package var headerCount = 100
  /// Maximum number of bytes of a request body that are read and discarded after its response has been sent.
  package var drained = 1 << 20

  /// The default limits.
  package init() {}
}
