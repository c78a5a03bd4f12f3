internal import Logging

/// Transactions: BEGIN with the first statement, COMMIT, ROLLBACK.
extension Connection {
  /// Runs the closure in a transaction: COMMIT if it returns, ROLLBACK if it throws.
  ///
  /// BEGIN and `setup` travel with the first statement, so that they cost no round trip. A transaction without statements sends
  /// nothing. The server's answer to COMMIT decides about success: if the closure caught a statement's error, COMMIT throws
  /// `transactionAborted`. If the task is cancelled before COMMIT is sent, the transaction is rolled back; COMMIT itself is not
  /// interrupted.
  ///
  /// A COMMIT that is not confirmed in time severs the session, and its error has ``PostgreSQLError/isOutcomeUnknown``.
  ///
  /// `limit` bounds the duration of the whole transaction, COMMIT included; see ``Transaction/limited(to:)``. A COMMIT that is sent
  /// shortly before the limit has one second.
  public nonisolated(nonsending) func transaction<T>(
    setup: [Query] = [], isolation: IsolationLevel? = nil, readOnly: Bool = false,
    within limit: Duration? = nil,
    file: String = #fileID, line: Int = #line,
    _ body: nonisolated(nonsending) (Transaction) async throws -> T
  ) async throws -> T {
    if !readOnly { try configuration.commitBreaker?.admit() }
    let context = TransactionContext(setup, isolation, readOnly: readOnly)
    let call = Call(sql: nil, file: file, line: line, ignoresCancellation: true)
    let deadline = limit.map { ContinuousClock.now + $0 }
    let result: T
    do {
      result = try await body(Transaction(connection: self, context: context, deadline: deadline))
      if Task.isCancelled { throw PostgreSQLError(.cancelled, "the task was cancelled before COMMIT") }
      if let deadline, deadline <= .now {
        throw PostgreSQLError(.statementTimeout, "the transaction took longer than allowed before COMMIT")
      }
    } catch {
      await rollback(context, call, isLimited: deadline != nil)
      context.ended(mayBeCommitted: false)
      throw error
    }
    do {
      try await commit(context, call.before(commitDeadline(deadline)))
    } catch {
      context.ended(mayBeCommitted: (error as? PostgreSQLError)?.isOutcomeUnknown ?? false)
      throw error
    }
    context.ended(mayBeCommitted: true)
    return result
  }

  /// The deadline of COMMIT: at least one grace period, since cutting it short would leave the outcome unknown.
  private func commitDeadline(_ deadline: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
    deadline.map { max($0, .now + Call.grace) }
  }

  /// The statements to send before the next statement of the transaction. Called by the current operation.
  func openTransaction(_ context: TransactionContext) throws -> [Query] {
    switch context.phase {
    case .pending(let prefix):
      guard !inTransactionBlock else {
        throw PostgreSQLError(.misuse, "another transaction is open on this connection")
      }
      state.withLock { $0.transaction = context }
      return prefix
    case .open:
      guard inTransactionBlock, isInside(context) else {
        throw PostgreSQLError(.misuse, "the transaction has ended")
      }
      return []
    case .dead: throw PostgreSQLError(.misuse, "the transaction has ended or never began")
    }
  }

  private func isInside(_ context: TransactionContext) -> Bool {
    state.withLock { $0.transaction === context }
  }

  private func commit(_ context: TransactionContext, _ call: Call) async throws {
    guard case .open = context.phase else {
      if case .dead = context.phase {
        throw PostgreSQLError(.transactionAborted, "the transaction never began")
      }
      context.phase = .dead
      return
    }
    defer { end(context) }
    let results: [QueryResult]
    do {
      results = try await run(["COMMIT"], call, in: context)
    } catch {
      // A deferred constraint ends the transaction; other errors may leave it open.
      await rollback(context, call, isLimited: call.grace != nil)
      throw error
    }
    guard results.first?.commandTag == "COMMIT" else {
      throw PostgreSQLError(.transactionAborted, "an error inside had aborted the transaction")
        .located(query: "COMMIT", file: call.file, line: call.line)
    }
  }

  private func rollback(_ context: TransactionContext, _ call: Call, isLimited: Bool) async {
    defer { end(context) }
    guard case .open = context.phase else { return }
    // The deadline may have passed, so ROLLBACK has a short one of its own.
    await rollBackWhatIsOpen(isLimited ? call.before(.now + Call.grace) : call) { self.isInside(context) }
  }

  private func end(_ context: TransactionContext) {
    context.phase = .dead
    state.withLock { state in
      if state.transaction === context { state.transaction = nil }
    }
  }

  /// Prepares the connection for the next borrower: waits for the running operation and rolls back an open transaction.
  func reset() async {
    await rollBackWhatIsOpen(Call(sql: nil, file: #fileID, line: #line, ignoresCancellation: true)) { true }
    state.withLock { $0.transaction = nil }
  }

  /// Rolls back once the running operation has ended, if the session is then in a transaction for which `ours` is true. The
  /// connection is closed if that fails.
  private func rollBackWhatIsOpen(_ call: Call, _ ours: () -> Bool) async {
    let id = OperationID.next()
    // A connection without a next operation has ended, and its transaction with it.
    guard (try? await enter(id, ignoresCancellation: true)) != nil else { return }
    let timer = scheduleTimeout(id, call)
    defer { if let timer { loop.cancel(timer) } }
    do {
      if inTransactionBlock, ours() { _ = try await exchange(["ROLLBACK"], call, id) }
    } catch {
      let failure = (error as? PostgreSQLError) ?? PostgreSQLError(.connectionLost, "ROLLBACK failed")
      // The transaction ends with its session, and the statement's own error has been reported.
      logger.log(
        level: failure.isConnectionProblem ? .debug : .warning, "ROLLBACK failed, the connection is closed",
        metadata: ["error": "\(failure)"])
      tearDown(failure)
    }
    await finish(id)
  }
}
