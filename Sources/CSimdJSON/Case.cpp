#include "Case.hpp"

#include <cmath>

namespace verdict {
namespace {

constexpr std::string_view names[] = {"reference", "group", "occurred_at", "weight", "split"};

/// Reads decimal digits at the start of a text and removes them.
class Digits {
 public:
  explicit Digits(std::string_view text) : rest(text) {}

  std::string_view rest;
  bool ok = true;

  /// A number of exactly `count` digits.
  int number(size_t count) {
    int value = 0;
    for (size_t index = 0; index < count; ++index) value = value * 10 + digit();
    return value;
  }
  bool begins_digit() const { return !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; }
  int digit() {
    if (!begins_digit()) return ok = false, 0;
    int value = rest.front() - '0';
    rest.remove_prefix(1);
    return value;
  }
  /// Consumes one of some characters and returns it; 0 if none follows.
  char any_of(std::string_view characters) {
    if (rest.empty() || characters.find(rest.front()) == std::string_view::npos) return ok = false, 0;
    char found = rest.front();
    rest.remove_prefix(1);
    return found;
  }
};

/// The days from 1970-01-01 to a date of the Gregorian calendar, which is extended to all years (Hinnant, “chrono-Compatible
/// Low-Level Date Algorithms”, days_from_civil).
int64_t days_from_civil(int year, int month, int day) {
  year -= month <= 2;
  int era = (year >= 0 ? year : year - 399) / 400;
  int year_of_era = year - era * 400;
  int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return int64_t(era) * 146097 + day_of_era - 719468;
}

bool exists(int year, int month, int day) {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return day <= lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool equals_ignoring_case(std::string_view text, std::string_view lowercase) {
  if (text.size() != lowercase.size()) return false;
  for (size_t index = 0; index < text.size(); ++index) {
    char letter = text[index];
    if (letter >= 'A' && letter <= 'Z') letter = char(letter + ('a' - 'A'));
    if (letter != lowercase[index]) return false;
  }
  return true;
}

}  // namespace

std::string_view attribute_name(vj_attribute attribute) { return names[attribute]; }

int find_attribute(std::string_view name, bool labelled) {
  // Weights and splits are for training alone.
  int count = labelled ? VJ_SPLIT + 1 : VJ_OCCURRED_AT + 1;
  for (int attribute = 0; attribute < count; ++attribute)
    if (names[attribute] == name) return attribute;
  return -1;
}

bool parse_time(std::string_view text, int64_t &time) {
  Digits digits(text);
  int year = digits.number(4);
  digits.any_of("-");
  int month = digits.number(2);
  digits.any_of("-");
  int day = digits.number(2);
  if (!digits.ok || !exists(year, month, day)) return false;
  int64_t days = days_from_civil(year, month, day);
  constexpr int64_t second = 1'000'000;
  if (digits.rest.empty()) return time = days * 86'400 * second, true;

  digits.any_of("Tt ");
  int hour = digits.number(2);
  digits.any_of(":");
  int minute = digits.number(2);
  digits.any_of(":");
  int seconds = digits.number(2);
  int64_t nanoseconds = 0;
  if (digits.ok && !digits.rest.empty() && digits.rest.front() == '.') {
    digits.rest.remove_prefix(1);
    int64_t unit = 100'000'000;
    if (!digits.begins_digit()) return false;
    while (digits.begins_digit()) {
      if (unit == 0) return false;  // more than nine digits
      nanoseconds += digits.digit() * unit;
      unit /= 10;
    }
  }
  int offset = 0;  // minutes
  char sign = digits.any_of("Zz+-");
  if (sign == '+' || sign == '-') {
    int hours = digits.number(2);
    digits.any_of(":");
    int minutes = digits.number(2);
    if (hours > 23 || minutes > 59) return false;
    offset = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
  }
  if (!digits.ok || !digits.rest.empty() || hour > 23 || minute > 59 || seconds > 59) return false;
  int64_t whole = ((days * 24 + hour) * 60 + minute - offset) * 60 + seconds;
  if (whole < days_from_civil(1, 1, 1) * 86'400 || whole >= days_from_civil(10'000, 1, 1) * 86'400) return false;
  int64_t micros = (nanoseconds + 500) / 1'000;
  // A fraction that is rounded up must not lead into the year 10000.
  if (micros == second && whole + 1 == days_from_civil(10'000, 1, 1) * 86'400) micros = second - 1;
  time = whole * second + micros;
  return true;
}

bool CaseColumns::set_weight(double value) {
  if (!(value >= vj_least_weight && value <= vj_largest_weight)) return false;
  given = true;
  weight = value;
  return true;
}

bool CaseColumns::set_split(std::string_view text) {
  bool train = equals_ignoring_case(text, "train");
  // The usual word for the rows that a model is measured on, beside our own.
  if (!train && !equals_ignoring_case(text, "validation") && !equals_ignoring_case(text, "test")) return false;
  given = true;
  split = train ? 1 : 2;
  return true;
}

void CaseColumns::reset() {
  given = false;
  reference.clear();
  group.clear();
  time = no_time;
  weight = std::numeric_limits<double>::quiet_NaN();
  split = 0;
}

void CaseColumns::add(size_t count) {
  any = true;
  auto text = [count](NameColumn &column, const std::string &value) {
    if (column.ends.empty()) {
      if (value.empty()) return;
      for (size_t earlier = 0; earlier < count; ++earlier) column.append_missing();
    }
    value.empty() ? column.append_missing() : column.append(value);
  };
  auto number = [count](auto &column, auto value, auto none, bool is_given) {
    if (column.empty()) {
      if (!is_given) return;
      column.assign(count, none);
    }
    column.push_back(value);
  };
  text(references, reference);
  text(groups, group);
  number(times, time, no_time, time != no_time);
  number(weights, weight, std::numeric_limits<double>::quiet_NaN(), !std::isnan(weight));
  number(splits, split, uint8_t(0), split != 0);
}

void CaseColumns::clear() {
  references.clear();
  groups.clear();
  times.clear();
  weights.clear();
  splits.clear();
  any = false;
}

size_t CaseColumns::held(size_t count) const {
  if (!any && !given) return 0;
  return references.bytes.size() + groups.bytes.size() + reference.size() + group.size() +
         count * (2 * sizeof(uint32_t) + sizeof(int64_t) + sizeof(double) + 1);
}

}  // namespace verdict

bool vj_parse_time(const char *text, size_t length, int64_t *time) {
  return verdict::parse_time({text, length}, *time);
}
