import Foundation

/// What a server answered.
public struct Answer: Sendable {
  /// Status code.
  public var status: Int
  /// By their names in lower case.
  public var headers: [String: String]
  /// The body, with its transfer coding taken off.
  public var body: [UInt8]

  /// The body as text.
  public var text: String { String(decoding: body, as: UTF8.self) }

  /// The body as JSON; `.null` when it is none.
  public var json: JSON { (try? JSON(parsing: body)) ?? .null }

  /// Whether it is a problem as in RFC 9457 with all the members that the contract promises.
  public var isProblem: Bool {
    let members = ["type", "title", "detail", "instance", "request_id"]
    return headers["content-type"] == "application/problem+json" && json["status"].int == status
      && members.allSatisfy { json[$0].string?.isEmpty == false }
  }

  /// The problem's kind, the last part of its type.
  public var problem: String? { json["type"].string.map { String($0.split(separator: "/").last ?? "") } }
}

extension Answer: CustomStringConvertible {
  /// Status and the beginning of the body.
  public var description: String { "\(status) \(text.prefix(600))" }
}

extension HTTPClient {
  /// The same server with another key.
  public func with(key: String?) -> HTTPClient {
    var client = self
    client.key = key
    return client
  }

  /// Reads a resource.
  public func get(_ path: String, headers: [String: String] = [:]) async throws -> Answer {
    try await send("GET", path, headers: headers)
  }

  /// Deletes a resource.
  public func delete(_ path: String) async throws -> Answer { try await send("DELETE", path) }

  /// Sends JSON.
  public func post(_ path: String, _ json: JSON, headers: [String: String] = [:]) async throws -> Answer {
    try await send("POST", path, text: json.text, headers: headers)
  }

  /// Sends a merge patch.
  public func patch(_ path: String, _ json: JSON) async throws -> Answer {
    try await send("PATCH", path, text: json.text, as: "application/merge-patch+json")
  }

  /// Puts JSON.
  public func put(_ path: String, _ json: JSON) async throws -> Answer {
    try await send("PUT", path, text: json.text)
  }

  /// Sends a text of a media type.
  public func send(
    _ method: String, _ path: String, text: String, as type: String = "application/json",
    headers: [String: String] = [:]
  ) async throws -> Answer {
    try await send(
      method, path, headers: headers.merging(["Content-Type": type]) { old, _ in old },
      body: .bytes(Array(text.utf8)))
  }
}
