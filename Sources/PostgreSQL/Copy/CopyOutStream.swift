#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// The data of a COPY … TO STDOUT, as it comes. Valid inside the closure of `copyOut` alone, for one reader.
///
/// A chunk holds whole rows (CopyData messages), as many as fit in about 64 KiB or as have arrived.
public struct CopyOutStream: AsyncSequence, Sendable {
  /// Whole rows.
  public typealias Element = Data

  let connection: Connection
  let operation: UInt64

  /// Starts reading where the last reader stopped.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

  /// Reads chunk after chunk; nothing is read ahead.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let stream: CopyOutStream

    /// The next chunk, nil at the end. Throws the COPY's error, if it failed.
    public nonisolated(nonsending) mutating func next() async throws -> Data? {
      try await stream.connection.copyRead(stream.operation).map { Data($0) }
    }

    /// The next chunk, nil at the end.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws -> Data? {
      try await stream.connection.copyRead(stream.operation).map { Data($0) }
    }
  }

  /// The next chunk as bytes without the detour over Data, nil at the end.
  ///
  /// - Parameter limit: how long the server may take for it before the COPY is cancelled and fails with an error of kind
  ///   `statementTimeout`.
  public nonisolated(nonsending) func nextBytes(within limit: Duration? = nil) async throws -> [UInt8]? {
    try await connection.copyRead(operation, within: limit)
  }
}
