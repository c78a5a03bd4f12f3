import Foundation
import PostgreSQL
import Synchronization
import VerdictCore

/// Waits until every server has received the notification of a change, so that none uses the earlier state after the change
/// was acknowledged.
///
/// Notifications arrive in the order of their commits (PostgreSQL manual, NOTIFY), so a server that answers a ping sent after
/// the change has received the change. The servers are found by the names of their listening sessions. A server that does
/// not answer within ``ServedDatasets/livenessTimeout`` no longer trusts its cache either.
final class ChangeBarrier: Sendable {
  /// A message between servers: a ping, or the answer to one.
  enum Message: Equatable {
    case question(id: String)
    case answer(id: String, server: String)

    init?(_ payload: String) {
      let parts = payload.split(separator: ":").map(String.init)
      switch (parts.first, parts.count) {
      case ("ask", 2): self = .question(id: parts[1])
      case ("heard", 3): self = .answer(id: parts[1], server: parts[2])
      default: return nil
      }
    }

    var payload: String {
      switch self {
      case .question(let id): "ask:\(id)"
      case .answer(let id, let server): "heard:\(id):\(server)"
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

  /// Returns when every server has received what was committed before, or no longer trusts its cache.
  func pass() async {
    let id = UUID().uuidString
    let (answers, continuation) = AsyncStream<String>.makeStream()
    waiting.withLock { $0[id] = continuation }
    defer { waiting.withLock { $0[id] = nil } }
    do {
      let others = Set(try await DatasetChanges.listeners(in: database)).subtracting([server])
      guard !others.isEmpty else { return }
      try await DatasetChanges.call(Message.question(id: id).payload, in: database)
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          var missing = others
          for await server in answers {
            missing.remove(server)
            if missing.isEmpty { return }
          }
        }
        group.addTask { try? await Task.sleep(for: ServedDatasets.livenessTimeout) }
        await group.next()
        group.cancelAll()
      }
    } catch {
      // The change is committed, but the servers cannot be pinged.
      try? await Task.sleep(for: ServedDatasets.livenessTimeout)
    }
  }

  /// Answers a ping, or records an answer to one of this server's own.
  func heard(_ message: Message) {
    switch message {
    case .question(let id):
      let answer = Message.answer(id: id, server: server)
      Task { [database] in try? await DatasetChanges.call(answer.payload, in: database) }
    case .answer(let id, let server):
      _ = waiting.withLock { $0[id] }?.yield(server)
    }
  }
}
