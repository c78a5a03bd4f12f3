import Foundation
import PostgreSQL
import Synchronization
import VerdictCore

/// Waits until every server process has received a notification, so that no server answers from a stale cache after the response
/// to a change has been sent.
///
/// Notifications arrive in the order of their commits (PostgreSQL manual, NOTIFY). A server that acknowledges a probe sent after
/// the change has therefore received the change. The names of the listening sessions tell which servers exist. A server
/// that does not acknowledge stops trusting its cache after ``ServedDatasets/livenessTimeout``.
final class ChangeBarrier: Sendable {
  /// A message between servers. Servers of other versions parse the payloads, so their format must not change.
  enum Message: Equatable {
    case probe(id: String)
    case acknowledgement(id: String, server: String)

    init?(_ payload: String) {
      let parts = payload.split(separator: ":").map(String.init)
      switch (parts.first, parts.count) {
      case ("ask", 2): self = .probe(id: parts[1])
      case ("heard", 3): self = .acknowledgement(id: parts[1], server: parts[2])
      default: return nil
      }
    }

    var payload: String {
      switch self {
      case .probe(let id): "ask:\(id)"
      case .acknowledgement(let id, let server): "heard:\(id):\(server)"
      }
    }
  }

  /// The name of this server's listening session.
  let server = DatasetChanges.listenerName(UUID().uuidString)
  private let database: Database
  private let waiting = Mutex<[String: AsyncStream<String>.Continuation]>([:])

  init(database: Database) {
    self.database = database
  }

  /// Returns when all other servers have received the notifications of earlier commits, or have stopped trusting their caches.
  func wait() async {
    let id = UUID().uuidString
    let (acknowledgements, continuation) = AsyncStream<String>.makeStream()
    waiting.withLock { $0[id] = continuation }
    defer { waiting.withLock { $0[id] = nil } }
    do {
      let others = Set(try await DatasetChanges.listeners(in: database)).subtracting([server])
      guard !others.isEmpty else { return }
      try await DatasetChanges.send(Message.probe(id: id).payload, in: database)
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          var missing = others
          for await server in acknowledgements {
            missing.remove(server)
            if missing.isEmpty { return }
          }
        }
        group.addTask { try? await Task.sleep(for: ServedDatasets.livenessTimeout) }
        await group.next()
        group.cancelAll()
      }
    } catch {
      // The change is committed, but no server can be asked: their caches expire after this time.
      try? await Task.sleep(for: ServedDatasets.livenessTimeout)
    }
  }

  /// Acknowledges a probe, or delivers an acknowledgement to the probe of this server that waits for it.
  func receive(_ message: Message) {
    switch message {
    case .probe(let id):
      let reply = Message.acknowledgement(id: id, server: server)
      Task { [database] in try? await DatasetChanges.send(reply.payload, in: database) }
    case .acknowledgement(let id, let server):
      _ = waiting.withLock { $0[id] }?.yield(server)
    }
  }
}
