// Decimal text to double, correctly rounded.
#pragma once
#include <cstddef>
#include <cstdint>

namespace verdict {

/// 2^53: up to this magnitude every whole number is a double.
constexpr double whole_limit = 9007199254740992.0;

struct Number {
  double value;
  bool integer_text;       // digits only, after an optional minus sign
  const uint8_t *end;      // one past the last byte read
  uint64_t significand;    // the significant digits, if `exact`
  int64_t exponent;        // value = ±significand × 10^exponent, if `exact`
  bool exact;              // at most 19 significant digits

  bool is_whole() const;
  /// Whether the *text's* value is within ±2^53: 9007199254740993 is not, though its double is.
  bool in_whole_range() const;
};

enum class NumberStatus { ok, malformed, not_finite };

/// The grammar of RFC 8259, section 6, or the wider one of numbers in CSV files: `+1`, `.5`, `5.`, `007`.
enum class NumberGrammar { json, text };

/// Reads the number at the start of [begin, end). The caller checks what follows.
NumberStatus read_number(const uint8_t *begin, const uint8_t *end, NumberGrammar grammar, Number &number);

}  // namespace verdict
