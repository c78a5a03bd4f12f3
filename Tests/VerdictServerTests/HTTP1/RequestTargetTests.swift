import Testing

@testable import VerdictServer

/// Tests of the syntax rules for request targets and Host fields.
@Suite struct RequestTargetTests {
  @Test(arguments: [
    ("/v1/datasets/d", "/v1/datasets/d"), ("/%76%31/d%61ta%2Dset%5f%7E%2e", "/v1/data-set_~."),
    ("/a%2Fb%2fc", "/a%2Fb%2fc"), ("/a%20b%C3%A9%00", "/a%20b%C3%A9%00"), ("/a%", "/a%"), ("/a%4", "/a%4"),
    ("/a%4g%zz", "/a%4g%zz"), ("/a%2541", "/a%2541"), ("/%61?x=%61%26", "/a?x=%61%26"),
    ("/?x=%61", "/?x=%61"), ("*", "*"),
  ])
  func `unreserved characters of the path are decoded`(_ target: String, _ normalized: String) {
    #expect(RequestTarget.normalized(target) == normalized)
  }

  @Test(arguments: [
    "/", "/?x=//", "/metrics", "/metrics?by=../%2F", "/v1/datasets/d/labels.csv", "/.well-known", "/a..b/...",
    "/a/b~c",
  ])
  func `canonical targets`(_ target: String) { #expect(RequestTarget.isCanonical(target)) }

  @Test(arguments: [
    "", "*", "metrics", "//", "//metrics", "/metrics/", "/metrics/?by=tenant", "/v1//datasets", "/.", "/..",
    "/./metrics",
    "/v1/../metrics", "/metrics/.", "/metrics/..", "/metrics%2F", "/%2e%2e/metrics%", "/a%2541",
  ])
  func `targets that are not canonical`(_ target: String) { #expect(!RequestTarget.isCanonical(target)) }

  @Test(arguments: [
    "", "x", "example.com", "example.com:", "a.b:8080", "127.0.0.1:1", "[::1]", "[::1]:80", "[v1.a:b]",
    "x%20y", "a_b~c!$&'()*+,;=",
  ])
  func `valid hosts`(_ value: String) { #expect(HostField.isValid(value)) }

  @Test(arguments: [
    " ", "a b", "a/b", "a@b", "a?b", "a#b", "a:b", "a:1:2", "[", "[]", "[::1", "[::1]x", "[::1]:x", "x%",
    "x%2", "x%2g", "é", "a\"b",
    "a]", "::1", "[a/b]",
  ])
  func `invalid hosts`(_ value: String) { #expect(!HostField.isValid(value)) }
}
