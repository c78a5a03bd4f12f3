import Foundation

/// The server's log file.
struct ServerLog: Sendable {
  var path: String

  private static let largest: UInt64 = 16 << 20

  /// The size in bytes; before a start, the offset for `lines(since:)`.
  var size: UInt64 {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.size] as? NSNumber)?.uint64Value ?? 0
  }

  /// Renames a large log, replacing the last renamed one. No server may have it open.
  func rotate() throws {
    guard size > Self.largest else { return }
    try FileSystem.remove("\(path).1")
    try FileSystem.move(path, to: "\(path).1")
  }

  /// The last lines written after `offset`, at most `count`.
  func lines(since offset: UInt64, count: Int = 20) -> String {
    guard let file = FileHandle(forReadingAtPath: path) else { return "" }
    defer { try? file.close() }
    let from = max(offset, size > 65_536 ? size - 65_536 : 0)
    guard (try? file.seek(toOffset: from)) != nil, let data = try? file.readToEnd() else { return "" }
    return String(decoding: data, as: UTF8.self)
      .split(separator: "\n").suffix(count).joined(separator: "\n")
  }
}
