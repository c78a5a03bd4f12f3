#include "Number.hpp"

#include <charconv>
#include <cmath>
#include <locale.h>
#include <stdlib.h>
#include <string>

#include "CSimdJSON.h"

#if defined(__APPLE__)
#include <xlocale.h>
#endif

namespace verdict {
namespace {

constexpr double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

inline bool is_digit(uint8_t byte) { return uint8_t(byte - '0') <= 9; }

/// Reads a number that is too large or too small for a normal double, which from_chars reports without a value. strtod
/// runs in the C locale, since the process's locale may have a decimal comma.
double read_extreme(const char *begin, const char *end) {
  static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", locale_t(0));
  return strtod_l(std::string(begin, end).c_str(), nullptr, c_locale);
}

}  // namespace

bool Number::is_whole() const { return std::trunc(value) == value; }

bool Number::in_whole_range() const {
  double magnitude = std::fabs(value);
  if (magnitude < whole_limit) return true;
  if (magnitude > whole_limit || !exact) return false;
  // A double at the limit may be the result of rounding: of such texts, only 2^53 itself is in range.
  uint64_t digits = significand;
  int64_t power = exponent;
  while (power < 0 && digits % 10 == 0) digits /= 10, power += 1;
  return power == 0 && digits == uint64_t(whole_limit);
}

NumberStatus read_number(const uint8_t *begin, const uint8_t *end, NumberGrammar grammar, Number &number) {
  const bool strict = grammar == NumberGrammar::json;
  const uint8_t *p = begin;
  bool negative = p < end && *p == '-';
  if (negative) {
    ++p;
  } else if (!strict && p < end && *p == '+') {
    ++p;
    ++begin;  // from_chars accepts no plus sign
  }

  uint64_t significand = 0;
  const uint8_t *integer = p;
  while (p < end && is_digit(*p)) significand = significand * 10 + (*p++ - '0');
  ptrdiff_t integer_digits = p - integer;
  if (strict && (integer_digits == 0 || (integer_digits > 1 && *integer == '0'))) return NumberStatus::malformed;

  int64_t exponent = 0;
  ptrdiff_t digits = integer_digits;
  bool integer_text = true;
  if (p < end && *p == '.') {
    integer_text = false;
    const uint8_t *fraction = ++p;
    while (p < end && is_digit(*p)) significand = significand * 10 + (*p++ - '0');
    if (strict && p == fraction) return NumberStatus::malformed;
    exponent = fraction - p;
    digits += p - fraction;
  }
  if (digits == 0) return NumberStatus::malformed;
  const uint8_t *digits_end = p;

  if (p < end && (*p | 0x20) == 'e') {
    integer_text = false;
    ++p;
    bool negative_power = p < end && *p == '-';
    if (negative_power || (p < end && *p == '+')) ++p;
    const uint8_t *first = p;
    int64_t power = 0;
    while (p < end && is_digit(*p)) {
      if (power < 100'000'000) power = power * 10 + (*p - '0');
      ++p;
    }
    if (p == first) return NumberStatus::malformed;
    exponent += negative_power ? -power : power;
  }

  bool exact = digits <= 19;
  if (!exact) {
    // Leading zeros are not significant: 0.00000000000000000001 has one digit.
    const uint8_t *leading = integer;
    while (leading < digits_end && (*leading == '0' || *leading == '.')) digits -= *leading++ == '0';
    exact = digits <= 19;
  }

  number.integer_text = integer_text;
  number.end = p;
  number.significand = significand;
  number.exponent = exponent;
  number.exact = exact;

  // Both operands are exact doubles, so the one operation rounds correctly (Clinger, PLDI 1990).
  if (exact && significand <= uint64_t(whole_limit) && exponent >= -22 && exponent <= 22) {
    double value = double(significand);
    value = exponent < 0 ? value / powers_of_ten[-exponent] : value * powers_of_ten[exponent];
    number.value = negative ? -value : value;
    return NumberStatus::ok;
  }
  auto first = reinterpret_cast<const char *>(begin), last = reinterpret_cast<const char *>(p);
  auto result = std::from_chars(first, last, number.value);
  if (result.ec == std::errc::result_out_of_range) {
    number.value = read_extreme(first, last);
  } else if (result.ec != std::errc() || result.ptr != last) {
    return NumberStatus::malformed;
  }
  return std::isfinite(number.value) ? NumberStatus::ok : NumberStatus::not_finite;
}

}  // namespace verdict

bool vj_parse_number(const uint8_t *bytes, size_t length, double *value) {
  try {
    verdict::Number number;
    auto status = verdict::read_number(bytes, bytes + length, verdict::NumberGrammar::json, number);
    if (status != verdict::NumberStatus::ok || number.end != bytes + length) return false;
    *value = number.value;
    return true;
  } catch (...) {
    return false;
  }
}

size_t vj_format_number(double number, char *text) {
  char *end = text + 32;
  if (std::fabs(number) < verdict::whole_limit && std::trunc(number) == number && !(number == 0 && std::signbit(number)))
    return size_t(std::to_chars(text, end, int64_t(number)).ptr - text);
  return size_t(std::to_chars(text, end, number).ptr - text);  // -0.0 becomes "-0", itself a JSON number
}
