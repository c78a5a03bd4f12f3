import Foundation
import Logging
import PostgreSQL
import ServiceLifecycle
import VerdictCore

/// Hears what other processes announce, over a connection of its own, and passes it on within this one.
///
/// That a LISTEN succeeded says little: behind a pooler in transaction mode nothing ever arrives. So the server first sends
/// itself a word by another connection, and counts on announcements only once it has heard that.
struct ChangeListener: Service, CustomStringConvertible {
  let description = "announcements"
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
          logger.warning("announcements are down", metadata: ["error": "\(error)"])
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

  /// Sends the word until it is heard, which cancels.
  private func call(_ message: String) async {
    for attempt in 1... {
      do {
        try await DatasetChanges.call(message, in: database)
      } catch {
        if !Task.isCancelled { logger.debug("cannot announce", metadata: ["error": "\(error)"]) }
      }
      do {
        try await Task.sleep(for: .seconds(1))
      } catch {
        return
      }
      if attempt == 3 {
        logger.warning(
          "no announcement arrives: is there a pooler in transaction mode? Every prediction asks the database instead"
        )
      }
    }
  }
}
