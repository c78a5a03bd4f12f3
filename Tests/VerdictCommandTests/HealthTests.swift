import Foundation
import Subprocess
import SystemPackage
import Testing

/// Tests that `verdict health` uses the server's address and protocol.
@Suite struct HealthTests {
  @Test(.timeLimit(.minutes(10)), arguments: ["127.0.0.2", "0.0.0.0"])
  func `the command follows the server's settings`(host: String) async throws {
    try await TestInstallation.with(settings: ["VERDICT_HOST": host, "VERDICT_WORKERS": "0"]) {
      installation in
      let certificate = try await Self.certificate(in: installation.root)
      let plain = try await installation.serve()
      let port = "\(try #require(plain.port))"
      #expect(try await installation.run("health", "--port", port).status == .exited(0))
      #expect(try await installation.run("health", settings: ["VERDICT_PORT": port]).status == .exited(0))
      #expect(
        try await installation.run("health", "--port", port, settings: certificate).status != .exited(0))
      #expect(try await plain.terminate() == .exited(0))

      let secure = try await installation.serve(settings: certificate)
      let securePort = "\(try #require(secure.port))"
      let asked = try await installation.run("health", "--port", securePort, settings: certificate)
      #expect(asked.status == .exited(0), "\(asked)")
      #expect(try await installation.run("health", "--port", securePort).status != .exited(0))
      if host != "0.0.0.0" {
        let elsewhere = try await installation.run(
          "health", "--host", "127.0.0.1", "--port", securePort, settings: certificate)
        #expect(elsewhere.status != .exited(0))
      }
      #expect(try await secure.terminate() == .exited(0))
      let over = try await installation.run("health", "--port", securePort, settings: certificate)
      #expect(over.status != .exited(0))
    }
  }

  /// A self-signed certificate.
  private static func certificate(in directory: String) async throws -> [String: String] {
    let (certificate, key) = ("\(directory)/tls.pem", "\(directory)/tls.key")
    let result = try await Subprocess.run(
      .name("openssl"),
      arguments: [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=elsewhere.example", "-keyout", key, "-out", certificate,
      ],
      output: .discarded)
    try #require(result.terminationStatus.isSuccess)
    return ["VERDICT_TLS_CERT": certificate, "VERDICT_TLS_KEY": key]
  }
}
