internal import CLibPQ
internal import Synchronization

/// The state of a connection as its pool reads it, without waiting for the running operation.
enum ConnectionStatus: UInt8, AtomicRepresentable {
  /// Connecting, or a statement is running.
  case busy
  /// Ready, and in no transaction.
  case idle
  /// Ready, inside a transaction block.
  case inTransaction
  /// Closed or lost.
  case closed
}

extension Connection {
  /// Publishes the status after an operation.
  func publishStatus() {
    guard let libpq, !libpq.isBroken else {
      status.store(.closed, ordering: .releasing)
      return
    }
    status.store(inTransactionBlock ? .inTransaction : .idle, ordering: .releasing)
  }

  /// Whether the session is in a transaction block, including an aborted one.
  var inTransactionBlock: Bool {
    guard let libpq else { return false }
    return PQtransactionStatus(libpq.connection) != PQTRANS_IDLE
  }
}
