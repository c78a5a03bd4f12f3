import Foundation
import PostgreSQL
import TestSupport
import Testing

/// Tests of TLS with libpq's `sslmode`, against a server with a certificate of a private authority.
@Suite struct TLSTests {
  /// A server on 127.0.0.1 that has a certificate for `localhost`, and the configuration that verifies it.
  func withServer(_ body: (ConnectionConfiguration) async throws -> Void) async throws {
    let port = String(Int.random(in: 20_000..<30_000))
    try await TestCluster.with(settings: ["listen_addresses": "127.0.0.1", "port": port]) { cluster in
      let directory = cluster.directory
      try makeCertificates(in: directory)
      var local = cluster.configuration
      local.parameters["port"] = port
      let connection = try await Connection.connect(local)
      for (name, value) in [("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key")] {
        try await connection.query(
          "ALTER SYSTEM SET \(unescaped: name) = '\(unescaped: directory)/\(unescaped: value)'")
      }
      try await connection.query("ALTER SYSTEM SET ssl = on")
      try await connection.query("SELECT pg_reload_conf()")
      await connection.close()
      var secure = local
      secure.parameters["host"] = "localhost"
      secure.parameters["sslmode"] = "verify-full"
      secure.parameters["sslrootcert"] = "\(directory)/ca.crt"
      // The server reloads its configuration asynchronously.
      let verified = secure
      try await eventually { (try? await withConnection(verified) { _ in }) != nil }
      try await body(secure)
    }
  }

  @Test func `a verified connection carries large data both ways`() async throws {
    try await withServer { configuration in
      let connection = try await Connection.connect(configuration)
      let version = try await connection.query(
        "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl")
      #expect(try version.first?.decode(String.self).hasPrefix("TLS") == true)
      try await connection.query("CREATE TABLE t (id int8, text text)")
      // Rows of every size around a TLS record's 16 KiB, of which a part can stay in OpenSSL's buffer.
      let sizes = (0..<400).map { ($0 * 997) % 40_000 }
      try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
        var builder = BinaryCopyWriter()
        for (id, size) in sizes.enumerated() {
          builder.startRow(columns: 2)
          builder.append(id)
          builder.append(String(repeating: "x", count: size))
          if builder.count > 100_000 { try await writer.write(builder.take()) }
        }
        builder.finish()
        try await writer.write(builder.take())
      }
      for _ in 0..<3 {
        var reader = BinaryCopyReader()
        var seen: [Int] = []
        try await connection.copyOut("COPY (SELECT * FROM t ORDER BY id) TO STDOUT (FORMAT binary)") {
          stream in
          while let chunk = try await stream.nextBytes() {
            reader.feed(chunk)
            while try reader.nextRow() { seen.append(try reader.decode(1, as: String.self).utf8.count) }
          }
        }
        try reader.checkFinished()
        #expect(seen == sizes)
      }
      // Responses of every size, each the only data in flight.
      for size in stride(from: 1, to: 70_000, by: 1021) {
        let text = try await connection.query("SELECT repeat('y', \(Int32(size)))").first?.decode(String.self)
        #expect(text?.utf8.count == size)
      }
      let payload = String(repeating: "z", count: 100_000)
      let echoes = try await connection.pipeline((0..<40).map { _ in "SELECT \(payload)" })
      #expect(try echoes.allSatisfy { try $0.first?.decode(String.self) == payload })
      await connection.close()
    }
  }

  /// PQcancel of this libpq connects without TLS, which the server accepts for cancel requests.
  @Test func `cancellation works over TLS`() async throws {
    try await withServer { configuration in
      let connection = try await Connection.connect(configuration)
      let sleeping = Task { try await connection.query("SELECT pg_sleep(600)") }
      try await configuration.waitForSleep()
      sleeping.cancel()
      let error = await #expect(throws: PostgreSQLError.self) { try await sleeping.value }
      #expect(error?.kind == .cancelled)
      #expect(try await connection.query("SELECT 1").count == 1)
      await connection.close()
    }
  }

  @Test func `another authority and another host name are refused`() async throws {
    try await withServer { configuration in
      var other = configuration
      other.parameters["sslrootcert"]?.replace("ca.crt", with: "other.crt")
      let stranger = await #expect(throws: PostgreSQLError.self) { _ = try await Connection.connect(other) }
      #expect(stranger?.kind == .connectionFailed && stranger?.message.contains("certificate") == true)
      var byAddress = configuration
      byAddress.parameters["host"] = "127.0.0.1"
      let misnamed = await #expect(throws: PostgreSQLError.self) {
        _ = try await Connection.connect(byAddress)
      }
      #expect(misnamed?.kind == .connectionFailed && misnamed?.message.contains("does not match") == true)
    }
  }

  private func makeCertificates(in directory: String) throws {
    let extensions = "subjectAltName=DNS:localhost"
    try extensions.write(toFile: "\(directory)/names", atomically: true, encoding: .utf8)
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ["ca", "other"] {
      try openssl(
        [
          "req", "-x509", "-days", "2", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out",
          "\(name).crt",
        ]
          + key, in: directory)
    }
    try openssl(
      ["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"] + key, in: directory)
    try openssl(
      [
        "x509", "-req", "-days", "2", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
        "-CAcreateserial", "-extfile", "names", "-out", "server.crt",
      ], in: directory)
    // The server requires a key that only its user can read; the socket's directory belongs to that user.
    let owner = try FileManager.default.attributesOfItem(atPath: directory)[.ownerAccountID]
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o600, .ownerAccountID: owner ?? 0], ofItemAtPath: "\(directory)/server.key")
  }

  private func openssl(_ arguments: [String], in directory: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl \(arguments.joined(separator: " "))")
  }
}
