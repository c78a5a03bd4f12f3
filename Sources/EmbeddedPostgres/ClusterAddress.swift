/// The Unix socket of the running cluster.
struct ClusterAddress: Sendable, Equatable {
  /// The directory of the socket.
  var socketDirectory: String
  /// A part of the socket's file name; nothing listens on the network.
  var port: Int
}
