import Foundation

/// Times in requests and responses (RFC 3339).
enum Timestamp {
  /// The timestamp in UTC with milliseconds.
  static func format(_ date: Date) -> String {
    date.formatted(
      .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
  }

  /// Parses a time with or without a fraction of a second, in any offset; `nil` for a malformed one.
  ///
  /// Foundation's styles are lenient (30 February becomes 2 March), so this applies the grammar of RFC 3339, section 5.6, and
  /// checks that the day exists.
  static func parse(_ text: String) -> Date? {
    let pattern = #/(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))/#
    guard let match = text.wholeMatch(of: pattern.asciiOnlyDigits()) else { return nil }
    let (_, year, month, day, hour, minute, second, fraction, sign, offsetHour, offsetMinute) = match.output
    func number(_ digits: Substring?) -> Int { digits.flatMap { Int($0) } ?? 0 }
    guard number(hour) < 24, number(minute) < 60, number(second) < 60, number(offsetHour) < 24,
      number(offsetMinute) < 60
    else { return nil }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let parts = DateComponents(
      year: number(year), month: number(month), day: number(day), hour: number(hour), minute: number(minute),
      second: number(second))
    guard let date = calendar.date(from: parts),
      calendar.dateComponents([.year, .month, .day], from: date)
        == DateComponents(year: number(year), month: number(month), day: number(day))
    else { return nil }
    let offset = (number(offsetHour) * 60 + number(offsetMinute)) * 60
    let seconds = fraction.flatMap { Double("0" + $0) } ?? 0
    return date.addingTimeInterval(seconds - Double(sign == "-" ? -offset : offset))
  }
}
