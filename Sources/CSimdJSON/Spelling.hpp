// The one text of a value that different programs write in different ways.
#pragma once
#include <string>
#include <string_view>

#include "CSimdJSON.h"

namespace verdict {

/// The text in normalization form C, in `buffer` if it differs. ASCII and most text of one script need no call of
/// `normalize`.
std::string_view normalized(vj_normalize normalize, std::string_view text, std::string &buffer);

/// The text without surrounding spaces, which are insignificant around a number; in a category they are part of the name.
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The text of a boolean or of an integer as JSON writes it, if it is one as pandas writes it; otherwise the text itself.
///
/// pandas writes booleans as `True` and `False`, and integers of a column with gaps as `3.0`. The digits stay text: no double
/// has 25 of them.
inline std::string_view plain(std::string_view text) {
  size_t size = text.size();
  if (size == 4 && (text == "True" || text == "TRUE")) return "true";
  if (size == 5 && (text == "False" || text == "FALSE")) return "false";
  if (size < 3 || text[size - 1] != '0' || text[size - 2] != '.') return text;
  std::string_view digits = text.substr(0, size - 2);
  std::string_view magnitude = digits.front() == '-' ? digits.substr(1) : digits;
  if (magnitude.empty() || (magnitude.front() == '0' && magnitude.size() > 1)) return text;
  for (char digit : magnitude)
    if (digit < '0' || digit > '9') return text;
  return magnitude == "0" ? magnitude : digits;
}

}  // namespace verdict
