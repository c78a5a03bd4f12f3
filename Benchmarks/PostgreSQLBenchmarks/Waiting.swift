import PostgreSQL

/// Ways to wait for libpq, compared.
struct Waiting {
  let configuration: ConnectionConfiguration

  func run() async throws {}
}
