/// The reason for which a request message reaches no route. Its connection ends with the response.
enum MessageRefusal: Error, Sendable {
  /// The parser refused the message.
  case malformed
  /// The version is neither HTTP/1.0 nor HTTP/1.1.
  case version
  /// The Host field is absent, repeated or invalid.
  case host
  /// The transfer codings are not just `chunked`.
  case transferCoding
  /// A request of HTTP/1.0 has transfer codings.
  case transferCodingOfOldVersion

  /// The problem that the client receives.
  var problem: Problem {
    switch self {
    case .malformed:
      Problem(
        .invalidParameter,
        "The request is not valid HTTP/1.1 (RFC 9112), or its header section exceeds 80 KiB or 100 fields.")
    case .version:
      Problem(.invalidParameter, "The server speaks HTTP/1.1 and HTTP/1.0.")
    case .host:
      QueryParameters.refusal(
        "Host", "must be given once, as a name or address with an optional port (RFC 9112, section 3.2)")
    case .transferCoding:
      Problem(
        .notImplemented,
        "The only transfer coding is chunked; Content-Encoding compresses a body.")
    case .transferCodingOfOldVersion:
      QueryParameters.refusal("Transfer-Encoding", "is not part of HTTP/1.0")
    }
  }
}
