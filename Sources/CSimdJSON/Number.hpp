// Decimal text to double, correctly rounded.
#pragma once
#include <cstddef>
#include <cstdint>

namespace verdict {

/// The largest magnitude to which every whole number is a double: 2^53.
constexpr double whole_limit = 9007199254740992.0;

struct Number {
  double value;
  bool integer_text;       // digits alone, perhaps with a minus sign
  const uint8_t *end;      // one past the last byte read
  uint64_t significand;    // the significant digits, if `exact`
  int64_t exponent;        // value = ±significand × 10^exponent, if `exact`
  bool exact;              // at most 19 significant digits

  bool is_whole() const;
  /// Whether the *text's* value is within ±2^53: 9007199254740993 is not, though its double is.
  bool in_whole_range() const;
};

enum class NumberStatus { ok, malformed, not_finite };

/// The grammar of RFC 8259 §6, or one with what other tools write into CSV: `+1`, `.5`, `5.`, `007`.
enum class NumberGrammar { json, text };

/// Reads the number at the start of [begin, end); what follows it is the caller's business.
NumberStatus read_number(const uint8_t *begin, const uint8_t *end, NumberGrammar grammar, Number &number);

}  // namespace verdict
