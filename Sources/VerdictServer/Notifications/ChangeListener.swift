import Foundation
import Logging
import PostgreSQL
import ServiceLifecycle
import VerdictCore

/// Receives notifications of other processes over a connection of its own and forwards them within this process.
///
/// A successful LISTEN does not prove that notifications arrive: behind a pooler in transaction mode none does. The server
/// therefore sends itself a message over another connection, and relies on notifications only after that has arrived.
struct ChangeListener: Service, CustomStringConvertible {
  let description = "notifications"
  let listener: Listener
  let database: Database
  let served: ServedDatasets
  let authenticator: Authenticator
  let barrier: ChangeBarrier
  let jobs: JobWatch
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var calling: Task<Void, Never>?
      var message = ""
      for await event in listener.events() {
        switch event {
        case .connected:
          calling?.cancel()
          message = "hello:\(UUID().uuidString)"
          calling = Task { [message] in await call(message) }
        case .alive(let since): served.listening(since: since)
        case .disconnected(let error):
          calling?.cancel()
          served.listeningEnded()
          authenticator.listeningEnded()
          logger.warning("notifications are down", metadata: ["error": "\(error)"])
        case .notification(DatasetChanges.channel, message, _):
          calling?.cancel()
          served.listeningBegan()
          authenticator.listeningBegan()
        case .notification(DatasetChanges.channel, let payload, _):
          if let message = ChangeBarrier.Message(payload) {
            barrier.heard(message)
          } else if let (tenant, key) = DatasetChanges.parseRevocation(payload) {
            authenticator.revoked(tenant, key: key)
          } else {
            served.heard(payload)
          }
        case .notification(_, let payload, _): jobs.heard(payload)
        }
      }
      calling?.cancel()
    }
    served.listeningEnded()
  }

  /// Sends the message until it arrives, which cancels this.
  private func call(_ message: String) async {
    for attempt in 1... {
      do {
        try await DatasetChanges.call(message, in: database)
      } catch {
        if !Task.isCancelled { logger.debug("cannot send a notification", metadata: ["error": "\(error)"]) }
      }
      do {
        try await Task.sleep(for: .seconds(1))
      } catch {
        return
      }
      if attempt == 3 {
        logger.warning(
          "no notification arrives: is there a pooler in transaction mode? Every prediction queries the database instead"
        )
      }
    }
  }
}
