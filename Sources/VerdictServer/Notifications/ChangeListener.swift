import Foundation
import Logging
import PostgreSQL
import ServiceLifecycle
import VerdictCore

/// Receives the notifications of other processes on a dedicated connection and invalidates caches of this process.
///
/// A successful LISTEN proves little, because behind a pooler in transaction mode no notification ever arrives. The server
/// therefore sends itself a message through another connection, and relies on notifications once that has arrived.
struct ChangeListener: Service, CustomStringConvertible {
  let description = "change listener"
  let listener: Listener
  let database: Database
  let served: ServedDatasets
  let authenticator: Authenticator
  let barrier: ChangeBarrier
  let jobs: JobEventHub
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var selfTest: Task<Void, Never>?
      var message = ""
      for await event in listener.events() {
        switch event {
        case .connected:
          selfTest?.cancel()
          message = "hello:\(UUID().uuidString)"
          selfTest = Task { [message] in await sendRepeatedly(message) }
        case .alive(let since): served.listening(since: since)
        case .disconnected(let error):
          selfTest?.cancel()
          served.listeningEnded()
          authenticator.listeningEnded()
          logger.warning("notification connection lost", metadata: ["error": "\(error)"])
        case .notification(DatasetChanges.channel, message, _):
          selfTest?.cancel()
          served.listeningBegan()
          authenticator.listeningBegan()
        case .notification(DatasetChanges.channel, let payload, _):
          if let message = ChangeBarrier.Message(payload) {
            barrier.receive(message)
          } else if let (tenant, key) = DatasetChanges.parseRevocation(payload) {
            authenticator.revoked(tenant, key: key)
          } else {
            served.invalidate(payload)
          }
        case .notification(_, let payload, _): jobs.publish(payload)
        }
      }
      selfTest?.cancel()
    }
    served.listeningEnded()
  }

  /// Sends a message every second until its arrival cancels this task.
  private func sendRepeatedly(_ message: String) async {
    for attempt in 1... {
      do {
        try await DatasetChanges.send(message, in: database)
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
          "no notification arrives, as behind a pooler in transaction mode; every prediction queries the database instead"
        )
      }
    }
  }
}
