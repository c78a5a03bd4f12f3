import ArgumentParser
import NIOCore
import NIOPosix

/// Asks a server whether it is ready: the health check of a container that has no HTTP client.
struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health", abstract: "Exit with 0 if the server on this host is ready.")

  @Option(help: "Port of the server. [VERDICT_PORT; default: 8080]")
  var port: Int?

  func run() async throws {
    let port = try port ?? Environment.number("verdict.port", default: 8_080)
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connectTimeout(.seconds(2))
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let answer = try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(
        ByteBuffer(string: "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"))
      var answer = ""
      for try await part in inbound where answer.utf8.count < 4_096 { answer += String(buffer: part) }
      return answer
    }
    guard answer.hasPrefix("HTTP/1.1 200") else { throw ExitCode.failure }
  }
}
