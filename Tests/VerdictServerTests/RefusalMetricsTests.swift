import Testing
import VerdictCore

@testable import VerdictServer

/// Counts of refused requests.
@Suite struct RefusalMetricsTests {
  private static func lines(_ registry: MetricsRegistry, byTenant: Bool) async -> [String] {
    await registry.text(.init(byTenant: byTenant)).split(separator: "\n").map(String.init)
      .filter { !$0.hasPrefix("#") }
  }

  @Test func `every reason is shown from the start, and tenants on request`() async {
    let registry = MetricsRegistry()
    let refusals = RefusalMetrics(registry: registry)
    #expect(await Self.lines(registry, byTenant: true).count == ShedReason.allCases.count)
    refusals.refused(.memory, TenantID(rawValue: 7))
    refusals.refused(.memory, TenantID(rawValue: 8))
    refusals.refused(.wrongKeys, nil)
    let all = await Self.lines(registry, byTenant: false)
    #expect(all.count == ShedReason.allCases.count)
    #expect(all.contains("verdict_requests_refused_total{reason=\"memory\"} 2"))
    #expect(all.contains("verdict_requests_refused_total{reason=\"wrong_keys\"} 1"))
    #expect(all.contains("verdict_requests_refused_total{reason=\"pool\"} 0"))
    let tenants = await Self.lines(registry, byTenant: true).filter { $0.contains("tenant=") }
    #expect(
      tenants == [7, 8].map { "verdict_tenant_requests_refused_total{tenant=\"\($0)\",reason=\"memory\"} 1" })
  }

  @Test func `the number of series is bounded`() async {
    let registry = MetricsRegistry()
    let refusals = RefusalMetrics(registry: registry, capacity: 3)
    for number in 1...50 { refusals.refused(.quota, TenantID(rawValue: Int32(number))) }
    refusals.refused(.quota, TenantID(rawValue: 1))
    let tenants = await Self.lines(registry, byTenant: true).filter { $0.contains("tenant=") }
    #expect(tenants.count == 4)
    #expect(tenants.contains("verdict_tenant_requests_refused_total{tenant=\"1\",reason=\"quota\"} 2"))
    #expect(tenants.contains("verdict_tenant_requests_refused_total{tenant=\"other\",reason=\"quota\"} 47"))
  }

  @Test func `problems tell the bound that refused the request`() {
    #expect(Problem(DomainError.quotaExceeded(.rows, maximum: 1, present: 1)).reason == .quota)
    #expect(FailedAuthLimiter.refusal.reason == .wrongKeys)
    #expect(RateLimit.refusal(1).reason == .requestRate)
    #expect(Body.tooLarge(1, isTenants: true).reason == .bodySize)
    #expect(Problem(DomainError.notFound(what: "x")).reason == nil)
    #expect(Problem(.overloaded, "x").reason == .other)
  }
}
