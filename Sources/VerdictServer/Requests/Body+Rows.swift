import RowFormats
import VerdictCore

extension Body {
  /// The reservation for what the body expands to, also for a small body.
  func reservation(for tenant: TenantID) -> RequestMemory.Reservation {
    share ?? RequestMemory.Reservation(for: tenant)
  }

  /// Reads the rows of a JSON document, and reserves their memory before they take it.
  ///
  /// - Parameters:
  ///   - most: the largest number of rows.
  ///   - share: the reservation of the body, which holds the body and the rows when this returns.
  ///   - read: reads the body within limits.
  /// - Throws: what `read` throws, and the errors of `RequestMemory`.
  func rows<Rows>(
    atMost most: Int = .max, in share: RequestMemory.Reservation,
    _ read: (RowLimits) throws -> (Rows, byteCount: Int)
  ) throws -> Rows {
    // The index of a JSON text takes four bytes for each of its bytes.
    let text = bytes.count > RequestMemory.small ? bytes.count * 5 : 0
    if text > 0 { try share.set(text) }
    let limits = RowLimits(rows: most) { count in
      // Rows are in memory twice while their buffers grow and when they are taken.
      try share.set(text + 2 * count)
    }
    let (rows, byteCount) = try read(limits)
    let count = bytes.count + byteCount
    if count > RequestMemory.small || share.count > 0 { try share.set(count) }
    return rows
  }
}
