import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOSSL

/// What stands between the network and the routes.
package struct NetworkLimits: Sendable {
  /// The certificate that the server shows, and its key.
  package struct TLS: Sendable {
    /// Path of the certificate with those that lead to its root, in PEM.
    package var certificate: String
    /// Path of its private key, in PEM.
    package var key: String

    /// Makes a setting; see the properties.
    package init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// How long clients may take, and how much.
  package var limits = ConnectionLimits()
  /// TLS; none where a proxy speaks it.
  package var tls: TLS?
  /// Proxies whose `X-Forwarded-For` is believed.
  package var trustedProxies: [Network] = []
  /// The origin whose pages may use the API from a browser (`*` for all); none unless set.
  package var corsOrigin: String?
  /// How many wrong keys an address may try at once.
  package var failedAuthBurst = 500

  /// The defaults.
  package init() {}

  /// Speaks HTTP/1.1, over TLS if that is set.
  ///
  /// - Throws: `NIOSSLError` for a certificate or key that cannot be read.
  func server(logger: Logger) throws -> HTTPServerBuilder {
    let counts = ConnectionCounts(limit: limits.connectionsPerAddress, addresses: addresses)
    let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
      maxHeaderFieldSize: limits.headerField, maxHeaderListSize: limits.headerList,
      maxHeaderFieldCount: limits.headerCount)
    let http = HTTPServerBuilder.http1(
      configuration: .init(
        additionalChannelHandlers: [ConnectionWatch(limits, counts, logger: logger)],
        httpDecoderConfiguration: decoder))
    guard let tls else { return http }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(tls.certificate).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: tls.key, format: .pem)))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    return try .tls(http, tlsConfiguration: configuration)
  }

  /// Lets pages of the origin that is set use the API; nobody's, if none is.
  var crossOrigin: CrossOrigin? { corsOrigin.map(CrossOrigin.init) }

  /// Where requests come from.
  var addresses: ClientAddress { ClientAddress(proxies: trustedProxies) }
}
