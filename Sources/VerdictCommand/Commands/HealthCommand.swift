import ArgumentParser
import NIOCore
import NIOPosix
import NIOSSL

/// Queries a server's readiness: the health check for containers without an HTTP client.
struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health", abstract: "Exit with 0 if the server on this host is ready.",
    discussion: """
      Reads the same settings as the server. With a certificate it uses TLS and accepts any certificate, because the \\
      address already identifies the server.
      """)

  @Option(help: "Address that the server listens on. [VERDICT_HOST; default: 127.0.0.1]")
  var host: String?

  @Option(help: "Port of the server. [VERDICT_PORT; default: 8080]")
  var port: Int?

  @Option(
    name: .customLong("tls-cert"), help: "The server's certificate; enables TLS. [VERDICT_TLS_CERT]")
  var certificate: String?

  func run() async throws {
    let port = try port ?? Environment.number("verdict.port", default: 8_080)
    let host = Self.reachable(host ?? Environment.text("verdict.host") ?? "127.0.0.1")
    let tls = try (certificate ?? Environment.text("verdict.tls.cert")).map { _ in
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.certificateVerification = .none
      return try NIOSSLContext(configuration: configuration)
    }
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connectTimeout(.seconds(2))
      .connect(host: host, port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            try channel.pipeline.syncOperations.addHandler(
              NIOSSLClientHandler(context: tls, serverHostname: nil))
          }
          return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let authority = host.contains(":") ? "[\(host)]" : host
    let answer = try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(
        ByteBuffer(string: "GET /readyz HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\n\r\n"))
      var answer = ""
      for try await part in inbound {
        answer += String(buffer: part)
        // Only the status line matters, and a server may close without the closure alert of TLS.
        if answer.utf8.count >= Self.ready.utf8.count { break }
      }
      return answer
    }
    guard answer.hasPrefix(Self.ready) else { throw ExitCode.failure }
  }

  private static let ready = "HTTP/1.1 200"

  /// A reachable address of a server that listens on `host`, which may stand for all addresses.
  private static func reachable(_ host: String) -> String {
    switch host {
    case "0.0.0.0": "127.0.0.1"
    case "::", "[::]": "::1"
    default: host
    }
  }
}
