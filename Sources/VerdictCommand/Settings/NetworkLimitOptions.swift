import ArgumentParser
import Glibc
import VerdictServer

/// What stands between the network and the server: TLS, proxies, browsers, limits.
struct NetworkLimitOptions: ParsableArguments {
  @Option(
    name: .customLong("tls-cert"),
    help: "Certificate with its chain, PEM: the server then speaks HTTPS. [VERDICT_TLS_CERT]")
  var certificate: String?

  @Option(name: .customLong("tls-key"), help: "Private key of the certificate, PEM. [VERDICT_TLS_KEY]")
  var key: String?

  @Option(
    name: .customLong("trusted-proxy"),
    help: "Proxies whose X-Forwarded-For is believed: CIDRs with commas between. [VERDICT_TRUSTED_PROXY]")
  var proxies: String?

  @Option(
    name: .customLong("cors-origin"),
    help: "Origin whose pages may use the API from a browser, or *. [VERDICT_CORS_ORIGIN; default: none]")
  var origin: String?

  @Option(help: "Connections at a time. [VERDICT_MAX_CONNECTIONS; default: 10000]")
  var maxConnections: Int?

  @Option(
    help:
      "Connections at a time from one address that is no trusted proxy. [VERDICT_MAX_CONNECTIONS_PER_ADDRESS; default: 2000]"
  )
  var maxConnectionsPerAddress: Int?

  @Option(
    help:
      "Seconds for a request's headers, in which its body must get on, and an answer must. [VERDICT_CLIENT_TIMEOUT; default: 15]"
  )
  var clientTimeout: Int?

  @Option(help: "Wrong keys that an address may try at once. [VERDICT_WRONG_KEYS; default: 500]")
  var wrongKeys: Int?

  /// - Throws: `ValidationError`.
  func networkLimits() throws -> NetworkLimits {
    var door = NetworkLimits()
    let certificate = certificate ?? Environment.text("verdict.tls.cert")
    let key = key ?? Environment.text("verdict.tls.key", isSecret: true)
    switch (certificate, key) {
    case (nil, nil): break
    case (let certificate?, let key?): door.tls = .init(certificate: certificate, key: key)
    default: throw ValidationError("--tls-cert and --tls-key go together.")
    }
    for text in (proxies ?? Environment.text("verdict.trusted.proxy") ?? "").split(separator: ",") {
      guard let network = Network(String(text)) else {
        throw ValidationError("\(text) is no address and no CIDR, such as 10.0.0.0/8.")
      }
      door.trustedProxies.append(network)
    }
    door.failedAuthBurst = try wrongKeys ?? Environment.number("verdict.wrong.keys", default: 500)
    door.corsOrigin = origin ?? Environment.text("verdict.cors.origin")
    let connections = try maxConnections ?? Environment.number("verdict.max.connections", default: 10_000)
    door.limits.connectionsPerAddress =
      try maxConnectionsPerAddress
      ?? Environment.number("verdict.max.connections.per.address", default: 2_000)
    let seconds = try clientTimeout ?? Environment.number("verdict.client.timeout", default: 15)
    guard (1...1_000_000).contains(connections), (1...1_000_000).contains(door.limits.connectionsPerAddress),
      (1...3_600).contains(seconds),
      (1...1_000_000).contains(door.failedAuthBurst)
    else {
      throw ValidationError(
        "Connections and wrong keys are 1 to 1000000, the client timeout 1 to 3600 seconds.")
    }
    door.limits.connections = min(connections, Self.openFiles() - 256)
    door.limits.head = .seconds(seconds)
    door.limits.idle = .seconds(max(seconds, 75))
    return door
  }

  /// Raises the number of files that the process may have open as far as it is allowed to (setrlimit(2)), and tells it.
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
