/// How long a client may take, and how much it may ask for.
package struct ConnectionLimits: Sendable {
  /// For the header section of a request, from its first byte (or the connection's beginning, TLS handshake included); for
  /// taking in any byte of an answer; for closing a connection on which nothing more is to come.
  package var head: Duration = .seconds(15)
  /// Between two requests on a connection.
  package var idle: Duration = .seconds(75)
  /// How many bytes a second of a body must come while the server waits for them, over ``head``.
  package var bytesPerSecond = 100
  /// Connections at a time; more wait to be accepted.
  package var connections = 10_000
  /// Connections at a time from one address; more are closed. Trusted proxies are exempt.
  package var connectionsPerAddress = 2_000
  /// Bytes of one header field or of the request line.
  package var headerField = 64 << 10
  /// Bytes of all header fields.
  package var headerList = 80 << 10
  /// How many header fields.
  package var headerCount = 100
  /// Bytes of a body that are still read, and thrown away, after its answer has gone.
  package var drained = 1 << 20

  /// The default limits.
  package init() {}
}
