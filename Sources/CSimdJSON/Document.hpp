// The reading of one JSON text from its first byte to a status.
#pragma once
#include <new>

#include "Cursor.hpp"
#include "StructuralIndex.hpp"
#include "Validation.hpp"

namespace verdict {

/// Indexes a text and calls `body` with its cursor. The status has the offset of a syntax error. A byte order mark at the
/// start is skipped.
template <typename Body>
vj_syntax read_document(const uint8_t *bytes, size_t length, Body body) noexcept {
  if (is_utf16(bytes, length)) return {VJ_SYNTAX_UTF16, 0};
  size_t mark = byte_order_mark(bytes, length);
  bytes += mark;
  length -= mark;
  IndexUse use;
  try {
    Index tokens = index(bytes, length);
    if (tokens.code != VJ_SYNTAX_OK) return {tokens.code, mark + locate(tokens.code, bytes, length)};
    Cursor cursor(bytes, length, tokens);
    body(cursor);
    return {VJ_SYNTAX_OK, 0};
  } catch (const SyntaxError &error) {
    return {error.code, mark + error.offset};
  } catch (...) {
    return {VJ_SYNTAX_MEMORY, 0};
  }
}

}  // namespace verdict
