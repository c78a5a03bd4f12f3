/// A key together with its tenant: what the sender of a request is and may.
package struct KeyIdentity: Sendable, Equatable {
  /// The name of the tenant.
  package var tenantName: String
  /// The key of the request.
  package var key: APIKey
  /// The limits of the tenant.
  package var limits: TenantLimits
}
