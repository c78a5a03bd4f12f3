import Foundation

/// Times in requests and responses (RFC 3339).
enum Timestamp {
  /// The timestamp in UTC with milliseconds.
  static func format(_ date: Date) -> String {
    date.formatted(
      .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
  }

  /// The times that have a form: the years 1 to 9999 in UTC.
  private static let representable =
    Date(timeIntervalSince1970: -62_135_596_800)..<Date(timeIntervalSince1970: 253_402_300_800)

  /// Parses a time with or without a fraction of a second, in any offset; `nil` for a malformed one, and for one that is outside
  /// the years 1 to 9999 in UTC, which no response could show.
  ///
  /// Foundation's styles are lenient (30 February becomes 2 March), and its Gregorian calendar is the Julian one before 1582, so
  /// this applies the grammar of RFC 3339, section 5.6, and checks that the day exists.
  static func parse(_ text: String) -> Date? {
    let pattern = #/(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))/#
    guard let match = text.wholeMatch(of: pattern.asciiOnlyDigits()) else { return nil }
    let (_, year, month, day, hour, minute, second, fraction, sign, offsetHour, offsetMinute) = match.output
    func number(_ digits: Substring?) -> Int { digits.flatMap { Int($0) } ?? 0 }
    guard number(hour) < 24, number(minute) < 60, number(second) < 60, number(offsetHour) < 24,
      number(offsetMinute) < 60, let days = days(number(year), number(month), number(day))
    else { return nil }
    let offset = (number(offsetHour) * 60 + number(offsetMinute)) * 60
    let clock = (days * 24 + number(hour)) * 3_600 + number(minute) * 60 + number(second)
    let whole = Date(timeIntervalSince1970: Double(clock - (sign == "-" ? -offset : offset)))
    guard representable.contains(whole) else { return nil }
    let seconds = fraction.flatMap { Double("0" + $0) } ?? 0
    // A fraction that is rounded up must not lead into the year 10000.
    return min(whole.addingTimeInterval(seconds), representable.upperBound.addingTimeInterval(-0.000_5))
  }

  /// The days from 1970 to a date of the Gregorian calendar, which is extended to all years; `nil` for a day that does not exist.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int? {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...9999).contains(year), (1...12).contains(month), (1...lengths[month - 1]).contains(day) else {
      return nil
    }
    let before = year - 1
    let years = before * 365 + before / 4 - before / 100 + before / 400
    return years + lengths.prefix(month - 1).reduce(0, +) + day - 1 - 719_162
  }
}
