import Foundation
import PostgreSQL
import Synchronization
import VerdictCore

/// Waits until every server has heard of a change, so that none answers by what was before once the change is answered.
///
/// Announcements arrive in the order of their commits (PostgreSQL manual, NOTIFY). So a server that answers a question which was
/// asked after the change has heard of the change. Which servers there are is seen by the names of their listening
/// sessions; one that does not answer does not trust its memory either after ``ServedDatasets/patience``.
final class ChangeBarrier: Sendable {
  /// What servers say to each other.
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

  /// The name of this server among those that listen.
  let server = DatasetChanges.listenerName(UUID().uuidString)
  private let database: Database
  private let waiting = Mutex<[String: AsyncStream<String>.Continuation]>([:])

  init(database: Database) {
    self.database = database
  }

  /// Returns when all servers have heard of what was committed before, or do not go by their memory any more.
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
      // The change is committed, and nobody can be asked.
      try? await Task.sleep(for: ServedDatasets.livenessTimeout)
    }
  }

  /// Answers a question, or takes an answer to one of this server's own.
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
