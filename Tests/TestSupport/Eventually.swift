/// A condition that a test waited for did not come true in time.
public struct NeverHappened: Error, CustomStringConvertible {
  /// The place of the wait.
  public let description: String
}

/// Polls until there is an answer, and returns it.
///
/// The deadline decides liveness only: it is generous enough for a machine that does other work at the same time.
///
/// - Throws: ``NeverHappened`` after `timeout`, or the error of `poll`.
@discardableResult
public func eventually<T>(
  timeout: Duration = .seconds(180), file: StaticString = #fileID, line: UInt = #line,
  _ poll: () async throws -> T?
) async throws -> T {
  let deadline = ContinuousClock.now + timeout
  repeat {
    if let answer = try await poll() { return answer }
    try await Task.sleep(for: .milliseconds(20))
  } while ContinuousClock.now < deadline
  throw NeverHappened(description: "the condition at \(file):\(line) did not come true in \(timeout)")
}

/// Polls until the condition holds.
///
/// - Throws: ``NeverHappened`` after `timeout`, or the error of `condition`.
public func eventually(
  timeout: Duration = .seconds(180), file: StaticString = #fileID, line: UInt = #line,
  _ condition: () async throws -> Bool
) async throws {
  _ = try await eventually(timeout: timeout, file: file, line: line) { try await condition() ? true : nil }
}

/// Runs `body`, and then `cleanup`, also when `body` has thrown.
public func withCleanup<T>(
  _ cleanup: () async throws -> Void, _ body: () async throws -> T
) async throws -> T {
  let result: T
  do {
    result = try await body()
  } catch {
    try? await cleanup()
    throw error
  }
  try await cleanup()
  return result
}
