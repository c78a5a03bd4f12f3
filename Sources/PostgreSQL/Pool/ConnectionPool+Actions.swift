internal import Logging
internal import Synchronization

/// Carrying out the actions of the state machine.
extension ConnectionPool {
  /// A side effect of an action, carried out after the lock is released.
  private enum Effect {
    case connect(Int)
    case retry(ContinuousClock.Instant)
    case resume(CheckedContinuation<Lease, any Error>, Lease)
    case fail(CheckedContinuation<Lease, any Error>, PostgreSQLError)
    case close(Connection)
    case finished(CheckedContinuation<Void, Never>)
  }

  /// Applies an event to the state machine and carries out the resulting actions.
  func perform(_ event: (inout PoolStateMachine) -> [PoolStateMachine.Action]) {
    perform { machine, _ in event(&machine) }
  }

  /// Applies an event to the state machine and to the pool's own state, and carries out the resulting actions.
  func perform(_ event: (inout PoolStateMachine, inout State) -> [PoolStateMachine.Action]) {
    let todo = withState { state in
      // Taken out instead of copied, so that its collections are changed in place.
      var machine = PoolStateMachine(state.machine.limits)
      swap(&machine, &state.machine)
      let actions = event(&machine, &state)
      swap(&machine, &state.machine)
      return actions.flatMap { self.effects(of: $0, &state) }
    }
    for effect in todo { carryOut(effect) }
  }

  private func effects(of action: PoolStateMachine.Action, _ state: inout State) -> [Effect] {
    switch action {
    case .connect(let id): return [.connect(id)]
    case .scheduleRetry(let instant): return [.retry(instant)]
    case .resume(let waiter, let id):
      guard let continuation = state.waiters.removeValue(forKey: waiter),
        let connection = state.connections[id]
      else { return [] }
      return [.resume(continuation, Lease(id: id, connection: connection))]
    case .fail(let waiters):
      let error =
        state.machine.isShutDown
        ? PostgreSQLError(.poolClosed, "the pool is closed") : unreachableError(state)
      return waiters.compactMap { waiter in
        state.waiters.removeValue(forKey: waiter).map { .fail($0, error) }
      }
    case .close(let id):
      return state.connections.removeValue(forKey: id).map { [.close($0)] } ?? []
    case .shutDownComplete:
      defer { state.closers = [] }
      return state.closers.map { .finished($0) }
    }
  }

  private func unreachableError(_ state: State) -> PostgreSQLError {
    PostgreSQLError(
      .connectionFailed,
      "the server cannot be reached: \(state.connectFailures?.lastError.message ?? "no answer")",
      sqlState: state.connectFailures?.lastError.sqlState, underlying: state.connectFailures?.lastError)
  }

  private func carryOut(_ effect: Effect) {
    switch effect {
    case .connect(let id): connect(id)
    case .retry(let instant):
      _ = EventLoop.shared.schedule(at: instant) { [weak self] in self?.perform { $0.retry(now: .now) } }
    case .resume(let continuation, let lease): continuation.resume(returning: lease)
    case .fail(let continuation, let error): continuation.resume(throwing: error)
    case .close(let connection): Task { await connection.close() }
    case .finished(let continuation): continuation.resume()
    }
  }

  private func connect(_ id: Int) {
    // Detached: the connection serves any later caller, so it inherits no task-local values, such as log metadata.
    let task = Task.detached { [self] in
      do {
        let connection = try await Connection.connect(configuration.connection, logger: logger)
        var connectFailures: ConnectFailures?
        perform { machine, state in
          state.attempts[id] = nil
          state.connections[id] = connection
          connectFailures = state.connectFailures
          state.connectFailures = nil
          return machine.connected(id, now: .now)
        }
        if let connectFailures { logger.notice("connected again", metadata: connectFailures.metadata) }
        connection.notifyEnd { [weak self] _ in self?.ended(id) }
      } catch {
        let failure =
          (error as? PostgreSQLError) ?? PostgreSQLError(.connectionFailed, "\(error)", underlying: error)
        var isFirst = false
        perform { machine, state in
          state.attempts[id] = nil
          // A closing pool cancels its attempts itself.
          isFirst = state.connectFailures == nil && !machine.isShutDown
          state.connectFailures = ConnectFailures(following: state.connectFailures, failure)
          return machine.connectFailed(id, isFinal: failure.isFinalConnectFailure, now: .now)
        }
        // One warning per run of failures: the attempts that follow, several a second, add nothing.
        logger.log(
          level: isFirst ? .warning : .debug, "cannot connect, will retry",
          metadata: ["error": "\(failure)"])
      }
    }
    state.withLock { state in
      if state.machine.connecting.contains(id) { state.attempts[id] = task }
    }
  }

  private func ended(_ id: Int) {
    perform { machine, state in
      let actions = machine.lost(id, now: .now)
      if !machine.isBorrowed(id) { state.drop(id) }
      return actions
    }
  }

  /// Closes borrowed connections at the end of `closeTimeout`.
  func abandon() {
    let (closers, connections, attempts) = state.withLock { state in
      defer {
        state.closers = []
        state.connections = [:]
      }
      return (state.closers, Array(state.connections.values), Array(state.attempts.values))
    }
    for attempt in attempts { attempt.cancel() }
    for connection in connections { connection.abort() }
    for closer in closers { closer.resume() }
  }
}

extension PostgreSQLError {
  /// Whether another attempt with the same configuration cannot succeed.
  fileprivate var isFinalConnectFailure: Bool {
    if kind == .invalidConfiguration || kind == .server { return true }
    guard let sqlState else { return false }
    return sqlState.conditionClass == "28" || sqlState.conditionClass == "3D"
  }
}
