package import Logging
package import PostgreSQL
package import ServiceLifecycle
import Hummingbird
import NIOCore

/// Serves `/metrics` and `/healthz` in a process without an API, such as a worker.
package struct MetricsServer: Sendable {
  private let metrics: ProcessMetrics
  private let host: String
  private let port: Int
  private let logger: Logger

  /// Creates a server for `metrics` and the state of `pool`.
  ///
  /// - Parameters:
  ///   - host: address to listen on.
  ///   - port: port to listen on; 0 for any free port.
  package init(metrics: ProcessMetrics, pool: ConnectionPool, host: String, port: Int, logger: Logger) {
    self.metrics = metrics
    self.host = host
    self.port = port
    self.logger = logger
    metrics.registry.addSource(pool)
  }

  /// The service, which runs until graceful shutdown.
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
