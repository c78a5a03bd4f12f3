internal import CLibPQ
internal import Logging
internal import Synchronization

/// Receives the server's notices, which libpq would otherwise print to standard error, and detects unconfirmed commits.
final class NoticeReceiver: Sendable {
  private let logger: Logger
  private let hasUnconfirmedCommit = Atomic<Bool>(false)

  init(_ logger: Logger) { self.logger = logger }

  /// Returns whether the server has committed a transaction without its synchronous standby since the last call.
  func takeUnconfirmedCommit() -> Bool {
    // Called after every statement: the load is cheap, and the exchange is needed in the rare case only.
    hasUnconfirmedCommit.load(ordering: .relaxed)
      && hasUnconfirmedCommit.exchange(false, ordering: .relaxed)
  }

  /// Registers the receiver with a connection, which it must outlive (manual, 34.13).
  func attach(to connection: OpaquePointer) {
    PQsetNoticeReceiver(
      connection,
      { context, result in
        guard let context, let result else { return }
        Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue().receive(result)
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Records and logs a notice. The warning about a cancelled wait for a synchronous standby has no SQLSTATE of its own, and its
  /// text is translated, so that only the server's source function identifies it.
  private func receive(_ notice: OpaquePointer) {
    if let function = PQresultErrorField(notice, Int32(UnicodeScalar("R").value)),
      String(cString: function) == "SyncRepWaitForLSN"
    {
      hasUnconfirmedCommit.store(true, ordering: .relaxed)
    }
    // The severity in the field V is never translated (manual, 55.8).
    let severity = PQresultErrorField(notice, Int32(UnicodeScalar("V").value)).map { String(cString: $0) }
    logger.log(level: severity == "WARNING" ? .warning : .debug, "\(trimmed(PQresultErrorMessage(notice)))")
  }
}
