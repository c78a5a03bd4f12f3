import ArgumentParser
import VerdictCore

/// Manages tenants.
struct TenantCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tenant", abstract: "Create, list, limit and delete tenants.",
    subcommands: [Create.self, List.self, Show.self, Set.self, Delete.self])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a tenant and print its first admin key, which is shown only once.")

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Name: lower-case letters, digits, - and _, at most 63.") var name: String
    @Flag(help: "Print JSON.") var json = false

    func validate() throws { try Slug.validate(name, what: "tenant") }

    func run() async throws {
      let (tenant, issued) = try await database.withDatabase { database in
        try await TenantStore(database: database).create(name: name, keyName: "first")
      }
      if json {
        try Output.json(Created(tenant: .init(tenant), key: issued.secret.token))
      } else {
        print(
          "Tenant \(tenant.name) has been created. Its admin key, shown only once:\n\(issued.secret.token)")
      }
    }

    private struct Created: Encodable {
      var tenant: TenantOutput
      var key: String
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the tenants.")

    @OptionGroup var database: DatabaseOptions
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
      let tenants = try await database.withDatabase { try await TenantStore(database: $0).list() }
      if json {
        try Output.json(tenants.map(TenantOutput.init))
      } else {
        for tenant in tenants { print("\(tenant.name)\t\(Output.time(tenant.createdAt))") }
      }
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete a tenant with its keys, datasets, labels, models and predictions.")

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Name of the tenant.") var name: String
    @Flag(help: "Do not ask for confirmation.") var yes = false

    func run() async throws {
      if !yes {
        print(
          "All data of tenant \(name) will be deleted permanently. Type its name to continue: ",
          terminator: "")
        guard readLine() == name else { throw ExitCode.failure }
      }
      let id = try await database.withDatabase { database in
        let store = TenantStore(database: database)
        let id = try await store.find(name: name).id
        try await store.delete(id)
        return id
      }
      print("Tenant \(name) with id \(id) has been deleted.")
    }
  }
}

/// The representation of a tenant in the command's output.
struct TenantOutput: Encodable {
  var id: Int32
  var name: String
  var createdAt: String

  private enum CodingKeys: String, CodingKey {
    case id, name
    case createdAt = "created_at"
  }

  init(_ tenant: Tenant) {
    id = tenant.id.rawValue
    name = tenant.name
    createdAt = Output.time(tenant.createdAt)
  }
}
