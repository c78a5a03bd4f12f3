import EmbeddedPostgres
import Logging

/// The private PostgreSQL of a data directory, with Verdict's names and roles.
enum PrivatePostgreSQL {
  /// The cluster of a process that serves.
  static func cluster(in directory: String, logger: Logger) -> EmbeddedCluster {
    EmbeddedCluster(configuration(directory), logger: logger)
  }

  /// Runs a short command on the cluster: the running one, or one started for that time.
  ///
  /// - Throws: ``PrivatePostgreSQLError``; errors of `body`.
  static func withCluster<T: Sendable>(
    in directory: String, logger: Logger, _ body: (ClusterConnections) async throws -> T
  ) async throws -> T {
    try await advising {
      try await EmbeddedCluster.withCluster(configuration(directory), logger: logger, body)
    }
  }

  /// Runs the closure, and adds the settings of Verdict to the errors of the cluster.
  ///
  /// - Throws: ``PrivatePostgreSQLError``; other errors of `body`.
  static func advising<T>(_ body: () async throws -> T) async throws -> T {
    do {
      return try await body()
    } catch let error as EmbeddedPostgresError {
      throw PrivatePostgreSQLError(underlying: error)
    }
  }

  private static func configuration(_ directory: String) -> ClusterConfiguration {
    ClusterConfiguration(dataDirectory: directory, name: "verdict", appRole: "verdict_app")
  }
}

/// An error of the private PostgreSQL, with the settings that help.
struct PrivatePostgreSQLError: Error, CustomStringConvertible {
  var underlying: EmbeddedPostgresError

  var description: String {
    switch underlying {
    case .binariesNotFound: "\(underlying) (DATABASE_URL)"
    case .alreadyServing: "\(underlying) (VERDICT_DATA_DIR)"
    default: underlying.description
    }
  }
}
