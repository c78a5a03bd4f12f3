import Foundation
import Testing

@testable import Learning

/// Tests of exports that need no reader. Tests/Contract compares the predictions of PostgreSQL, a PMML reader and
/// plain Python.
@Suite struct ExportTests {
  private func model(_ names: [String]) throws -> LogisticModel {
    var data = Generated(seed: 71)
    let columns = names.map { _ in data.normals(200) }
    let outcomes = data.outcomes(columns[0])
    let table = try TrainingTable(
      names: names, kinds: names.map { _ in .continuous }, columns: columns.map { .numeric($0) },
      outcomes: outcomes)
    return try fit(table, parameters: TrainingParameters())
  }

  @Test func `names that an export adds do not collide with features`() throws {
    let names = ["probability", "label", "label_", "outcome", "x", "x__standardized", "x__missing"]
    let model = try model(names)
    let sql = try model.exportSQL(table: "rows")
    #expect(sql.contains(#"score.probability AS "probability_","#) && sql.contains(#"::int AS "label__""#))
    let pmml = try model.exportPMML()
    #expect(pmml.contains(#"<OutputField name="probability_""#))
    #expect(pmml.contains(#"<OutputField name="label__""#))
    #expect(pmml.contains(#"<DerivedField name="x__standardized_""#))
    // Every field of the document has a unique name.
    let fields = pmml.matches(of: /<(?:Data|Derived|Output)Field name="([^"]*)"/).map { String($0.1) }
    #expect(Set(fields).count == fields.count)
    #expect(Set(names).isSubset(of: fields))
  }

  @Test func `names are quoted`() throws {
    let model = try model([#"a "b" <&>'"#])
    #expect(
      try model.exportSQL(table: #"s"x.t;--"#).contains(#"FROM (SELECT * FROM "s""x"."t;--") AS source"#))
    #expect(try model.exportSQL(table: "t").contains(#"source."a ""b"" <&>'"::double precision"#))
    #expect(try model.exportPMML().contains(#"name="a &quot;b&quot; &lt;&amp;&gt;'""#))
    // A quote and a combining mark are one Character of Swift and two of SQL and XML.
    let combined = try self.model(["a\"\u{301}; DROP"])
    #expect(try combined.exportSQL(table: "t\"\u{301}.\u{301}").contains("source.\"a\"\"\u{301}; DROP\"::"))
    #expect(
      try combined.exportSQL(table: "t\"\u{301}.\u{301}").contains("FROM \"t\"\"\u{301}\".\"\u{301}\")"))
    #expect(try combined.exportPMML().contains("name=\"a&quot;\u{301}; DROP\""))
  }

  @Test func `names that XML cannot contain are refused for PMML alone`() throws {
    for character in ["\u{1}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] as [Unicode.Scalar] {
      let named = try model(["x", "a\(character)"])
      #expect(throws: ExportRefusal.character(character, feature: "a\(character)", category: nil)) {
        try named.exportPMML()
      }
      #expect(try named.exportSQL(table: "t").contains("source.\"a\(character)\"::"))
      #expect(try named.exportJSON().contains("\"name\""))
    }
    let allowed = "\t\n\r\u{7F}\u{85}\u{9F}\u{2028}\u{FFFD}\u{1F600}"
    #expect(try model(["a\(allowed)"]).exportPMML().contains("a&#9;&#10;&#13;\u{7F}\u{85}"))
  }

  @Test func `columns that PostgreSQL takes for one are refused for SQL alone`() throws {
    let long = String(repeating: "n", count: 62)
    for (one, other) in [
      (long + "xa", long + "xb"), (long + "x", long + "xb"), (long + "é", long + "\u{1F600}"),
    ] {
      let model = try model([one, "short", other])
      #expect(throws: ExportRefusal.sameColumn(one, other)) { try model.exportSQL(table: "t") }
      #expect(try model.exportPMML().contains("name=\"\(other)\""))
    }
    let shorter = String(long.dropLast())
    for (one, other) in [(long + "a", long + "b"), (long, long + "x"), (shorter + "é", shorter + "ê")] {
      #expect(try model([one, other]).exportSQL(table: "t").contains("AS \"label\""))
    }
  }
}
