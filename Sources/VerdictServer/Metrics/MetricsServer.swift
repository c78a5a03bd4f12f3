package import Logging
package import PostgreSQL
package import ServiceLifecycle
import Hummingbird
import NIOCore

/// `/metrics` and `/healthz` of a process that answers no other requests.
package struct MetricsServer: Sendable {
  private let metrics: ProcessMetrics
  private let host: String
  private let port: Int
  private let logger: Logger

  /// A server that shows `metrics`, and the state of `pool`.
  ///
  /// - Parameters:
  ///   - host: address to listen on.
  ///   - port: 0 for any free one.
  package init(metrics: ProcessMetrics, pool: ConnectionPool, host: String, port: Int, logger: Logger) {
    self.metrics = metrics
    self.host = host
    self.port = port
    self.logger = logger
    metrics.registry.show(pool)
  }

  /// Runs until graceful shutdown.
  package func service() -> any Service {
    let router = Router()
    router.get("/healthz") { _, _ in "ok\n" }
    router.get("/metrics") { [metrics] _, _ in
      Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: .init(byteBuffer: ByteBuffer(string: await metrics.registry.text())))
    }
    return Application(
      router: router,
      configuration: .init(address: .hostname(host, port: port), serverName: "verdict"),
      onServerRunning: { [host, port, logger] channel in
        logger.notice("metrics at http://\(host):\(channel.localAddress?.port ?? port)/metrics")
      },
      logger: logger)
  }
}
