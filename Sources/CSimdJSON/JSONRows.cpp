// The C functions that read JSON: a body, one row, lines. They convert exceptions to statuses.
#include <algorithm>
#include <new>

#include "Document.hpp"
#include "RowReader.hpp"

namespace verdict {
namespace {

/// Reads the row of one line, or records that the line is not JSON.
void read_line(vj_rows &rows, Cursor cursor, size_t start, uint64_t line) {
  try {
    RowReader(rows, cursor).row(line, true);
  } catch (const SyntaxError &error) {
    if (verdict::ends_reading(error.code)) throw;
    rows.reject_line({error.code, error.offset - start});
  }
}

/// Indexes and reads a single line. For text that cannot be indexed as a whole because some line is malformed.
void read_single_line(vj_rows &rows, const uint8_t *bytes, size_t length, uint64_t line) {
  Index tokens = index(bytes, length);
  switch (tokens.code) {
    case VJ_SYNTAX_OK: return read_line(rows, Cursor(bytes, length, tokens), 0, line);
    case VJ_SYNTAX_EMPTY: return;
    case VJ_SYNTAX_MEMORY: throw std::bad_alloc();
    default:
      rows.begin(line);
      return rows.reject_line({tokens.code, locate(tokens.code, bytes, length)});
  }
}

}  // namespace
}  // namespace verdict

vj_syntax vj_read_envelope(vj_rows *rows, const char *envelope, const uint8_t *bytes, size_t length) {
  return verdict::read_document(bytes, length, [&](verdict::Cursor &cursor) {
    verdict::RowReader reader(*rows, cursor);
    reader.envelope(envelope);
    reader.finish();
  });
}

vj_syntax vj_read_row(vj_rows *rows, const uint8_t *bytes, size_t length) {
  return verdict::read_document(bytes, length, [&](verdict::Cursor &cursor) {
    verdict::RowReader(*rows, cursor).row(0, true);
  });
}

vj_syntax vj_read_lines(vj_rows *rows, const uint8_t *bytes, size_t length, uint64_t first_line, uint64_t *lines,
                        size_t *consumed) {
  using namespace verdict;
  IndexUse use;
  try {
    Index tokens = index(bytes, length);
    if (tokens.code == VJ_SYNTAX_MEMORY || tokens.code == VJ_SYNTAX_TOO_LARGE) return {tokens.code, 0};
    bool whole = tokens.code == VJ_SYNTAX_OK;
    uint64_t line = first_line;
    size_t start = 0;
    for (; start < length && !rows->is_full(); ++line) {
      auto newline = static_cast<const uint8_t *>(memchr(bytes + start, '\n', length - start));
      size_t stop = newline ? size_t(newline - bytes) : length;
      if (whole) {
        // Only the tokens of this line: a row of NDJSON must not continue on the next one.
        const uint32_t *last = tokens.begin;
        while (last < tokens.end && *last < stop) ++last;
        if (last > tokens.begin) read_line(*rows, Cursor(bytes, stop, {VJ_SYNTAX_OK, tokens.begin, last}), start, line);
        tokens.begin = last;
      } else {
        read_single_line(*rows, bytes + start, stop - start, line);
      }
      start = stop + 1;
    }
    *lines = line - first_line;
    *consumed = std::min(start, length);
    return {VJ_SYNTAX_OK, 0};
  } catch (const SyntaxError &error) {
    return {error.code, 0};
  } catch (...) {
    return {VJ_SYNTAX_MEMORY, 0};
  }
}
