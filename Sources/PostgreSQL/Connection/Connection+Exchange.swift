internal import CLibPQ
internal import Synchronization

/// Sending a pipeline of statements and reading its results.
extension Connection {
  /// The commands queued for one exchange.
  private struct Batch {
    var commands: [ExchangeSteps.Command] = []
    /// The index of the statement that each command belongs to.
    var statementOf: [Int?] = []
    var prepared: [(command: Int, sql: String, types: [PostgresType], name: String)] = []
    var deallocated: [(command: Int, name: String)] = []

    mutating func append(_ command: ExchangeSteps.Command, _ statement: Int?) {
      commands.append(command)
      statementOf.append(statement)
    }
  }

  /// Queues, sends and reads one batch.
  func exchangeOnce(_ queries: [Query]) async throws -> (ExchangeSteps.Outcome, [Int?]) {
    for query in queries where query.binds.count > Int(UInt16.max) {
      throw PostgreSQLError(.encoding, "more than 65535 parameters").located(
        query: query.sql, file: nil, line: nil)
    }
    if queries.count == 1, statements.obsolete.isEmpty,
      let name = statements.find(queries[0].sql, queries[0].binds.slots)
    {
      // Fast path for one cached statement, without the bookkeeping of a batch.
      guard let libpq, send(queries[0], name, libpq.connection), PQpipelineSync(libpq.connection) == 1 else {
        throw sendFailure()
      }
      let outcome = try await perform(ExchangeSteps(Self.oneStatement))
      noteBuffers(queries, outcome)
      return (outcome, Self.oneStatementOf)
    }
    var batch = Batch()
    guard queue(queries, into: &batch) else { throw sendFailure() }
    let outcome = try await perform(ExchangeSteps(batch.commands))
    remember(batch, outcome)
    noteBuffers(queries, outcome)
    return (outcome, batch.statementOf)
  }

  /// The size in bytes of parameters or of a result from which on libpq's buffers count as large.
  private static let largeMessage = 8 << 20

  /// Notes that libpq's buffers have grown: one holds a whole message, and neither shrinks while the session lasts.
  private func noteBuffers(_ queries: [Query], _ outcome: ExchangeSteps.Outcome) {
    for query in queries where query.binds.bytes.count >= Self.largeMessage {
      hasLargeBuffers.store(true, ordering: .releasing)
    }
    // The result may also be of many small rows. They are rare, too.
    for result in outcome.results where result.memorySize >= Self.largeMessage {
      hasLargeBuffers.store(true, ordering: .releasing)
    }
  }

  private static let oneStatement: [ExchangeSteps.Command] = [.statement, .sync]
  private static let oneStatementOf: [Int?] = [0, nil]

  private func sendFailure() -> PostgreSQLError {
    let error = failure ?? PostgreSQLError(.connectionLost, libpq?.errorMessage ?? "the connection is closed")
    // Part of a batch may be queued, so that the state of the session is unknown.
    tearDown(error)
    return error
  }

  private func queue(_ queries: [Query], into batch: inout Batch) -> Bool {
    guard let connection = libpq?.connection else { return false }
    // DEALLOCATE would fail in an aborted transaction; it waits for the next exchange.
    if !statements.obsolete.isEmpty, !inTransactionBlock {
      for name in statements.obsolete {
        guard PQsendQueryParams(connection, "DEALLOCATE \(name)", 0, nil, nil, nil, nil, 1) == 1 else {
          return false
        }
        batch.deallocated.append((batch.commands.count, name))
        batch.append(.housekeeping, nil)
        // A separate Sync: VACUUM and similar statements refuse to share a segment with another statement.
        guard PQpipelineSync(connection) == 1 else { return false }
        batch.append(.sync, nil)
      }
    }
    for (index, query) in queries.enumerated() {
      guard queue(query, index, connection, into: &batch) else { return false }
    }
    guard PQpipelineSync(connection) == 1 else { return false }
    batch.append(.sync, nil)
    return true
  }

  private func queue(_ query: Query, _ index: Int, _ connection: OpaquePointer, into batch: inout Batch)
    -> Bool
  {
    var name = ""
    if let known = statements.find(query.sql, query.binds.slots) {
      name = known
    } else if statements.capacity > 0 {
      let types = query.binds.types
      if let known = batch.prepared.first(where: { $0.sql == query.sql && $0.types == types }) {
        name = known.name
      } else {
        name = statements.newName()
        let oids = types.map(\.rawValue)
        guard PQsendPrepare(connection, name, query.sql, Int32(oids.count), oids) == 1 else { return false }
        batch.prepared.append((batch.commands.count, query.sql, types, name))
        batch.append(.prepare, index)
      }
    }
    batch.append(.statement, index)
    return send(query, name, connection)
  }

  /// Queues a statement: a prepared one by its name, or an unprepared one if the name is empty.
  private func send(_ query: Query, _ name: String, _ connection: OpaquePointer) -> Bool {
    query.binds.withPointers { count, values, lengths, formats in
      if !name.isEmpty {
        return PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1) == 1
      }
      let oids = query.binds.slots.map(\.type.rawValue)
      return PQsendQueryParams(connection, query.sql, count, oids, values, lengths, formats, 1) == 1
    }
  }

  private func remember(_ batch: Batch, _ outcome: ExchangeSteps.Outcome) {
    if batch.prepared.isEmpty, batch.deallocated.isEmpty { return }
    let prepared = Set(outcome.prepared)
    for entry in batch.prepared where prepared.contains(entry.command) {
      statements.insert(entry.sql, entry.types, name: entry.name)
    }
    // A DEALLOCATE fails if the statement does not exist, so that a retry would not help.
    statements.deallocated(Set(batch.deallocated.map(\.name)))
  }
}

extension Binds {
  /// Calls `body` with the parameters in libpq's form: count, addresses, lengths, formats (1: binary).
  func withPointers<T>(
    _ body: (
      Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
    ) -> T
  ) -> T {
    if slots.isEmpty { return body(0, nil, nil, nil) }
    return bytes.withUnsafeBytes { raw in
      // An empty value needs an address, because libpq takes a null pointer for NULL.
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: slots.count) { values in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * slots.count) { numbers in
          for (index, slot) in slots.enumerated() {
            let base = raw.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) }
            values.initializeElement(
              at: index, to: slot.length < 0 ? nil : base.map { $0 + slot.offset } ?? Self.empty)
            numbers.initializeElement(at: index, to: max(0, slot.length))
            numbers.initializeElement(at: slots.count + index, to: 1)
          }
          guard let lengths = numbers.baseAddress else { return body(0, nil, nil, nil) }
          return body(Int32(slots.count), values.baseAddress, lengths, lengths + slots.count)
        }
      }
    }
  }

  /// The address of empty values. Never written, never freed.
  nonisolated(unsafe) private static let empty: UnsafePointer<CChar> = {
    let byte = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    byte.initialize(to: 0)
    return UnsafePointer(byte)
  }()
}
