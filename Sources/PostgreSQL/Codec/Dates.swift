#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Seconds from PostgreSQL's epoch, 2000-01-01, to Foundation's, 2001-01-01: 366 days.
private let epochDifference = 31_622_400.0

extension Date: PostgresArrayElement {
  /// timestamptz
  public static var postgresType: PostgresType { .timestamptz }
  /// timestamptz[]
  public static var postgresArrayType: PostgresType { .timestamptzArray }

  /// Appends microseconds, rounded to nearest; dates beyond the type's range become ±infinity.
  public func encode(into bytes: inout [UInt8]) {
    let microseconds = ((timeIntervalSinceReferenceDate + epochDifference) * 1e6).rounded()
    // 4713 BC and 294276 AD, the limits of the type (manual, 8.5).
    let value: Int64 =
      microseconds < -211_813_488_000_000_000
      ? .min : microseconds < 9_223_371_331_200_000_000 ? Int64(microseconds) : .max
    bytes.appendBigEndian(value)
  }

  /// Reads timestamptz, timestamp (as UTC) and date (as its midnight in UTC).
  public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    switch type {
    case .timestamptz, .timestamp:
      switch try bytes.onlyInteger(Int64.self) {
      case .max: self = .distantFuture
      case .min: self = .distantPast
      case let value:
        // Whole seconds and the fraction separately, because a single Double would lose the last microseconds.
        let (seconds, fraction) = value.quotientAndRemainder(dividingBy: 1_000_000)
        self.init(
          timeIntervalSinceReferenceDate: Double(seconds) - epochDifference + Double(fraction) / 1e6)
      }
    case .date:
      switch try bytes.onlyInteger(Int32.self) {
      case .max: self = .distantFuture
      case .min: self = .distantPast
      case let days: self.init(timeIntervalSinceReferenceDate: Double(days) * 86_400 - epochDifference)
      }
    default: throw DecodingProblem.typeMismatch(type)
    }
  }
}
