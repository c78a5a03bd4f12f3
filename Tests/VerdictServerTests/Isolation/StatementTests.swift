import DomainTestSupport
import Foundation
import Testing
import VerdictCore

@testable import PostgreSQL

/// Row-level security is proved, not assumed: every statement of the domain is run again with its tenant filter taken out, as
/// a bug would do it, by the role of the server, with no tenant set and with a tenant set that has nothing. What it then
/// finds or changes is what it finds or changes where nothing can match.
@Suite struct StatementTests {
  /// A tenant that is not there.
  private static let stranger = TenantID(rawValue: .max)

  @Test(.timeLimit(.minutes(5)))
  func noStatementReachesAnotherTenantsRowsWithoutItsFilter() async throws {
    let recorder = StatementRecorder()
    try await TestServer.with(observer: { recorder.record($0, $1, $2) }) { server in
      try await Drive(server: server, recorder: recorder).everything()
      // What no test of this suite runs is not proved: a new statement needs its step in the drive.
      let unseen = try StatementSources.calls(of: "VerdictCore").subtracting(recorder.places)
      #expect(unseen.isEmpty, "the drive does not run \(unseen.sorted())")

      var temporary: [Query] = []
      var held = 0
      for statement in recorder.statements {
        let sql = statement.query.sql
        guard statement.place.hasPrefix("VerdictCore/") || statement.place.hasPrefix("JobQueue/") else {
          continue
        }
        if sql.contains("CREATE TEMPORARY TABLE") { temporary.append(Query(unsafeSQL: sql)) }
        guard sql.contains(#/\b(FROM|INTO|UPDATE|JOIN)\s/#), !sql.contains("FROM STDIN") else { continue }
        let unfiltered = Self.replay(of: statement.query, filter: "true")
        let nothing = Self.replay(of: statement.query, filter: "false")
        for tenant in [nil, Self.stranger] {
          let found = try await Self.run(unfiltered, as: tenant, temporary, server.domain)
          let void = try await Self.run(nothing, as: tenant, temporary, server.domain)
          #expect(
            found == void || found == .refused,
            "\(statement.place), tenant \(tenant.map { "\($0)" } ?? "none"): \(found) instead of \(void): \(sql)"
          )
        }
        // As the owner: what row-level security holds back, so that the test can fail.
        let owner = try await Self.run(unfiltered, as: nil, temporary, server.domain, asOwner: true)
        let void = try await Self.run(nothing, as: nil, temporary, server.domain, asOwner: true)
        if owner != void { held += 1 }
      }
      #expect(held > 40, "without row-level security only \(held) statements would have found something")
    }
  }

  /// The statement with each comparison with the request's tenant replaced.
  private static func replay(of query: Query, filter: String) -> Query {
    let sql = query.sql.replacing(#/(\w+\.)?tenant_id = \$\d+/#, with: filter)
    return Query(unsafeSQL: sql, binds: query.binds)
  }

  /// What a statement found or changed.
  enum Effect: Equatable, CustomStringConvertible {
    /// The rows, where they are the same each time, and how many it touched.
    case rows([[[UInt8]?]], touched: Int)
    /// Row-level security let it change nothing.
    case refused
    /// PostgreSQL refused it for another reason, by its SQLSTATE.
    case failed(String)

    var description: String {
      switch self {
      case .rows(let rows, let touched): "\(rows.count) rows, \(touched) touched"
      case .refused: "refused"
      case .failed(let state): "failed with \(state)"
      }
    }
  }

  private struct Undone: Error {
    var effect: Effect
  }

  private static func run(
    _ query: Query, as tenant: TenantID?, _ temporary: [Query], _ domain: TestDomain, asOwner: Bool = false
  ) async throws -> Effect {
    var configuration = asOwner ? domain.admin : domain.app
    configuration.observer = nil
    let connection = try await Connection.connect(configuration, logger: domain.logger)
    defer { Task { await connection.close() } }
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
