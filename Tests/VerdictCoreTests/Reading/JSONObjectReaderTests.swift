import Testing
import VerdictCore

@Suite("JSON documents")
struct JSONObjectReaderTests {
  enum Role: String, CaseIterable { case admin, read }

  struct Point: Equatable {
    var x: Double
    var label: String?
  }

  struct Body: Equatable {
    var name: String
    var size: Int
    var role: Role
    var tags: [String]?
    var points: [Point]
    var gate: Double?
    var on: Bool?
  }

  func decode(_ text: String) throws -> Body {
    try JSONObjectReader.decode(bytes(text)) { object in
      Body(
        name: object.string("name", expected: "a short name") { (1...5).contains($0.count) },
        size: object.int("size", in: 1...10),
        role: object.choice("role", default: .read),
        tags: object.optionalStrings("tags", count: 1...3, length: 1...4, unique: true),
        points: object.objects("points") { Point(x: $0.double("x"), label: $0.optionalString("label")) },
        gate: object.optionalObject("gate") { $0.double("minimum", in: 0...1) },
        on: object.optionalBool("on"))
    }
  }

  @Test func values() throws {
    let body = try decode(
      #"{"points":[{"x":1e1},{"x":-2,"label":"é"}],"size":3.0,"name":"a","tags":["b","c"],"role":"admin","on":null,"#
        + #""gate":{"minimum":0.75}}"#)
    #expect(
      body
        == Body(
          name: "a", size: 3, role: .admin, tags: ["b", "c"],
          points: [Point(x: 10), Point(x: -2, label: "é")], gate: 0.75, on: nil))
  }

  @Test func allProblemsAtOnce() {
    let found = problems {
      _ = try decode(
        #"{"name":"abcdef","size":11,"role":"king","tags":["b","b",1,""],"points":[{"x":1e999},3,{"y":1}],"on":1,"#
          + #""gate":[],"a/b":null}"#)
    }
    #expect(
      found == [
        "/name: must be a short name",
        "/size: must be from 1 to 10",
        #"/role: must be one of "admin", "read""#,
        "/tags: must have 1 to 3 elements",
        "/points/0/x: is beyond the range of a double",
        "/points/1: must be an object, not a number",
        "/points/2/x: is missing",
        "/points/2/y: unknown member",
        "/gate: must be an object, not an array",
        "/on: must be true or false, not a number",
        "/a~1b: unknown member",
      ])
    #expect(problems { _ = try decode("3") } == [": must be an object, not a number"])
    #expect(
      problems { _ = try decode(#"{"name":"a","size":2.5,"points":[],"tags":["","b",null]}"#) } == [
        "/size: must be a whole number", "/tags/0: must have 1 to 4 characters",
        "/tags/2: must be a string, not null",
      ])
  }

  @Test func repeatedMembers() {
    #expect(
      problems { _ = try JSONValue.parse(bytes(#"{"a":[{"b~":1,"b~":2}],"a":1}"#)) }
        == ["/a/0/b~0: given twice in one object", "/a: given twice in one object"])
  }

  @Test func writingKeepsWhatWasRead() throws {
    let text =
      #"{"b":[1.50,1e2,-0,123456789012345678901234567890,"\"\\\n\u0001é",true,false,null,{}],"a":[]}"#
    #expect(String(decoding: try JSONValue.parse(bytes(text)).encoded(), as: UTF8.self) == text)
  }

  @Test func wholeNumbers() throws {
    func int(_ text: String) throws -> Int64? {
      guard case .number(let number) = try JSONValue.parse(bytes(text)) else { return nil }
      return number.int64
    }
    #expect(try int("9223372036854775807") == .max)
    #expect(try int("9223372036854775808") == nil)
    #expect(try int("12e2") == 1200)
    #expect(try int("1.5") == nil)
    #expect(try int("1e300") == nil)
  }
}
