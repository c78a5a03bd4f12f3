import Testing

@testable import VerdictServer

/// Client addresses from `X-Forwarded-For` behind trusted proxies.
@Suite struct ClientAddressTests {
  private let addresses = ClientAddress(
    proxies: ["10.0.0.0/8", "2001:db8:1::/48"].compactMap { Network($0) })

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:4711", "192.0.2.1"), (" 192.0.2.1:80 ", "192.0.2.1"),
    ("198.51.100.7, 192.0.2.1:4711", "192.0.2.1"), ("192.0.2.1:4711, 10.1.1.1:80", "192.0.2.1"),
    ("2001:db8:2::5", "2001:db8:2::"), ("[2001:db8:2::5]", "2001:db8:2::"),
    ("[2001:db8:2::5]:443", "2001:db8:2::"),
    ("[::ffff:192.0.2.1]:443", "192.0.2.1"),
    // An entry that is not an address ends the list, and the proxy's own address is used.
    ("192.0.2.1:", "10.9.9.9"), ("192.0.2.1:http", "10.9.9.9"), ("[192.0.2.1", "10.9.9.9"),
    ("unknown", "10.9.9.9"),
    ("2001:db8:2::5:x", "10.9.9.9"), ("", "10.9.9.9"), (":80", "10.9.9.9"), ("[]:80", "10.9.9.9"),
  ])
  func forwardedAddressesMayHavePorts(forwarded: String, client: String) {
    #expect(addresses.of("10.9.9.9", forwarded: forwarded) == ClientAddress().of(client, forwarded: ""))
  }

  @Test func untrustedProxiesAreIgnored() {
    #expect(
      addresses.of("192.0.2.9", forwarded: "192.0.2.1") == ClientAddress().of("192.0.2.9", forwarded: ""))
    #expect(addresses.of("192.0.2.9", forwarded: "") != addresses.of("192.0.2.1", forwarded: ""))
  }
}
