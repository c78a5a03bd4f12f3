import HTTPTypes

/// The names of header fields that HTTPTypes does not define.
extension HTTPField.Name {
  static let xRequestID = constant("X-Request-Id")
  static let traceparent = constant("traceparent")
  static let idempotencyKey = constant("Idempotency-Key")
  static let idempotencyReplayed = constant("Idempotency-Replayed")
  static let lastEventID = constant("Last-Event-ID")
  static let xAccelBuffering = constant("X-Accel-Buffering")
  static let prefer = constant("Prefer")
  static let preferenceApplied = constant("Preference-Applied")
  static let deprecation = constant("Deprecation")
  static let sunset = constant("Sunset")
  static let link = constant("Link")

  static let xForwardedFor = constant("X-Forwarded-For")
  static let referrerPolicy = constant("Referrer-Policy")
  static let crossOriginOpenerPolicy = constant("Cross-Origin-Opener-Policy")
  static let permissionsPolicy = constant("Permissions-Policy")
  static let rateLimit = constant("RateLimit")
  static let rateLimitPolicy = constant("RateLimit-Policy")

  private static func constant(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { preconditionFailure("not a header's name: \(name)") }
    return name
  }
}

extension HTTPFields {
  /// The value of a field; the values of repeated fields are joined by commas.
  ///
  /// The subscript joins even a single value, and six such look-ups cost a request more than its authentication.
  func value(_ name: HTTPField.Name) -> String? {
    var found: String?
    for field in self where field.name == name {
      if found != nil { return self[name] }
      found = field.value
    }
    return found
  }
}
