import ArgumentParser
import JobQueue
import Logging
import VerdictCore

extension TenantCommand {
  /// What a tenant may use, and what it uses.
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what a tenant uses, and what it may use.")

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Name of the tenant.") var name: String
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
      let logger = try database.quietLogger()
      let standard = try JobSettings.configuration().runningPerTenant
      let (tenant, usage) = try await database.withDatabase(logger) { database in
        let tenant = try await TenantStore(database: database).find(name: name)
        return (tenant, try await UsageStore(database: database).usage(tenant.id))
      }
      let shown = Quota.allCases.map { quota in
        ShownQuota(
          name: quota.rawValue, used: usage.used[quota], limit: usage.limits[quota] ?? standard,
          source: usage.limits[set: quota] != nil
            ? .tenant : usage.limits[quota] != nil ? .standard : .environment)
      }
      if json {
        try Output.json(ShownUsage(tenant: .init(tenant), usage: shown))
      } else {
        for quota in shown {
          let used = quota.used.map(String.init) ?? "-"
          print("\(quota.name)\t\(used)\t\(quota.limit)\(quota.source.words)")
        }
      }
    }
  }

  /// Changes what a tenant may use.
  struct Set: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set what a tenant may use.",
      discussion: """
        Each limit is a number, or "standard" to take back what was set. Servers follow within a second. What is stored \
        already stays, also above a new limit.
        """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Name of the tenant.") var name: String
    @Option(help: "Labels stored.") var rows: Limit?
    @Option(help: "Datasets.") var datasets: Limit?
    @Option(help: "API keys.") var keys: Limit?
    @Option(help: "Predictions stored.") var predictions: Limit?
    @Option(help: "Bytes of one request's body, decompressed.") var bodyBytes: Limit?
    @Option(help: "Requests a second to one server process.") var requestsPerSecond: Limit?
    @Option(help: "Trainings at a time.") var jobs: Limit?
    @Option(help: "Trainings asked for that wait.") var queuedJobs: Limit?
    @Option(help: "Bytes of answers kept for repeats.") var answerBytes: Limit?

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
        throw ValidationError("Say which limit to set, for example --rows 1000.")
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
      let logger = try database.quietLogger()
      let changes = changes
      _ = try await database.withDatabase(logger) { database in
        let store = TenantStore(database: database)
        return try await store.setLimits(store.find(name: name).id) { limits in
          for (quota, limit) in changes { limits[set: quota] = limit.number }
        }
      }
      print("Tenant \(name) has its limits.")
    }
  }

  /// A limit at the command line.
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

/// One thing that a tenant may use, as the command line shows it.
private struct ShownQuota: Encodable {
  var name: String
  var used: Int?
  var limit: Int
  var isSet: Bool
  var source: Source

  /// Where a limit comes from.
  enum Source: String, Encodable {
    case tenant, standard, environment

    var words: String {
      switch self {
      case .tenant: ""
      case .standard: "\t(standard)"
      case .environment: "\t(VERDICT_JOBS_PER_TENANT here; that of the workers counts)"
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

private struct ShownUsage: Encodable {
  var tenant: ShownTenant
  var usage: [ShownQuota]
}
