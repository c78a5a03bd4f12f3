import Foundation
import Testing

@testable import Learning

/// Tests of exports of additive models that need no reader; Tests/Contract compares the predictions of readers.
@Suite struct AdditiveExportTests {
  private func model(_ names: [String]) -> AdditiveModel {
    var data = Generated(seed: 31)
    var features: [AdditiveFeature] = []
    for name in names { features.append(data.number(name, edges: [0, 1, 2], missing: false)) }
    return data.additive(features, features.count > 1 ? [data.pair(features, 0, 1)] : [])
  }

  @Test func `names that an export adds do not collide with features`() throws {
    let names = ["probability", "label", "label_", "outcome", "x", "x__effect", "probability__label__effect"]
    let model = model(names)
    let sql = try model.exportSQL(table: "rows")
    #expect(sql.contains(#"score.probability AS "probability_","#) && sql.contains(#"::int AS "label__""#))
    let pmml = try model.exportPMML()
    let fields = pmml.matches(of: /<(?:Data|Derived|Output)Field name="([^"]*)"/).map { String($0.1) }
    #expect(Set(fields).count == fields.count && Set(names).isSubset(of: fields))
    #expect(fields.contains("x__effect_"))
  }

  @Test func `names are quoted`() throws {
    let sql = try model(["a\"\u{301}; DROP"]).exportSQL(table: #"s"x.t;--"#)
    #expect(sql.contains(#"FROM (SELECT * FROM "s""x"."t;--") AS source"#))
    #expect(sql.contains("source.\"a\"\"\u{301}; DROP\"::double precision"))
    #expect(try model([#"a "b" <&>'"#]).exportPMML().contains("name=\"a &quot;b&quot; &lt;&amp;&gt;'\""))
  }

  @Test func `a number is put into its bin once`() throws {
    let sql = try model(["x", "y"]).exportSQL(table: "t")
    #expect(sql.matches(of: /width_bucket/).count == 2)
  }

  @Test func `names that a format cannot express are refused`() throws {
    let long = String(repeating: "n", count: 63)
    #expect(throws: ExportRefusal.sameColumn(long + "a", long + "b")) {
      try model([long + "a", long + "b"]).exportSQL(table: "t")
    }
    #expect(throws: ExportRefusal.character("\u{1}", feature: "a\u{1}", category: nil)) {
      try model(["a\u{1}"]).exportPMML()
    }
    var data = Generated(seed: 32)
    let feature = data.categorical("c", ["fine", "b\u{2}"], missing: false)
    #expect(throws: ExportRefusal.character("\u{2}", feature: "c", category: "b\u{2}")) {
      try data.additive([feature], []).exportPMML()
    }
    // A category that adds nothing is not in the document.
    var silent = feature
    silent.bins[1].value = 0
    #expect(try data.additive([silent], []).exportPMML().contains("\"fine\""))
  }

  @Test func `a model without features is exported`() throws {
    let model = model([])
    #expect(try model.exportSQL(table: "t").contains("SELECT '-0.25'::double precision AS logit"))
    #expect(try model.exportPMML().contains("<RegressionTable intercept=\"-0.25\""))
  }
}
