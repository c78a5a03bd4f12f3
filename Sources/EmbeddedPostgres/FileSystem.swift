import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// File operations with exact modes, owners and typed errors.
enum FileSystem {
  static func failure(_ operation: String, _ path: String) -> EmbeddedPostgresError {
    .fileSystem(operation: operation, path: path, reason: String(cString: strerror(errno)))
  }

  /// The result of `lstat`, which does not follow symbolic links; `nil` when nothing is at the path.
  static func status(_ path: String) throws -> stat? {
    var result = stat()
    if lstat(path, &result) == 0 { return result }
    if errno == ENOENT { return nil }
    throw failure("inspect", path)
  }

  static func exists(_ path: String) throws -> Bool { try status(path) != nil }

  /// Creates the directory with exactly this mode and owner unless it exists.
  static func makeDirectory(_ path: String, mode: mode_t, owner: ClusterUser? = nil) throws {
    if mkdir(path, mode) != 0 {
      if errno == EEXIST { return }
      throw failure("create", path)
    }
    // mkdir applies the umask to the mode.
    guard chmod(path, mode) == 0 else { throw failure("set the mode of", path) }
    if let owner { try setOwner(path, to: owner) }
  }

  static func setOwner(_ path: String, to user: ClusterUser) throws {
    guard !user.isSelf else { return }
    guard chown(path, user.uid, user.gid) == 0 else { throw failure("change the owner of", path) }
  }

  /// Creates a directory of mode 0700 with an unpredictable name, and returns its path.
  static func makeUniqueDirectory(prefix: String, owner: ClusterUser) throws -> String {
    var template = Array("\(prefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw failure("create", "\(prefix)XXXXXX") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try setOwner(path, to: owner)
    return path
  }

  /// Replaces the file atomically: a reader or a crash sees the old or the new text, never a part.
  static func replace(_ path: String, with text: String, mode: mode_t, owner: ClusterUser? = nil) throws {
    let temporary = "\(path).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw failure("write", temporary) }
    defer { close(descriptor) }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written >= 0 else { throw failure("write", temporary) }
      bytes = bytes.dropFirst(written)
    }
    guard fsync(descriptor) == 0 else { throw failure("write", temporary) }
    if let owner { try setOwner(temporary, to: owner) }
    guard rename(temporary, path) == 0 else { throw failure("write", path) }
    try syncDirectory(parent(of: path))
  }

  /// Renames a file durably.
  static func move(_ from: String, to destination: String) throws {
    guard rename(from, destination) == 0 else { throw failure("rename to \(destination)", from) }
    try syncDirectory(parent(of: destination))
  }

  static func syncDirectory(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("sync", path) }
  }

  static func remove(_ path: String) throws {
    guard try exists(path) else { return }
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw EmbeddedPostgresError.fileSystem(operation: "remove", path: path, reason: "\(error)")
    }
  }

  /// The file's text; `nil` if it does not exist or is not readable.
  static func text(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  static func parent(of path: String) -> String {
    let parent = (path as NSString).deletingLastPathComponent
    return parent.isEmpty ? "." : parent
  }

  /// The path without symbolic links; `nil` if it does not exist.
  static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
