internal import CLibPQ
internal import Logging
internal import Synchronization

/// What a connection is doing, as far as its pool is concerned.
enum Activity: UInt8, AtomicRepresentable {
  /// Connecting, or a statement is running.
  case busy
  /// Ready, and in no transaction.
  case idle
  /// Ready, inside a transaction block.
  case inTransaction
  /// Of no use any more.
  case closed
}

extension Connection {
  /// Publishes the state after an operation.
  func publishActivity() {
    guard let wire, !wire.isBroken else {
      activity.store(.closed, ordering: .releasing)
      return
    }
    activity.store(inTransactionBlock ? .inTransaction : .idle, ordering: .releasing)
  }

  /// True inside BEGIN … COMMIT, also when it has failed.
  var inTransactionBlock: Bool {
    guard let wire else { return false }
    return PQtransactionStatus(wire.connection) != PQTRANS_IDLE
  }
}

/// Takes the server's notices, which libpq would print on standard error.
final class NoticeSink: Sendable {
  let logger: Logger

  init(_ logger: Logger) { self.logger = logger }

  /// The sink must live as long as the connection.
  func attach(to connection: OpaquePointer) {
    PQsetNoticeProcessor(
      connection,
      { context, text in
        guard let context, let text else { return }
        let sink = Unmanaged<NoticeSink>.fromOpaque(context).takeUnretainedValue()
        sink.logger.debug("\(trimmed(text))")
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}
