import DomainTestSupport
import VerdictCore

@testable import PostgreSQL

/// The effect of a statement.
enum Effect: Equatable, CustomStringConvertible {
  /// The rows, if they are the same each time, and the number of rows affected.
  case rows([[[UInt8]?]], touched: Int)
  /// Row-level security refused the change.
  case refused
  /// PostgreSQL refused it with another SQLSTATE.
  case failed(String)

  var description: String {
    switch self {
    case .rows(let rows, let touched): "\(rows.count) rows, \(touched) touched"
    case .refused: "refused"
    case .failed(let state): "failed with \(state)"
    }
  }
}

/// Runs recorded statements again and rolls each back.
struct Replayer {
  private let owner: Connection
  private let app: Connection
  private let temporary: [Query]

  /// - Parameter statements: the recorded statements. Those that create temporary tables run before those that use them.
  init(_ domain: TestDomain, _ statements: [StatementRecorder.Statement]) async throws {
    owner = try await Connection.connect(domain.admin, logger: domain.logger)
    var configuration = domain.app
    configuration.observer = nil
    app = try await Connection.connect(configuration, logger: domain.logger)
    let texts = Set(statements.map(\.query.sql).filter { $0.contains("CREATE TEMPORARY TABLE") })
    temporary = texts.map { Query(unsafeSQL: $0) }
  }

  func close() async {
    await owner.close()
    await app.close()
  }

  private struct Undone: Error {
    var effect: Effect
  }

  /// The effect of a statement with a tenant set, as the server's role or as the owner.
  func run(_ query: Query, as tenant: TenantID?, isOwner: Bool = false) async throws -> Effect {
    let connection = isOwner ? owner : app
    do {
      return try await connection.transaction(setup: tenant.map { [Database.setTenant($0)] } ?? []) {
        tx -> Effect in
        if query.sql.contains("pg_temp.") {
          for table in temporary { try await tx.query(table) }
          try await tx.query("INSERT INTO pg_temp.label_staging VALUES (0, true, '{}', '{}', 'k')")
        }
        if query.sql.hasPrefix("COPY") {
          let bytes = try await tx.copyOut(query) { stream in
            var bytes: [UInt8] = []
            while let chunk = try await stream.nextBytes() { bytes += chunk }
            return bytes
          }
          throw Undone(effect: .rows([[bytes]], touched: 0))
        }
        throw Undone(effect: Self.effect(try await tx.query(query), query.sql))
      }
    } catch let undone as Undone {
      return undone.effect
    } catch let error as PostgreSQLError {
      if error.sqlState == .insufficientPrivilege { return .refused }
      return .failed(error.sqlState?.rawValue ?? "\(error.kind)")
    }
  }

  private static func effect(_ result: QueryResult, _ sql: String) -> Effect {
    let isVolatile = sql.contains(
      #/nextval|now\(\)|current_snapshot|current_xact|random|clock_timestamp|last_value/#)
    let rows = result.map { row in
      (0..<row.storage.columnCount).map { column -> [UInt8]? in
        if isVolatile { return nil }
        return row.storage.withField(row: row.index, column: column) { span in
          guard let span else { return nil }
          return span.withUnsafeBytes { Array($0) }
        }
      }
    }
    return Effect.rows(rows, touched: result.affectedRows)
  }
}
