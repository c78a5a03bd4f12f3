// One row after another out of tokens.
#pragma once
#include <string>
#include <string_view>

#include "Cursor.hpp"

namespace verdict {

/// Reads `{"features":{…},"label":…,"key":…}`, alone or in an array. Problems go to the rows, malformed JSON is thrown.
class RowReader {
 public:
  RowReader(vj_rows &rows, Cursor &cursor) : rows(rows), cursor(cursor) {}

  void envelope(std::string_view member);
  /// Reads a row of several, or the only one of the text: what follows that would undo it.
  void row(uint64_t position, bool alone = false);
  void finish() const {
    if (!cursor.done()) cursor.fail(VJ_SYNTAX_TRAILING);
  }

 private:
  vj_rows &rows;
  Cursor &cursor;
  uint64_t read = 0;  // elements of the array
  std::string text;   // the last string or name that had escapes

  /// Walks over an object's members; `member` must consume the value.
  template <typename Member>
  void object(Member member) {
    cursor.expect('{');
    if (cursor.skip_if('}')) return;
    do {
      size_t offset = cursor.offset();
      member(cursor.name(), offset + 1);
    } while (cursor.more('}'));
  }

  /// A member's name; in `text` if it has escapes. Without a proper name there is no pointer to it.
  std::string_view resolve(std::string_view raw, size_t offset) {
    if (raw.find('\\') == std::string_view::npos) return raw;
    text.clear();
    if (unescape(raw, offset, text) != Unescaped::ok) throw SyntaxError{VJ_SYNTAX_SURROGATE, offset};
    return text;
  }

  void elements();
  void features();
  uint32_t feature(std::string_view raw, size_t offset, size_t position);
  /// Many programs write NaN and infinities as if they were JSON: a problem with a place instead of a syntax error.
  bool non_finite(uint32_t index);
  void number(uint32_t index);
  void category(uint32_t index);
  void label();
  void key();
};

}  // namespace verdict
