internal import CLibPQ
internal import Glibc

/// Resolution of host names before libpq connects.
extension ConnectionConfiguration {
  /// The parameters for libpq, with host names resolved.
  ///
  /// libpq resolves names with a blocking getaddrinfo inside calls that otherwise do not block (manual, 34.2). So each host name
  /// becomes `host`, which TLS verifies, and `hostaddr`, which libpq connects to: one entry per address, resolved on a helper
  /// thread.
  func resolved() async throws -> [String: String] {
    var result = parameters
    result["client_encoding"] = "UTF8"
    // Defaults would override the values of a service file.
    if parameters["service"] == nil, environment("PGSERVICE") == nil {
      result.merge(Self.keepaliveDefaults) { said, _ in said }
    }
    guard parameters["hostaddr"] == nil, parameters["service"] == nil,
      let list = parameters["host"] ?? environment("PGHOST"), environment("PGHOSTADDR") == nil
    else { return result }
    let hosts = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard hosts.contains(where: needsResolution) else { return result }
    let portList = parameters["port"] ?? environment("PGPORT") ?? ""
    let ports = portList.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    var names: [String] = []
    var addresses: [String] = []
    var expandedPorts: [String] = []
    for (index, host) in hosts.enumerated() {
      let port = ports.count == hosts.count ? ports[index] : ports.first ?? ""
      let found = needsResolution(host) ? await runBlocking { addressesOf(host) } : [""]
      for address in found {
        names.append(host)
        addresses.append(address)
        expandedPorts.append(port)
      }
    }
    guard !names.isEmpty else {
      throw PostgreSQLError(.connectionFailed, "no address found for host \(list)")
    }
    result["host"] = names.joined(separator: ",")
    result["hostaddr"] = addresses.joined(separator: ",")
    result["port"] = expandedPorts.joined(separator: ",")
    return result
  }
}

private func environment(_ name: String) -> String? {
  getenv(name).map { String(cString: $0) }
}

/// False for Unix sockets (a path, or @ for an abstract one), the default host and numeric addresses.
private func needsResolution(_ host: String) -> Bool {
  guard let first = host.first, first != "/", first != "@" else { return false }
  var v4 = in_addr()
  var v6 = in6_addr()
  return inet_pton(AF_INET, host, &v4) != 1 && inet_pton(AF_INET6, host, &v6) != 1
}

private func addressesOf(_ host: String) -> [String] {
  var hints = addrinfo()
  hints.ai_family = AF_UNSPEC
  hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  var list: UnsafeMutablePointer<addrinfo>?
  guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
  defer { freeaddrinfo(list) }
  var addresses: [String] = []
  var next = list
  while let entry = next {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = getnameinfo(
      entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
    if code == 0 {
      let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if !addresses.contains(address) { addresses.append(address) }
    }
    next = entry.pointee.ai_next
  }
  return addresses
}
