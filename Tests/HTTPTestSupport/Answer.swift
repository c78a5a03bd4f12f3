import Foundation

/// An HTTP response.
public struct Answer: Sendable {
  /// The status code.
  public var status: Int
  /// The header fields by their names in lower case.
  public var headers: [String: String]
  /// The body, without its transfer coding.
  public var body: [UInt8]

  /// The body as text.
  public var text: String { String(decoding: body, as: UTF8.self) }

  /// The body as JSON; `.null` if it is not JSON.
  public var json: JSON { (try? JSON(parsing: body)) ?? .null }

  /// Whether the response is a problem document (RFC 9457) with all members that the contract promises.
  public var isProblem: Bool {
    let members = ["type", "title", "detail", "instance", "request_id"]
    return headers["content-type"] == "application/problem+json" && json["status"].int == status
      && members.allSatisfy { json[$0].string?.isEmpty == false }
  }

  /// The problem's kind: the last segment of its type.
  public var problem: String? { json["type"].string.map { String($0.split(separator: "/").last ?? "") } }
}

extension Answer: CustomStringConvertible {
  /// The status and the beginning of the body.
  public var description: String { "\(status) \(text.prefix(600))" }
}

extension HTTPClient {
  /// A client of the same server with another key.
  public func with(key: String?) -> HTTPClient {
    var client = self
    client.key = key
    return client
  }

  /// Sends a GET request.
  public func get(_ path: String, headers: [String: String] = [:]) async throws -> Answer {
    try await send("GET", path, headers: headers)
  }

  /// Sends a DELETE request.
  public func delete(_ path: String) async throws -> Answer { try await send("DELETE", path) }

  /// Sends a POST request with a JSON body.
  public func post(_ path: String, _ json: JSON, headers: [String: String] = [:]) async throws -> Answer {
    try await send("POST", path, text: json.text, headers: headers)
  }

  /// Sends a PATCH request with a JSON merge patch.
  public func patch(_ path: String, _ json: JSON) async throws -> Answer {
    try await send("PATCH", path, text: json.text, as: "application/merge-patch+json")
  }

  /// Sends a PUT request with a JSON body.
  public func put(_ path: String, _ json: JSON) async throws -> Answer {
    try await send("PUT", path, text: json.text)
  }

  /// Sends a request with a text body of a media type.
  public func send(
    _ method: String, _ path: String, text: String, as type: String = "application/json",
    headers: [String: String] = [:]
  ) async throws -> Answer {
    try await send(
      method, path, headers: headers.merging(["Content-Type": type]) { old, _ in old },
      body: .bytes(Array(text.utf8)))
  }
}
