import HTTPTypes
import NIOCore
import Testing

@testable import VerdictServer

/// Parsing of entity tags and `traceparent` header fields.
@Suite struct ConditionTests {
  @Test func tagsDependOnTheBytes() {
    let tag = EntityTag(of: ByteBuffer(string: "a"))
    #expect(tag.text == "\"ca978112ca1bbdcafac231b39a23dc4d\"")
    #expect(tag == EntityTag(of: ByteBuffer(string: "a")))
    #expect(tag != EntityTag(of: ByteBuffer(string: "b")))
  }

  @Test(arguments: ["\"\"", "\"a\"", "W/\"a\"", "\"a,b\"", "\"!#[]~\""])
  func validTagsAreParsed(_ text: String) throws {
    #expect(try #require(EntityTag(text[...])).text == text)
  }

  @Test(arguments: ["", "\"", "a", "\"a", "a\"", "w/\"a\"", "\"a\"b\"", "\"a b\"", "W/", "\"ä\""])
  func invalidTagsAreRefused(_ text: String) {
    #expect(EntityTag(text[...]) == nil)
  }

  @Test(arguments: [
    ("\"a\"", ["\"a\""]), (" \"a\" ,\tW/\"b\"", ["\"a\"", "W/\"b\""]), ("\"a,b\",\"\"", ["\"a,b\"", "\"\""]),
  ])
  func validListsAreParsed(_ text: String, _ tags: [String]) throws {
    var scanner = try #require(EntityTagScanner(text))
    #expect(scanner.tags()?.map(\.text) == tags)
  }

  @Test(arguments: [
    "", ",", "\"a\",", ",\"a\"", "\"a\",,\"b\"", "\"a\" \"b\"", "\"a\"b", "*", "*,\"a\"", "W\"a\"", "W/",
    "\"a", "\"a\",*",
    "\"a b\"",
  ])
  func invalidListsAreRefused(_ text: String) throws {
    var scanner = try #require(EntityTagScanner(text))
    #expect(scanner.tags() == nil)
  }

  @Test func longListsAreRefused() throws {
    let longest = "W/\"\(String(repeating: "a", count: 128))\""
    var most = try #require(EntityTagScanner(Array(repeating: longest, count: 32).joined(separator: " , ")))
    #expect(most.tags()?.count == 32)
    var more = try #require(EntityTagScanner(Array(repeating: "\"a\"", count: 33).joined(separator: ",")))
    #expect(more.tags() == nil)
    // Sixty kilobytes on which a backtracking regular expression would take quadratic time.
    #expect(EntityTagScanner(String(repeating: "W/\"a\" ", count: 10_000)) == nil)
    #expect(EntityTagScanner(String(repeating: "\t", count: 60_000)) == nil)
  }

  @Test func strongAndWeakComparison() {
    let (strong, weak) = (EntityTag("\"a\""), EntityTag("W/\"a\""))
    guard let strong, let weak else {
      Issue.record("no tags")
      return
    }
    #expect(EntityTagCondition.tags([strong]).holdsStrongly(for: strong))
    #expect(!EntityTagCondition.tags([weak]).holdsStrongly(for: strong))
    #expect(EntityTagCondition.tags([weak]).holdsWeakly(for: strong))
    #expect(!EntityTagCondition.tags([]).holdsWeakly(for: strong))
    #expect(EntityTagCondition.any.holdsStrongly(for: strong))
  }

  @Test func traceparentIsParsed() {
    let trace = "0af7651916cd43dd8448eb211c80319c"
    #expect(TraceContext.traceID(of: "00-\(trace)-b7ad6b7169203331-01") == trace)
    #expect(TraceContext.traceID(of: "cc-\(trace)-b7ad6b7169203331-01-later") == trace)
    for wrong in [
      "", "00", "00-\(trace)-b7ad6b7169203331", "00-\(trace)-b7ad6b7169203331-01-",
      "ff-\(trace)-b7ad6b7169203331-01",
      "00-\(trace)-0000000000000000-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-\(trace)xb7ad6b7169203331-01", "0G-\(trace)-b7ad6b7169203331-01",
      "cc-\(trace)-b7ad6b7169203331-01later",
    ] {
      #expect(TraceContext.traceID(of: wrong) == nil, "\(wrong)")
    }
  }

  @Test func literalPathsPrecedeTemplates() {
    var table = RouteTable()
    table.add(.get, "/m/{version}", .open)
    table.add(.delete, "/m/{version}", .open)
    table.add(.put, "/m/active", .open)
    #expect(table.methods(of: "/m/active") == [.put])
    #expect(table.methods(of: "/m/1") == [.get, .head, .delete])
    #expect(table.methods(of: "/n").isEmpty)
  }
}
