import Synchronization

/// Bounds how many bytes of requests and answers lie in memory for all clients together.
///
/// What is small is not counted: there are at most as many of those as connections.
final class BodyMemory: Sendable {
  /// There is no room for a body.
  struct Exhausted: Error, Sendable {}

  /// Up to how many bytes a body is not counted.
  static let small = 16 << 10

  /// The whole process's: eight bodies of the largest size that is read into memory.
  static let process = BodyMemory(limit: 512 << 20)

  /// The one that requests count in.
  @TaskLocal static var current = process

  private let limit: Int
  private let bytes = Mutex(0)

  /// Room for so many bytes.
  init(limit: Int) {
    self.limit = limit
  }

  /// How many bytes are taken.
  var taken: Int { bytes.withLock { $0 } }

  fileprivate func take(_ count: Int) -> Bool {
    bytes.withLock { bytes in
      guard bytes + count <= limit else { return false }
      bytes += count
      return true
    }
  }

  fileprivate func giveBack(_ count: Int) { bytes.withLock { $0 -= count } }

  /// What one request has of it, given back with the last reference.
  final class Share: Sendable {
    private let memory: BodyMemory
    private let bytes = Mutex(0)

    /// An empty share.
    init(of memory: BodyMemory = .current) {
      self.memory = memory
    }

    deinit { memory.giveBack(bytes.withLock { $0 }) }

    /// Takes room for so many bytes in all, if there is; less gives back.
    ///
    /// - Returns: whether there was room.
    func resize(to count: Int) -> Bool {
      bytes.withLock { bytes in
        if count > bytes {
          guard memory.take(count - bytes) else { return false }
        } else {
          memory.giveBack(bytes - count)
        }
        bytes = count
        return true
      }
    }

    /// Takes room for so many bytes in all.
    ///
    /// - Throws: ``Exhausted``.
    func grow(to count: Int) throws {
      guard resize(to: count) else { throw Exhausted() }
    }
  }
}
