import Foundation

/// The settings that we give the server, in a file that postgresql.conf includes. Settings made with ALTER SYSTEM win
/// over it.
enum ServerSettings {
  static let fileName = "verdict.conf"

  /// Who may connect: whoever can reach the socket, which lies in a directory of mode 0700. No line for the network.
  static let hostBasedAuthentication = """
    # Whoever reaches the socket is let in: its directory is closed to other users.
    # TYPE  DATABASE     USER         METHOD
    local   all          postgres     trust
    local   replication  postgres     trust
    local   \(ClusterAddress.database)      \(ClusterAddress.appRole)  trust

    """

  static func text(socketDirectory: String) -> String {
    """
    # Written anew at each start. To change a setting, use ALTER SYSTEM.
    listen_addresses = ''
    unix_socket_directories = '\(socketDirectory)'
    unix_socket_permissions = 0700
    port = \(SocketDirectory.port)
    max_connections = 100
    shared_buffers = '\(sharedBuffersMegabytes)MB'
    maintenance_work_mem = '128MB'
    max_wal_size = '2GB'
    checkpoint_timeout = '15min'
    random_page_cost = 1.1
    jit = off
    # An acknowledged commit is on disk.
    fsync = on
    synchronous_commit = on
    full_page_writes = on
    timezone = 'UTC'
    log_timezone = 'UTC'
    log_destination = 'stderr'
    logging_collector = off
    log_line_prefix = '%m [%p] '
    cluster_name = 'verdict'

    """
  }

  /// An eighth of the memory, within 128 and 512 MB: the working set is sequential, so the system's cache does the rest.
  private static var sharedBuffersMegabytes: UInt64 {
    min(max(ProcessInfo.processInfo.physicalMemory / (8 << 20), 128), 512)
  }
}
