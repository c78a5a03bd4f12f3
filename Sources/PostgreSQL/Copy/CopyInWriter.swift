#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Writes the data of a COPY … FROM STDIN. Valid inside the closure of `copyIn` alone.
public struct CopyInWriter: Sendable {
  let connection: Connection
  let operation: UInt64

  /// Sends data, split at any byte. Returns when the operating system has taken it, so that a slow server slows the writer
  /// down. Chunks of 64 KiB to 1 MiB are best.
  ///
  /// A malformed row is reported at the end of the COPY, because libpq reads no results before.
  public nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws {
    try await connection.copyWrite(bytes, operation)
  }

  /// Sends data, split at any byte.
  public nonisolated(nonsending) func write(_ data: Data) async throws {
    try await connection.copyWrite(data, operation)
  }

  /// Sends text, split at any character.
  public nonisolated(nonsending) func write(_ text: String) async throws {
    try await connection.copyWrite(Array(text.utf8), operation)
  }
}
