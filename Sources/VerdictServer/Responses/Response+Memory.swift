import Hummingbird
import VerdictCore

extension Response {
  /// The response to a request that changes nothing, whose body counts in the tenant's memory until it has been written.
  ///
  /// - Throws: `RequestMemory.Exhausted`.
  func counted(for tenant: TenantID) throws -> Response {
    guard let length = body.contentLength, length > RequestMemory.small else { return self }
    let share = RequestMemory.Reservation(for: tenant)
    guard share.resize(to: length) else { throw RequestMemory.Exhausted() }
    var response = self
    response.body = ResponseBody(contentLength: length) { [body] output in
      try await body.write(output)
      withExtendedLifetime(share) {}
    }
    return response
  }
}
