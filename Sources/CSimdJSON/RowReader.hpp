// Reads rows from the tokens of a JSON text.
#pragma once
#include <string>
#include <string_view>

#include "Cursor.hpp"

namespace verdict {

/// Reads `{"features":{…},"label":…,"key":…}` with any attributes, alone or in an array. Records problems in the rows; throws on malformed
/// JSON.
class RowReader {
 public:
  RowReader(vj_rows &rows, Cursor &cursor) : rows(rows), cursor(cursor) {}

  void envelope(std::string_view member);
  /// Reads one of several rows or, if `alone`, the only row of the text, which nothing may follow.
  void row(uint64_t position, bool alone = false);
  void finish() const {
    if (!cursor.done()) cursor.fail(VJ_SYNTAX_TRAILING);
  }

 private:
  vj_rows &rows;
  Cursor &cursor;
  uint64_t read = 0;  // elements of the array
  std::string text;   // the last string or name that had escapes
  std::string spelling;  // the last name that was not in normalization form C

  /// Calls `member` with the name of each member of an object; `member` must consume the value.
  template <typename Member>
  void object(Member member) {
    cursor.expect('{');
    if (cursor.skip_if('}')) return;
    do {
      size_t offset = cursor.offset();
      member(cursor.name(), offset + 1);
    } while (cursor.more('}'));
  }

  /// The unescaped name of a member, stored in `text` if it had escapes. Throws for a lone surrogate, since a problem could
  /// not refer to such a name.
  std::string_view resolve(std::string_view raw, size_t offset) {
    if (raw.find('\\') == std::string_view::npos) return raw;
    text.clear();
    if (unescape(raw, offset, text) != Unescaped::ok) throw SyntaxError{VJ_SYNTAX_SURROGATE, offset};
    return text;
  }

  void elements();
  void features();
  uint32_t feature(std::string_view raw, size_t offset, size_t position);
  /// Reads NaN and infinities, which many programs write as if they were JSON, as a problem of the value rather than a
  /// syntax error of the text. Returns `false` for any other text.
  bool non_finite(uint32_t index);
  /// A number token; `text` receives its bytes.
  NumberStatus number(Number &number, std::string_view &text);
  void number(uint32_t index);
  void category(uint32_t index);
  void label();
  void key();
  void attribute(vj_attribute attribute);
  /// Reads a string into `text`. Records a problem of the member otherwise.
  bool string(std::string_view member);
};

}  // namespace verdict
