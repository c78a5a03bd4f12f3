#include "Structure.hpp"

#include <algorithm>
#include <memory>
#include <simdjson.h>

namespace verdict {
namespace {

using Parser = std::unique_ptr<simdjson::internal::dom_parser_implementation>;

/// Indexes are four bytes a byte of text at most: what a thread keeps between calls is bounded by this.
constexpr size_t kept_capacity = size_t(1) << 20;

thread_local Parser parser;

bool prepare(size_t length) {
  if (parser && parser->capacity() >= length) return true;
  size_t capacity = std::max(length, size_t(4096));
  parser.reset();
  // Called as simdjson's own parsers do, so that the processor's best implementation is chosen at run time.
  auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, vj_max_depth, parser);
  if (error) parser.reset();
  return !error;
}

vj_syntax_code translate(simdjson::error_code error) {
  switch (error) {
    case simdjson::SUCCESS: return VJ_SYNTAX_OK;
    case simdjson::EMPTY: return VJ_SYNTAX_EMPTY;
    case simdjson::UTF8_ERROR: return VJ_SYNTAX_UTF8;
    case simdjson::UNESCAPED_CHARS: return VJ_SYNTAX_CONTROL_CHARACTER;
    case simdjson::UNCLOSED_STRING: return VJ_SYNTAX_UNCLOSED_STRING;
    case simdjson::MEMALLOC: return VJ_SYNTAX_MEMORY;
    default: return VJ_SYNTAX_UNEXPECTED;
  }
}

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

Index index(const uint8_t *bytes, size_t length) {
  // Offsets are 32 bits wide.
  if (length > UINT32_MAX - simdjson::SIMDJSON_PADDING) return {VJ_SYNTAX_TOO_LARGE, nullptr, nullptr};
  if (length == 0) return {VJ_SYNTAX_EMPTY, nullptr, nullptr};
  if (!prepare(length)) return {VJ_SYNTAX_MEMORY, nullptr, nullptr};
  // Stage 1 copies the last, partial block before it reads it, so the text needs no padding.
  vj_syntax_code code = translate(parser->stage1(bytes, length, simdjson::stage1_mode::regular));
  const uint32_t *begin = parser->structural_indexes.get();
  return {code, begin, begin + (code == VJ_SYNTAX_OK ? parser->n_structural_indexes : 0)};
}

IndexUse::~IndexUse() {
  if (parser && parser->capacity() > kept_capacity) parser.reset();
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
