import ArgumentParser
import Foundation
import VerdictCore
import VerdictServer

/// Manages a tenant's API keys, for an operator who creates the first key or replaces a lost admin key.
struct KeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Create, list and revoke a tenant's API keys.",
    subcommands: [Create.self, List.self, Revoke.self])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a key and print it. It is shown only once.")

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Name of the tenant.") var tenant: String
    @Option(help: "Name of the key.") var name = "command line"
    @Option(help: "admin, write, read or predict.", transform: Self.role) var role = Role.admin
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
      if let objection = TextRule.keyName.objection(to: name) {
        throw ValidationError("The key's name \(objection).")
      }
    }

    func run() async throws {
      let issued = try await database.withDatabase { database in
        let tenant = try await TenantStore(database: database).find(name: tenant).id
        return try await database.transaction(for: tenant) { tx in
          try await KeyStore.issue(tenant, name: name, role: role, expiresAt: nil, in: tx)
        }
      }
      if json {
        try Output.json(Created(id: issued.key.id, role: role.rawValue, key: issued.secret.token))
      } else {
        print(
          "Key \(issued.key.id) of \(tenant), role \(role.rawValue), shown only once:\n\(issued.secret.token)"
        )
      }
    }

    private static func role(_ text: String) throws -> Role {
      guard let role = Role(rawValue: text) else {
        throw ValidationError("The role is admin, write, read or predict.")
      }
      return role
    }

    private struct Created: Encodable {
      var id: Int
      var role: String
      var key: String
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List a tenant's keys, without their secrets.")

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Name of the tenant.") var tenant: String
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
      let keys = try await database.withDatabase { database in
        let tenant = try await TenantStore(database: database).find(name: tenant).id
        return try await KeyStore(database: database).list(tenant, after: nil, limit: 1_000)
      }
      if json {
        try Output.json(keys.map(KeyOutput.init))
      } else {
        for key in keys {
          print("\(key.id)\t\(key.role.rawValue)\t\(Output.time(key.createdAt))\t\(key.name)")
        }
      }
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Revoke a key.")

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Name of the tenant.") var tenant: String
    @Argument(help: "Id of the key, as listed.") var id: Int

    func run() async throws {
      try await database.withDatabase { database in
        let tenant = try await TenantStore(database: database).find(name: tenant).id
        try await KeyStore(database: database).revoke(tenant, id: id)
      }
      print("Key \(id) has been revoked.")
    }
  }
}

/// The representation of a key in the command's output.
struct KeyOutput: Encodable {
  var id: Int
  var name: String
  var role: String
  var createdAt: String
  var lastUsedAt: String?
  var expiresAt: String?

  private enum CodingKeys: String, CodingKey {
    case id, name, role
    case createdAt = "created_at"
    case lastUsedAt = "last_used_at"
    case expiresAt = "expires_at"
  }

  init(_ key: APIKey) {
    id = key.id
    name = key.name
    role = key.role.rawValue
    createdAt = Output.time(key.createdAt)
    lastUsedAt = key.lastUsedAt.map(Output.time)
    expiresAt = key.expiresAt.map(Output.time)
  }
}
