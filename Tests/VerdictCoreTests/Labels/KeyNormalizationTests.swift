import DomainTestSupport
import Logging
import PostgreSQL
import TestSupport
import Testing

@testable import VerdictCore

/// The migration that gives stored keys one Unicode normalization form.
@Suite struct KeyNormalizationTests {
  @Test func `keys are normalized, and those that would collide stay`() async throws {
    try await TestDatabase.withConnection { connection in
      var logger = Logger(label: "test")
      logger.logLevel = .critical
      let before = Migrations.all.filter { $0.name < "0014" }
      _ = try await Migrator(before, logger: logger).migrate(connection)
      // Decomposed alone; composed and decomposed; two decomposed forms of one text; ASCII.
      let keys = ["a\u{301}", "\u{e9}", "e\u{301}", "q\u{307}\u{323}", "q\u{323}\u{307}", "plain"]
      try await connection.execute(
        script: """
          INSERT INTO tenants (name) VALUES ('one'), ('two');
          INSERT INTO datasets (tenant_id, name, features, label_name, auto_train, training)
          SELECT tenant_id, 'd', '[]', 'y', '{}', '{}' FROM tenants;
          """)
      try await connection.query(
        """
        INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories, key)
        SELECT d.tenant_id, d.id, true, '{}', '{}', k.key
        FROM datasets d, unnest(\(keys)) WITH ORDINALITY AS k (key, position) ORDER BY d.tenant_id, k.position
        """)
      _ = try await Migrator(Migrations.all, logger: logger).migrate(connection)
      let stored = try await connection.query("SELECT key FROM labels ORDER BY tenant_id, id")
        .map { Array(try $0.decode(String.self).utf8) }
      let expected = ["\u{e1}"] + keys.dropFirst()
      #expect(stored == (expected + expected).map { Array($0.utf8) })
      #expect(
        try await connection.query("SELECT current_setting('verdict.tenant', true)").first?.decode(
          String?.self) ?? "" == "")
    }
  }
}
