import Synchronization

/// A count that several tasks share.
public final class Counter: Sendable {
  private let count = Atomic(0)

  /// Zero.
  public init() {}

  /// The present count.
  public var value: Int { count.load(ordering: .sequentiallyConsistent) }

  /// Adds one.
  public func add() { count.add(1, ordering: .sequentiallyConsistent) }
}
