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
    return holding(share)
  }

  /// The response with a body that holds a reservation, unless that is empty, until it has been written, except for a last part
  /// (``PartWriter``).
  func holding(_ share: RequestMemory.Reservation) -> Response {
    guard share.count > 0 else { return self }
    var response = self
    response.body = ResponseBody(contentLength: body.contentLength) { [body] output in
      try await body.write(PartWriter(output))
      withExtendedLifetime(share) {}
    }
    return response
  }
}
