import Foundation

/// The server's settings, in a file that postgresql.conf includes; settings made with ALTER SYSTEM override them.
struct ServerSettings: Sendable {
  var configuration: ClusterConfiguration

  var fileName: String { "\(configuration.name).conf" }

  /// pg_hba.conf: every process that can reach the socket may connect, since the socket's directory has mode 0700. No line
  /// for the network.
  var hostBasedAuthentication: String {
    """
    # Every process that can reach the socket may connect: its directory is closed to other users.
    # TYPE  DATABASE     USER         METHOD
    local   all          \(configuration.adminRole)     trust
    local   replication  \(configuration.adminRole)     trust
    local   \(configuration.database)      \(configuration.appRole)  trust

    """
  }

  func text(socketDirectory: String) -> String {
    """
    # Written anew at each start. To change a setting, use ALTER SYSTEM.
    listen_addresses = ''
    unix_socket_directories = '\(socketDirectory)'
    unix_socket_permissions = 0700
    port = \(SocketDirectory.port)
    max_connections = 100
    shared_buffers = '\(Self.sharedBuffersMegabytes)MB'
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
    cluster_name = '\(configuration.name)'

    """
  }

  /// An eighth of the memory, within 128 and 512 MB: scans are sequential, and the system's cache does the rest.
  private static var sharedBuffersMegabytes: UInt64 {
    min(max(ProcessInfo.processInfo.physicalMemory / (8 << 20), 128), 512)
  }
}
