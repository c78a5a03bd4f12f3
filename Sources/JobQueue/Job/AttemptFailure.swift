public import Foundation
import PostgreSQL

/// The failure of one attempt: an element of the column `failures`.
public struct AttemptFailure: Sendable, Codable, Hashable {
  /// The attempt's number, from 1.
  public var attempt: Int
  /// A stable identifier for programs.
  public var type: String
  /// A sentence for people.
  public var detail: String
  /// The time of the failure; `nil` in rows from before the time was stored.
  public var at: Date?

  /// A failure at this moment.
  init(attempt: Int, _ error: JobErrorRecord) {
    self.attempt = attempt
    type = error.type
    detail = error.detail
    at = Date()
  }

  private enum CodingKeys: String, CodingKey {
    case attempt, type, detail, at
  }

  /// Reads an element.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    attempt = try values.decode(Int.self, forKey: .attempt)
    type = try values.decode(String.self, forKey: .type)
    detail = try values.decode(String.self, forKey: .detail)
    at = try values.decodeIfPresent(Double.self, forKey: .at).map(Date.init(timeIntervalSince1970:))
  }

  /// Writes an element, with the time in seconds since 1970.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(attempt, forKey: .attempt)
    try values.encode(type, forKey: .type)
    try values.encode(detail, forKey: .detail)
    try values.encodeIfPresent(at?.timeIntervalSince1970, forKey: .at)
  }
}

extension AttemptFailure {
  /// The number of failures that a job keeps; the oldest ones go.
  public static let kept = 100

  /// An assignment for an UPDATE of `jobs` that appends a failure to the row's, if there is one.
  static func assignment(adding failures: JSONB?) -> Query {
    """
    failures = CASE WHEN jsonb_array_length(jobs.failures) >= \(kept) AND \(failures != nil) THEN jobs.failures - 0
      ELSE jobs.failures END || coalesce(\(failures), '[]')
    """
  }
}
