#include "Spelling.hpp"

#include <cstring>

namespace verdict {
namespace {

/// The number of leading ASCII bytes, in steps of eight.
size_t ascii_prefix(std::string_view text) {
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    memcpy(&word, text.data() + at, 8);
    if (word & 0x8080'8080'8080'8080u) break;
  }
  return at;
}

/// Whether all characters are in ranges of the basic plane that no normalization changes: NFC_Quick_Check is Yes and the
/// combining class 0 for each (Unicode Character Database, DerivedNormalizationProps.txt). The text must be UTF-8.
bool is_certainly_normalized(std::string_view text) {
  for (size_t at = ascii_prefix(text); at < text.size();) {
    uint8_t lead = uint8_t(text[at]);
    if (lead < 0x80) {
      at += 1;
      continue;
    }
    if (lead < 0xcc) {  // U+0080 to U+02FF: Latin letters
      at += 2;
      continue;
    }
    if (at + 1 >= text.size()) return false;
    uint32_t second = uint8_t(text[at + 1]) & 0x3f;
    if (lead < 0xe0) {
      uint32_t code = (lead & 0x1fu) << 6 | second;
      // Greek from alpha on, and Cyrillic without its combining marks.
      if (!((code >= 0x391 && code <= 0x3ff) || (code >= 0x400 && code <= 0x482))) return false;
      at += 2;
    } else {
      if (lead >= 0xf0 || at + 2 >= text.size()) return false;
      uint32_t code = (lead & 0x0fu) << 12 | second << 6 | (uint8_t(text[at + 2]) & 0x3f);
      // Chinese characters and Hangul syllables.
      if (!((code >= 0x3400 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3))) return false;
      at += 3;
    }
  }
  return true;
}

}  // namespace

std::string_view normalized(vj_normalize normalize, std::string_view text, std::string &buffer) {
  if (is_certainly_normalized(text)) return text;
  buffer.resize(text.size() * 3);
  buffer.resize(normalize(text.data(), text.size(), buffer.data()));
  return buffer;
}

}  // namespace verdict

size_t vj_category_text(vj_normalize normalize, const char *bytes, size_t length, char *text) {
  try {
    std::string buffer;
    std::string_view one = verdict::plain(verdict::normalized(normalize, {bytes, length}, buffer));
    memcpy(text, one.data(), one.size());
    return one.size();
  } catch (...) {
    memcpy(text, bytes, length);
    return length;
  }
}
