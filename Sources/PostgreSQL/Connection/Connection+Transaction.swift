internal import Logging

extension Connection {
  /// Runs the closure in a transaction: COMMIT if it returns, ROLLBACK if it throws.
  ///
  /// BEGIN and `setup` travel with the first statement, so that they cost no round trip; a transaction without
  /// statements sends nothing. What COMMIT itself answers decides about success: if a statement's error was
  /// caught inside, it throws `transactionAborted`. If the task is cancelled before COMMIT is sent, the
  /// transaction is rolled back; COMMIT itself is not interrupted.
  ///
  /// A COMMIT that is not confirmed in time severs the session, and its error says that the outcome is unknown:
  /// ``PostgreSQLError/isOutcomeUnknown``.
  ///
  /// - Parameter limit: how long all of it may take, COMMIT included; see ``Transaction/limited(to:)``. A COMMIT that is sent
  ///   just before has a second.
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

  /// Until when COMMIT must be confirmed: one that was hardly sent is not worth an unknown outcome.
  private func commitDeadline(_ deadline: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
    deadline.map { max($0, .now + Call.grace) }
  }

  /// What must be sent before the next statement of the transaction. On the actor, as the current operation.
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
      // A deferred constraint ends the transaction; anything else may leave it open.
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
    // The deadline may have passed; what follows it is short, too.
    await rollBackWhatIsOpen(isLimited ? call.before(.now + Call.grace) : call) { self.isInside(context) }
  }

  private func end(_ context: TransactionContext) {
    context.phase = .dead
    state.withLock { state in
      if state.transaction === context { state.transaction = nil }
    }
  }

  /// Makes the connection fit for the next borrower: waits for what is running, rolls back an open transaction.
  func reset() async {
    await rollBackWhatIsOpen(Call(sql: nil, file: #fileID, line: #line, ignoresCancellation: true)) { true }
    state.withLock { $0.transaction = nil }
  }

  /// Rolls back if, when it is this operation's turn, the session is in a transaction that is `ours`. A
  /// connection on which that fails is closed.
  private func rollBackWhatIsOpen(_ call: Call, _ ours: () -> Bool) async {
    let id = OperationID.next()
    // A connection that cannot be entered has ended, and the transaction with it.
    guard (try? await enter(id, ignoresCancellation: true)) != nil else { return }
    let timer = scheduleTimeout(id, call)
    defer { if let timer { loop.cancel(timer) } }
    do {
      if inTransactionBlock, ours() { _ = try await exchange(["ROLLBACK"], call, id) }
    } catch {
      let failure = (error as? PostgreSQLError) ?? PostgreSQLError(.connectionLost, "ROLLBACK failed")
      // With the session the transaction is gone anyway; the statement's own error has told of it.
      logger.log(
        level: failure.isConnectionProblem ? .debug : .warning, "ROLLBACK failed, the connection is closed",
        metadata: ["error": "\(failure)"])
      tearDown(failure)
    }
    await finish(id)
  }
}
