#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// The data of a COPY … TO STDOUT as a stream for one reader. Valid inside the closure of `copyOut` alone.
///
/// A chunk holds whole rows (CopyData messages): those that have arrived, up to about 64 KiB.
public struct CopyOutStream: AsyncSequence, Sendable {
  /// A chunk of whole rows.
  public typealias Element = Data

  let connection: Connection
  let operation: UInt64

  /// Creates an iterator that continues after the last chunk read.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

  /// Reads one chunk at a time, without reading ahead.
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

  /// The next chunk as bytes, without a copy into Data; nil at the end.
  ///
  /// - Parameter limit: the time for the chunk, after which the COPY is cancelled and fails with an error of kind
  ///   `statementTimeout`.
  public nonisolated(nonsending) func nextBytes(within limit: Duration? = nil) async throws -> [UInt8]? {
    try await connection.copyRead(operation, within: limit)
  }
}
