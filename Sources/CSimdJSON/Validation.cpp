#include "Validation.hpp"

namespace verdict {
namespace {

/// The length of the well-formed UTF-8 sequence at `p` (Unicode 15, table 3-7), or 0.
size_t sequence(const uint8_t *p, const uint8_t *end) {
  if (*p < 0x80) return 1;
  size_t length = *p >= 0xc2 && *p <= 0xdf ? 2 : *p >= 0xe0 && *p <= 0xef ? 3 : *p >= 0xf0 && *p <= 0xf4 ? 4 : 0;
  if (length == 0 || size_t(end - p) < length) return 0;
  uint8_t low = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80, high = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;
  if (p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < length; ++i)
    if ((p[i] & 0xc0) != 0x80) return 0;
  return length;
}

const uint8_t *first_invalid(const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    size_t step = sequence(p, end);
    if (step == 0) break;
    p += step;
  }
  return p;
}

}  // namespace

bool valid_utf8(const uint8_t *bytes, size_t length) { return first_invalid(bytes, bytes + length) == bytes + length; }

size_t byte_order_mark(const uint8_t *bytes, size_t length) {
  return length >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf ? 3 : 0;
}

bool is_utf16(const uint8_t *bytes, size_t length) {
  return length >= 2 && ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff));
}

size_t locate(vj_syntax_code code, const uint8_t *bytes, size_t length) {
  const uint8_t *end = bytes + length;
  if (code == VJ_SYNTAX_UTF8) return size_t(first_invalid(bytes, end) - bytes);
  if (code != VJ_SYNTAX_CONTROL_CHARACTER && code != VJ_SYNTAX_UNCLOSED_STRING) return 0;
  size_t opened = length;
  bool inside = false;
  for (size_t at = 0; at < length; ++at) {
    if (bytes[at] == '"') {
      inside = !inside;
      if (inside) opened = at;
    } else if (inside && bytes[at] == '\\') {
      ++at;
    } else if (inside && bytes[at] < 0x20 && code == VJ_SYNTAX_CONTROL_CHARACTER) {
      return at;
    }
  }
  return opened;
}

}  // namespace verdict
