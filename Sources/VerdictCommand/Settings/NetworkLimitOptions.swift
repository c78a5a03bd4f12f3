import ArgumentParser
import Glibc
import VerdictServer

/// Options of the HTTP server: TLS, trusted proxies, CORS, limits.
struct NetworkLimitOptions: ParsableArguments {
  @Option(
    name: .customLong("tls-cert"),
    help: "Certificate with its chain, PEM; enables HTTPS. [VERDICT_TLS_CERT]")
  var certificate: String?

  @Option(name: .customLong("tls-key"), help: "Private key of the certificate, PEM. [VERDICT_TLS_KEY]")
  var key: String?

  @Option(
    name: .customLong("trusted-proxy"),
    help: "Proxies whose X-Forwarded-For is trusted: comma-separated CIDRs. [VERDICT_TRUSTED_PROXY]")
  var proxies: String?

  @Option(
    name: .customLong("cors-origin"),
    help: "Origin whose pages may call the API from a browser, or *. [VERDICT_CORS_ORIGIN; default: none]")
  var origin: String?

  @Option(help: "Concurrent connections. [VERDICT_MAX_CONNECTIONS; default: 10000]")
  var maxConnections: Int?

  @Option(
    help:
      "Concurrent connections from one address, trusted proxies excepted. [VERDICT_MAX_CONNECTIONS_PER_ADDRESS; default: 2000]"
  )
  var maxConnectionsPerAddress: Int?

  @Option(
    help:
      "Seconds to receive a request's headers, and without progress of a body or response. [VERDICT_CLIENT_TIMEOUT; default: 15]"
  )
  var clientTimeout: Int?

  @Option(help: "Burst of failed authentications from one address. [VERDICT_WRONG_KEYS; default: 500]")
  var wrongKeys: Int?

  @Option(
    help:
      "Requests a second without a valid key from one address; further ones are held back. [VERDICT_UNAUTHENTICATED_RATE; default: 500]"
  )
  var unauthenticatedRate: Int?

  /// The network limits of these options and their environment variables.
  ///
  /// - Throws: `ValidationError`.
  func networkLimits() throws -> NetworkLimits {
    var network = NetworkLimits()
    let certificate = certificate ?? Environment.text("verdict.tls.cert")
    let key = key ?? Environment.text("verdict.tls.key", isSecret: true)
    switch (certificate, key) {
    case (nil, nil): break
    case (let certificate?, let key?): network.tls = .init(certificate: certificate, key: key)
    default: throw ValidationError("--tls-cert and --tls-key require each other.")
    }
    for text in (proxies ?? Environment.text("verdict.trusted.proxy") ?? "").split(separator: ",") {
      guard let proxy = Network(String(text)) else {
        throw ValidationError("\(text) is not an address or CIDR, such as 10.0.0.0/8.")
      }
      network.trustedProxies.append(proxy)
    }
    network.failedAuthBurst = try wrongKeys ?? Environment.number("verdict.wrong.keys", default: 500)
    network.unauthenticatedRate =
      try unauthenticatedRate ?? Environment.number("verdict.unauthenticated.rate", default: 500)
    guard (10...1_000_000).contains(network.unauthenticatedRate) else {
      throw ValidationError("The rate of requests without a key must be from 10 to 1000000 a second.")
    }
    network.corsOrigin = origin ?? Environment.text("verdict.cors.origin")
    let connections = try maxConnections ?? Environment.number("verdict.max.connections", default: 10_000)
    network.limits.connectionsPerAddress =
      try maxConnectionsPerAddress
      ?? Environment.number("verdict.max.connections.per.address", default: 2_000)
    let seconds = try clientTimeout ?? Environment.number("verdict.client.timeout", default: 15)
    guard (1...1_000_000).contains(connections),
      (1...1_000_000).contains(network.limits.connectionsPerAddress),
      (1...3_600).contains(seconds),
      (1...1_000_000).contains(network.failedAuthBurst)
    else {
      throw ValidationError(
        "Connections and failed authentications must be from 1 to 1000000, the client timeout from 1 to 3600 seconds."
      )
    }
    network.limits.connections = min(connections, Self.openFiles() - 256)
    network.limits.head = .seconds(seconds)
    network.limits.idle = .seconds(max(seconds, 75))
    return network
  }

  /// Raises the limit of open files as far as the process may (setrlimit(2)), up to 65536, and returns the limit.
  private static func openFiles() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
    let wanted = min(limit.rlim_max, 65_536)
    if limit.rlim_cur < wanted {
      var raised = limit
      raised.rlim_cur = wanted
      if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    }
    return max(512, Int(clamping: limit.rlim_cur))
  }
}
