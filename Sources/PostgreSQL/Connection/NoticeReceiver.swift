internal import CLibPQ
internal import Logging
internal import Synchronization

/// Receives the server's notices, which libpq would print on standard error, and picks out the one that matters.
final class NoticeReceiver: Sendable {
  private let logger: Logger
  private let hasUnconfirmedCommit = Atomic<Bool>(false)

  init(_ logger: Logger) { self.logger = logger }

  /// Whether the server has committed a transaction without its synchronous standby since the last call.
  func takeUnconfirmedCommit() -> Bool {
    // Asked after every statement; the exchange is for the rare case.
    hasUnconfirmedCommit.load(ordering: .relaxed)
      && hasUnconfirmedCommit.exchange(false, ordering: .relaxed)
  }

  /// Registers with a connection, which the receiver must outlive (manual, 34.13).
  func attach(to connection: OpaquePointer) {
    PQsetNoticeReceiver(
      connection,
      { context, result in
        guard let context, let result else { return }
        Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue().receive(result)
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// The warning of a wait for a synchronous standby that was cancelled has no SQLSTATE of its own, and its text is
  /// translated: only the server's source function tells it apart.
  private func receive(_ notice: OpaquePointer) {
    if let function = PQresultErrorField(notice, Int32(UnicodeScalar("R").value)),
      String(cString: function) == "SyncRepWaitForLSN"
    {
      hasUnconfirmedCommit.store(true, ordering: .relaxed)
    }
    logger.debug("\(trimmed(PQresultErrorMessage(notice)))")
  }
}
