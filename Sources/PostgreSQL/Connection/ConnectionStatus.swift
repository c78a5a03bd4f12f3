internal import CLibPQ
internal import Synchronization

/// What a connection is doing, as far as its pool is concerned.
enum ConnectionStatus: UInt8, AtomicRepresentable {
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
  func publishStatus() {
    guard let libpq, !libpq.isBroken else {
      status.store(.closed, ordering: .releasing)
      return
    }
    status.store(inTransactionBlock ? .inTransaction : .idle, ordering: .releasing)
  }

  /// True inside BEGIN … COMMIT, also when it has failed.
  var inTransactionBlock: Bool {
    guard let libpq else { return false }
    return PQtransactionStatus(libpq.connection) != PQTRANS_IDLE
  }
}
