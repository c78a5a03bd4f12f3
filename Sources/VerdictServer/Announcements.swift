import Logging
import PostgreSQL
import ServiceLifecycle
import VerdictCore

/// Hears what other processes announce, over a connection of its own, and passes it on within this one.
struct Announcements: Service, CustomStringConvertible {
  let description = "announcements"
  let listener: Listener
  let served: ServedDatasets
  let jobs: JobWatch
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      for await event in listener.events() {
        switch event {
        case .connected: served.listeningBegan()
        case .disconnected(let error):
          served.listeningEnded()
          logger.warning("announcements are down", metadata: ["error": "\(error)"])
        case .notification(DatasetChanges.channel, let payload, _): served.heard(payload)
        case .notification(_, let payload, _): jobs.heard(payload)
        }
      }
    }
    served.listeningEnded()
  }
}
