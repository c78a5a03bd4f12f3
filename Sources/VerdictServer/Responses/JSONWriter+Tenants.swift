import RowFormats
import VerdictCore

extension JSONWriter {
  /// The usage and the limits of a tenant.
  ///
  /// - Parameters:
  ///   - usage: the limits on what is stored, and on requests.
  ///   - jobs: the number of concurrent trainings of a tenant without a limit of its own.
  ///   - shares: the tenant's parts of the process.
  mutating func usage(_ usage: Usage, jobs: Int, shares: [TenantShares.Share]) {
    object { json in
      for quota in Quota.allCases {
        json.name(quota.rawValue)
        json.object { json in
          if let used = usage.used[quota] {
            json.name("used")
            json.integer(used)
          }
          json.name("limit")
          json.integer(usage.limits[quota] ?? jobs)
        }
      }
      for share in shares {
        json.name(share.name)
        json.object { json in
          json.name("used")
          json.integer(share.used)
          json.name("limit")
          json.integer(share.limit)
        }
      }
    }
  }

  /// An entry of the audit log.
  mutating func auditEntry(_ entry: AuditEntry) {
    object { json in
      json.name("id")
      json.integer(entry.id)
      json.name("at")
      json.time(entry.at)
      json.name("actor")
      json.object { json in
        json.name("type")
        json.string(entry.actor == .commandLine ? "command_line" : "key")
        var key: Int?
        if case .key(let id) = entry.actor { key = id }
        json.name("key_id")
        json.optional(key) { $0.integer($1) }
        json.name("key_name")
        json.optional(entry.keyName) { $0.string($1) }
      }
      json.name("action")
      json.string(entry.action)
      json.name("target")
      json.string(entry.target)
      json.name("detail")
      json.optional(entry.detail) { $0.string($1) }
    }
  }
}
