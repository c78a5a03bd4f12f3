/// The limits of what an input may expand to, which a reader checks while it reads.
public struct RowLimits: Sendable {
  /// The largest number of rows.
  public var rows: Int
  /// The bytes of rows after which a reader of a stream returns them.
  public var batchBytes: Int
  /// Receives the number of bytes that all rows will hold, before they take them, and throws to refuse them.
  public var reserve: (@Sendable (Int) throws -> Void)?

  /// The default of ``batchBytes``: wide rows come in smaller batches than narrow ones.
  public static let batchBytes = 2 << 20

  /// Creates limits; see the properties.
  public init(
    rows: Int = .max, batchBytes: Int = Self.batchBytes, reserve: (@Sendable (Int) throws -> Void)? = nil
  ) {
    self.rows = rows
    self.batchBytes = batchBytes
    self.reserve = reserve
  }
}

/// The input has more rows than ``RowLimits/rows``.
public struct TooManyRows: Error, Sendable, Hashable {
  /// The largest number of rows.
  public var limit: Int
}

/// Asks ``RowLimits/reserve`` on behalf of the C reader, and keeps its error.
final class RowAllowance {
  private let reserve: @Sendable (Int) throws -> Void
  private(set) var error: (any Error)?

  /// The bytes that need no reservation: the rows of a small body.
  static let free = 8 << 10

  init(_ reserve: @escaping @Sendable (Int) throws -> Void) {
    self.reserve = reserve
  }

  /// Reserves a step ahead, or only what is asked for if that is too much.
  ///
  /// - Returns: the bytes that are reserved; 0 if the reservation was refused.
  func grant(_ bytes: Int) -> Int {
    let step = bytes + max(bytes / 4, 64 << 10)
    do {
      try reserve(step)
      return step
    } catch {
      do {
        try reserve(bytes)
        return bytes
      } catch {
        self.error = error
        return 0
      }
    }
  }
}
