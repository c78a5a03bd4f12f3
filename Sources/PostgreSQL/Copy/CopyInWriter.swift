#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Where the data of a COPY … FROM STDIN goes. Valid inside the closure of `copyIn` alone.
public struct CopyInWriter: Sendable {
  let connection: Connection
  let operation: UInt64

  /// Sends data, split anywhere. Returns when it is handed over to the operating system: a server that is slower
  /// than the writer holds the writer up. Chunks of 64 KiB to 1 MiB are best.
  ///
  /// A bad row is reported at the end of the COPY, not here: libpq reads no results before that.
  public nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws {
    try await connection.copyWrite(bytes, operation)
  }

  /// Sends data, split anywhere.
  public nonisolated(nonsending) func write(_ data: Data) async throws {
    try await connection.copyWrite(data, operation)
  }

  /// Sends text, split anywhere.
  public nonisolated(nonsending) func write(_ text: String) async throws {
    try await connection.copyWrite(Array(text.utf8), operation)
  }
}
