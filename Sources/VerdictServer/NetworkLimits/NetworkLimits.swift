import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOSSL

/// The settings of the HTTP server towards the network: TLS, trusted proxies, CORS and limits for clients.
package struct NetworkLimits: Sendable {
  /// The server's certificate and its private key.
  package struct TLS: Sendable {
    /// Path of the certificate chain in PEM.
    package var certificate: String
    /// Path of the private key in PEM.
    package var key: String

    /// Creates the settings; see the properties.
    package init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// Timeouts, sizes and counts for client connections.
  package var limits = ConnectionLimits()
  /// TLS; `nil` where a proxy terminates it.
  package var tls: TLS?
  /// Proxies whose `X-Forwarded-For` is trusted.
  package var trustedProxies: [Network] = []
  /// The origin whose pages may call the API from a browser (`*` for all); `nil` disables CORS.
  package var corsOrigin: String?
  /// The number of unknown API keys that one address may try in a burst.
  package var failedAuthBurst = 500
  /// The number of requests a second without a valid API key that an address may make; further ones are held back.
  package var unauthenticatedRate = 500

  /// The default settings.
  package init() {}

  /// An HTTP/1.1 server with these limits, over TLS if that is configured.
  ///
  /// - Throws: `NIOSSLError` for a certificate or key that cannot be read.
  func server(logger: Logger) throws -> HTTPServerBuilder {
    let addressLimiter = AddressConnectionLimiter(limit: limits.connectionsPerAddress, addresses: addresses)
    let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
      maxHeaderFieldSize: limits.headerField, maxHeaderListSize: limits.headerList,
      maxHeaderFieldCount: limits.headerCount)
    let http = HTTPServerBuilder.http1(
      configuration: .init(
        additionalChannelHandlers: [
          MessageCodec(), ConnectionTimeoutHandler(limits, addressLimiter, logger: logger),
        ],
        httpDecoderConfiguration: decoder))
    guard let tls else { return http }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(tls.certificate).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: tls.key, format: .pem)))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    return try .tls(http, tlsConfiguration: configuration)
  }

  /// The CORS policy; `nil` if no origin is configured.
  var corsPolicy: CORSPolicy? { corsOrigin.map(CORSPolicy.init) }

  /// Determines client addresses behind the trusted proxies.
  var addresses: ClientAddress { ClientAddress(proxies: trustedProxies) }
}
