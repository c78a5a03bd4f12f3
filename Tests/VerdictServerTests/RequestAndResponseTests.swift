import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Testing
import VerdictCore

@testable import VerdictServer

@Suite struct TimestampTests {
  @Test func timesAreRFC3339InUTCWithMilliseconds() {
    #expect(Timestamp.format(Date(timeIntervalSince1970: 1_700_000_000.25)) == "2023-11-14T22:13:20.250Z")
  }

  @Test(arguments: [
    "2023-11-14T22:13:20Z", "2023-11-14T22:13:20.000Z", "2023-11-15T00:13:20+02:00",
    "2023-11-14T17:13:20.0-05:00",
  ])
  func timesAreParsedInAnyOffset(text: String) {
    #expect(Timestamp.parse(text) == Date(timeIntervalSince1970: 1_700_000_000))
  }

  @Test(arguments: [
    "", "yesterday", "2023-11-14", "2023-13-14T22:13:20Z", "2023-02-30T00:00:00Z", "2023-02-29T00:00:00Z",
    "2023-11-14T24:00:00Z", "2023-11-14T22:60:00Z", "2023-11-14T22:13:20", "2023-11-14T22:13:20+0200",
    " 2023-11-14T22:13:20Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
    "9999-12-31T00:01:00-23:59", "0000-12-31T23:59:59Z",
  ])
  func invalidTimesAreRefused(text: String) {
    #expect(Timestamp.parse(text) == nil)
  }

  @Test(arguments: [
    ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999Z"),
    ("9999-12-31T23:59:59.9996Z", "9999-12-31T23:59:59.999Z"),
    ("9999-12-31T23:58:59.5-00:01", "9999-12-31T23:59:59.500Z"),
    ("2000-02-29T12:00:00Z", "2000-02-29T12:00:00.000Z"),
    ("2100-03-01T00:00:00Z", "2100-03-01T00:00:00.000Z"),
    ("1969-12-31T23:59:59.250Z", "1969-12-31T23:59:59.250Z"),
  ])
  func everyTimeThatIsParsedHasAForm(text: String, form: String) {
    #expect(Timestamp.parse(text).map(Timestamp.format) == form)
  }

  @Test(arguments: [
    ("0001-01-01T00:00:00Z", -62_135_596_800),
    ("0001-01-01T00:01:00+00:01", -62_135_596_800),
    ("1500-02-28T23:59:59Z", -14_826_672_001),
    ("1582-10-10T00:00:00Z", -12_219_724_800),
    ("1900-03-01T00:00:00Z", -2_203_891_200),
    ("2023-11-14T22:13:20Z", 1_700_000_000),
  ])
  func datesAreGregorianInAllYears(text: String, seconds: Int) {
    #expect(Timestamp.parse(text) == Date(timeIntervalSince1970: Double(seconds)))
  }
}

@Suite struct PageTests {
  @Test func anExtraItemYieldsACursor() {
    let page = Page([1, 2, 3], limit: 2) { "\($0)" }
    #expect(page.items == [1, 2])
    #expect(page.cursor(after: 2).flatMap(Cursor.decode) == "2")
    #expect(Page([1, 2], limit: 2) { "\($0)" }.cursor(after: 2) == nil)
  }

  @Test(arguments: ["1", "~?>", "a/b+c", "x~~", String(repeating: "x", count: 100)])
  func cursorsAreSafeInURLs(position: String) {
    let cursor = Cursor.encode(position)
    #expect(cursor.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) })
    #expect(cursor.count == Cursor.length(ofPosition: position.count))
    #expect(Cursor.decode(cursor) == position)
  }

  /// Padding, unused bits, the other alphabet of base64, and bytes outside of ASCII's printable part.
  @Test(arguments: ["", "0", "000", "MQ==", "MR", "fj8-PT8+", "w7w", "MAo", "M Q"])
  func aPositionHasOneCursor(text: String) {
    #expect(Cursor.decode(text) == nil)
  }
}

@Suite struct QueryParametersTests {
  private func request(_ query: String) -> Request {
    Request(
      head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/x?" + query),
      body: RequestBody(buffer: ByteBuffer()))
  }

  @Test func unknownAndRepeatedParametersAreRefused() throws {
    #expect(throws: Problem.self) { try QueryParameters(request("lmit=3"), known: ["limit"]) }
    #expect(throws: Problem.self) { try QueryParameters(request("limit=3&limit=4"), known: ["limit"]) }
    #expect(try QueryParameters(request("limit=3"), known: ["limit"]).limit() == 3)
  }

  @Test(arguments: [
    ("two+words", "two words"), ("a%2Bb", "a+b"), ("%3D=x", "==x"), ("", ""), ("%C3%BC", "ü"),
  ])
  func valuesAreFormDecoded(sent: String, value: String) throws {
    #expect(try QueryParameters(request("key=\(sent)"), known: ["key"])["key"] == value)
  }

  @Test func invalidPercentEncodingIsRefused() {
    #expect(throws: Problem.self) { try QueryParameters(request("key=%zz"), known: ["key"]) }
    #expect(throws: Problem.self) { try QueryParameters(request("key=%ff"), known: ["key"]) }
  }

  @Test(arguments: ["0", "1001", "-1", "+5", "5.0", "", "ten", "99999999999999999999"])
  func limitsAreWholeNumbersWithinBounds(text: String) throws {
    let query = try QueryParameters(request("limit=\(text)"), known: ["limit"])
    #expect(throws: Problem.self) { try query.limit() }
  }
}

@Suite struct BodyTypeTests {
  private func request(accept: String) -> Request {
    Request(
      head: HTTPRequest(
        method: .get, scheme: nil, authority: nil, path: "/",
        headerFields: accept.isEmpty ? [:] : [.accept: accept]),
      body: RequestBody(buffer: ByteBuffer()))
  }

  @Test(arguments: [
    ("", BodyType.json), ("*/*", .json), ("text/csv", .csv), ("text/*", .csv),
    ("application/json;q=0.1, text/csv", .csv),
    ("text/html, */*;q=0.8", .json), ("application/x-ndjson", .ndjson),
  ])
  func acceptSelectsTheBestType(accept: String, type: BodyType) throws {
    #expect(try BodyType.wanted(by: request(accept: accept), offered: [.json, .csv, .ndjson]) == type)
  }

  @Test(arguments: ["text/html", "application/json;q=0"])
  func unavailableTypesAreRefused(accept: String) {
    #expect(throws: Problem.self) { try BodyType.wanted(by: request(accept: accept), offered: [.json]) }
  }
}

@Suite struct RouteTableTests {
  @Test func methodsOfAPath() {
    var table = RouteTable()
    table.add(.get, "/v1/datasets/{dataset}", .role(.read))
    table.add(.delete, "/v1/datasets/{dataset}", .role(.write))
    table.add(.put, "/v1/datasets/{dataset}/models/active", .role(.write))
    #expect(table.methods(of: "/v1/datasets/x") == [.get, .head, .delete])
    #expect(table.methods(of: "/v1/datasets/x/models/active") == [.put])
    #expect(table.methods(of: "/v1/datasets").isEmpty)
  }
}
