import Foundation
import Testing

@testable import RowFormats

/// Tests that attributes of rows have one meaning in every format.
@Suite("Attributes of rows")
struct CaseAttributeTests {
  private let schema = RowSchema(features: [Feature(name: "x", type: .continuous, slot: 0)])

  private func csv(_ text: String, _ format: CSVFormat = CSVFormat()) throws -> Rows {
    try readAll(CSVLabelReader(schema: schema, format: format), bytes(text), chunk: 7)
  }

  private func ndjson(_ text: String) throws -> Rows {
    try readAll(NDJSONLabelReader(schema: schema), bytes(text), chunk: 7)
  }

  private static let known: [(String, Int64?)] = [
    ("1970-01-01T00:00:00Z", 0),
    ("1970-01-01", 0),
    ("1970-01-01T01:00:00+01:00", 0),
    ("1969-12-31t23:30:00-00:30", 0),
    ("2024-02-29T12:34:56.789Z", 1_709_210_096_789_000),
    ("2024-02-29 12:34:56.7891234z", 1_709_210_096_789_123),
    ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ("9999-12-31T23:59:59.999999999Z", 253_402_300_799_999_999),
    ("2000-02-29", 951_782_400_000_000),
    ("1900-02-28", -2_203_977_600_000_000),
    ("1900-02-29", nil),
    ("2023-02-29", nil),
    ("2024-13-01", nil),
    ("2024-00-01", nil),
    ("2024-01-32", nil),
    ("2024-01-01T24:00:00Z", nil),
    ("2024-01-01T00:00:60Z", nil),
    ("2024-01-01T00:00:00", nil),
    ("2024-01-01T00:00Z", nil),
    ("2024-1-1", nil),
    ("2024-01-01T00:00:00.Z", nil),
    ("2024-01-01T00:00:00.1234567890Z", nil),
    ("20240101", nil),
    ("0000-12-31", nil),
    ("0001-01-01T00:00:00+00:01", nil),
    ("9999-12-31T23:59:59-00:01", nil),
    ("", nil),
    ("today", nil),
    ("2024-01-01Z", nil),
    ("2024-01-01T00:00:00+0100", nil),
    ("2024-01-01T00:00:00Z ", nil),
  ]

  @Test(arguments: known)
  func `a time is read by RFC 3339`(_ text: String, _ time: Int64?) {
    #expect(CaseAttribute.time(of: text) == time)
  }

  @Test func `a time agrees with Foundation and is written as it was read`() throws {
    var day = -700_000
    while day < 2_900_000 {
      let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 12_345)
      var text: [UInt8] = []
      text.append(time: Int64(day) * 86_400_000_000 + 12_345_000_000)
      // Foundation's calendar is the Julian one before 1582.
      if day > -141_000 {
        #expect(String(decoding: text, as: UTF8.self) == date.formatted(.iso8601))
      }
      let read = CaseAttribute.time(of: String(decoding: text, as: UTF8.self))
      #expect(read == Int64(day) * 86_400_000_000 + 12_345_000_000)
      day += 997
    }
  }

  @Test func `every format reads the same attributes`() throws {
    let lines = try ndjson(
      """
      {"features":{"x":1},"label":1,"group":"e\\u0301","reference":"r 1","occurred_at":"2024-05-01","weight":2.5,"split":"TEST"}
      {"features":{"x":2},"label":0,"weight":null,"group":null}
      {"features":{"x":3},"label":0,"split":"train","weight":1}
      """)
    #expect(
      lines
        == (try csv(
          """
          x,label,group,reference,occurred_at,weight,split
          1,1,\u{e9},r 1,2024-05-01, 2.50 ,validation
          2,0,,,,,
          3,0,,,,1,Train

          """
        )))
    #expect(lines.groups == ["\u{e9}", nil, nil])
    #expect(lines.weights == [2.5, nil, 1])
    #expect(lines.splits == [.validation, nil, .train])
    #expect(lines.times == [1_714_521_600_000_000, nil, nil])
  }

  @Test func `a refused attribute has its place`() {
    #expect(
      problems {
        _ = try ndjson(
          """
          {"features":{},"label":1,"group":7,"weight":0,"occurred_at":"2024-01-01T00:00:00","split":"dev"}
          {"features":{},"label":1,"weight":"1","reference":"","split":1}
          {"features":{},"label":1,"weight":1e10,"weight":1}
          """)
      } == [
        "1:/group: a group must be a string, not 7",
        "1:/weight: must be a number from 1e-9 to 1e9, not 0",
        "1:/occurred_at: must be a time with its offset, as 2026-01-31T12:00:00Z, or a date, not 2024-01-01T00:00:00",
        "1:/split: must be train or validation, not dev",
        #"2:/weight: must be a number from 1e-9 to 1e9, not "1""#,
        "2:/reference: a reference has 1 to 200 bytes in UTF-8",
        "2:/split: a split must be a string, not 1",
        "3:/weight: must be a number from 1e-9 to 1e9, not 1e10",
        "3:/weight: given twice in one object",
      ])
    #expect(
      problems { _ = try csv("x,label,weight,split\n1,1,nan,\n1,1,-1,x\n") } == [
        "2:weight: must be a number from 1e-9 to 1e9, not nan",
        "3:weight: must be a number from 1e-9 to 1e9, not -1", "3:split: must be train or validation, not x",
      ])
  }

  @Test func `columns have the names of the request, the dataset, or their own`() throws {
    let text = "customer,x,set,label,weight\nann,1,TRAIN,1,2\n"
    let named = CSVFormat(attributeColumns: [.group: "customer", .split: "set"])
    #expect(try csv(text, named).groups == ["ann"])
    #expect(try csv(text, named).splits == [.train])
    let usual = CSVFormat(usualColumns: [.group: "customer", .split: "set", .reference: "absent"])
    #expect(try csv(text, usual).groups == ["ann"])
    #expect(
      problems { _ = try csv("x,label\n1,1\n", named) } == [
        "1:customer: the header does not name this column", "1:set: the header does not name this column",
      ])
    // An ignored or filtered column has no meaning of its own.
    let others = CSVFormat(
      ignoredColumns: ["customer", "weight"], filters: [.init(column: "set", value: "TRAIN")])
    #expect(try csv(text, others).weights == [nil])
  }

  @Test func `a weight has the decimal separator of the file`() throws {
    let format = CSVFormat(delimiter: UInt8(ascii: ";"), hasDecimalComma: true)
    #expect(try csv("x;label;weight\n1,5;1;2,5\n", format).weights == [2.5])
    #expect(
      problems { _ = try csv("x;label;weight\n1,5;1;2.5\n", format) } == [
        "2:weight: must be a number from 1e-9 to 1e9, not 2.5"
      ])
  }

  @Test func `a feature keeps its column`() throws {
    let schema = RowSchema(features: [Feature(name: "weight", type: .continuous, slot: 0)])
    let rows = try readAll(
      CSVLabelReader(schema: schema), bytes("weight,label,_weight\n70,1,2\n"), chunk: 100)
    #expect(rows.numbers == [[70]])
    #expect(rows.weights == [2])
  }

  @Test func `rows to predict have no weight and no split`() throws {
    let batch = try PredictionReader(schema: schema).readOne(
      bytes(#"{"features":{"x":1},"group":"a","reference":"b","occurred_at":"2024-05-01T00:00:00.5Z"}"#))
    #expect(batch.attributes.groups?[0] == "a")
    #expect(batch.attributes.references?[0] == "b")
    #expect(batch.attributes.time(0) == 1_714_521_600_500_000)
    #expect(
      problems {
        _ = try PredictionReader(schema: schema).readOne(
          bytes(#"{"features":{},"weight":1,"split":"train"}"#))
      } == ["/weight: unknown member", "/split: unknown member"])
  }

  @Test func `a batch starts without the attributes of the last one`() throws {
    let reader = NDJSONLabelReader(
      schema: schema, rowsPerBatch: 1, limits: StreamLimits(piece: 1, longestLine: 1 << 20))
    let first = try #require(try reader.feed(bytes(#"{"features":{},"label":1,"group":"a"}"# + "\n")))
    let second = try #require(try reader.feed(bytes(#"{"features":{},"label":1}"# + "\n")))
    #expect(first.attributes.groups?[0] == "a")
    #expect(second.attributes.isEmpty)
  }
}
