import ArgumentParser
import JobQueue
import VerdictCore

/// The subcommands for usage and limits.
extension TenantCommand {
  /// Shows a tenant's usage and limits.
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a tenant's usage and limits.")

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Name of the tenant.") var name: String
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
      let standard = try JobSettings.configuration().runningPerTenant
      let (tenant, usage) = try await database.withDatabase { database in
        let tenant = try await TenantStore(database: database).find(name: name)
        return (tenant, try await UsageStore(database: database).usage(tenant.id))
      }
      let shown = Quota.allCases.map { quota in
        QuotaOutput(
          name: quota.rawValue, used: usage.used[quota], limit: usage.limits[quota] ?? standard,
          source: usage.limits[set: quota] != nil
            ? .tenant : usage.limits[quota] != nil ? .standard : .environment)
      }
      if json {
        try Output.json(UsageOutput(tenant: .init(tenant), usage: shown))
      } else {
        for quota in shown {
          let used = quota.used.map(String.init) ?? "-"
          print("\(quota.name)\t\(used)\t\(quota.limit)\(quota.source.words)")
        }
      }
    }
  }

  /// Changes a tenant's limits.
  struct Set: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set a tenant's limits.",
      discussion: """
        Each limit is a number, or "standard" to restore the default. Servers apply it within a second. Stored data stays, \
        also above a new limit.
        """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Name of the tenant.") var name: String
    @Option(help: "Stored labels.") var rows: Limit?
    @Option(help: "Datasets.") var datasets: Limit?
    @Option(help: "API keys.") var keys: Limit?
    @Option(help: "Stored predictions.") var predictions: Limit?
    @Option(help: "Decompressed bytes of one request body.") var bodyBytes: Limit?
    @Option(help: "Requests per second to one server process.") var requestsPerSecond: Limit?
    @Option(help: "Concurrent trainings.") var jobs: Limit?
    @Option(help: "Queued trainings.") var queuedJobs: Limit?
    @Option(help: "Bytes of responses stored for idempotent retries.") var answerBytes: Limit?

    private var changes: [Quota: Limit] {
      let given: [(Quota, Limit?)] = [
        (.rows, rows), (.datasets, datasets), (.keys, keys), (.predictions, predictions),
        (.bodyBytes, bodyBytes), (.requestsPerSecond, requestsPerSecond), (.jobs, jobs),
        (.queuedJobs, queuedJobs), (.answerBytes, answerBytes),
      ]
      return Dictionary(given.compactMap { quota, limit in limit.map { (quota, $0) } }) { $1 }
    }

    func validate() throws {
      guard !changes.isEmpty else {
        throw ValidationError("At least one limit is required, for example --rows 1000.")
      }
      for (quota, limit) in changes {
        guard let number = limit.number else { continue }
        guard quota.range.contains(number) else {
          throw ValidationError(
            "\(quota.rawValue) must be at least \(quota.range.lowerBound), and at most 10^15.")
        }
      }
    }

    func run() async throws {
      let changes = changes
      _ = try await database.withDatabase { database in
        let store = TenantStore(database: database)
        return try await store.setLimits(store.find(name: name).id) { limits in
          for (quota, limit) in changes { limits[set: quota] = limit.number }
        }
      }
      print("The limits of tenant \(name) have been set.")
    }
  }

  /// A limit on the command line.
  struct Limit: ExpressibleByArgument {
    /// `nil` for the standard.
    var number: Int?

    init?(argument: String) {
      if argument == "standard" { return }
      guard let number = Int(argument) else { return nil }
      self.number = number
    }
  }
}

/// The representation of a limit in the command's output.
private struct QuotaOutput: Encodable {
  var name: String
  var used: Int?
  var limit: Int
  var isSet: Bool
  var source: Source

  /// The origin of a limit.
  enum Source: String, Encodable {
    case tenant, standard, environment

    var words: String {
      switch self {
      case .tenant: ""
      case .standard: "\t(standard)"
      case .environment: "\t(VERDICT_JOBS_PER_TENANT of this command; the workers' setting applies)"
      }
    }
  }

  init(name: String, used: Int?, limit: Int, source: Source) {
    self.name = name
    self.used = used
    self.limit = limit
    self.source = source
    isSet = source == .tenant
  }

  private enum CodingKeys: String, CodingKey {
    case name, used, limit, source
    case isSet = "is_set"
  }
}

private struct UsageOutput: Encodable {
  var tenant: TenantOutput
  var usage: [QuotaOutput]
}
