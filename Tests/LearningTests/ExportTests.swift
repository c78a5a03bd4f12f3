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
    let sql = model.exportSQL(table: "rows")
    #expect(sql.contains(#"score.probability AS "probability_","#) && sql.contains(#"::int AS "label__""#))
    let pmml = model.exportPMML()
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
    #expect(model.exportSQL(table: #"s"x.t;--"#).contains(#"FROM "s""x"."t;--" AS source"#))
    #expect(model.exportSQL(table: "t").contains(#"source."a ""b"" <&>'"::double precision"#))
    #expect(model.exportPMML().contains(#"name="a &quot;b&quot; &lt;&amp;&gt;'""#))
  }
}
