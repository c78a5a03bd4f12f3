// Walks over a text's tokens and checks the grammar on the way (RFC 8259).
#pragma once
#include <string>
#include <string_view>

#include "Number.hpp"
#include "Rows.hpp"
#include "Structure.hpp"

namespace verdict {

/// What `unescape` found besides a proper string.
enum class Unescaped { ok, lone_surrogate };

/// Appends the string between two quotes to `text`, its escapes resolved. Throws on a malformed escape.
Unescaped unescape(std::string_view raw, size_t offset, std::string &text);

/// A position in the tokens. Never moves past the last one; reads no byte beyond the text.
class Cursor {
 public:
  Cursor(const uint8_t *bytes, size_t length, Index index)
      : bytes(bytes), length(length), at(index.begin), end(index.end) {}

  const uint8_t *bytes;
  size_t length;
  const uint32_t *at, *end;

  bool done() const { return at == end; }
  size_t offset() const { return at < end ? *at : length; }
  /// The token's first character; NUL, which begins no token of JSON, at the end.
  uint8_t peek() const { return at < end ? bytes[*at] : 0; }

  [[noreturn]] void fail(vj_syntax_code code) const { throw SyntaxError{code, offset()}; }
  [[noreturn]] void unexpected() const { fail(done() ? VJ_SYNTAX_TRUNCATED : VJ_SYNTAX_UNEXPECTED); }

  void expect(uint8_t token) {
    if (peek() != token) unexpected();
    ++at;
  }
  bool skip_if(uint8_t token) {
    if (peek() != token) return false;
    ++at;
    return true;
  }

  /// After a member or element: `true` if another one follows, `false` if the container ended.
  bool more(uint8_t closing) {
    if (skip_if(',')) return true;
    expect(closing);
    return false;
  }

  /// The bytes between the quotes, escapes as they are.
  std::string_view string() {
    if (peek() != '"') unexpected();
    size_t start = *at + size_t(1);
    // Stage 1 made sure that the string is closed, and between it and the next token there is white space alone.
    size_t stop = at + 1 < end ? at[1] : length;
    do --stop;
    while (stop >= start && bytes[stop] != '"');
    if (stop < start) fail(VJ_SYNTAX_UNCLOSED_STRING);
    ++at;
    return {reinterpret_cast<const char *>(bytes) + start, stop - start};
  }

  /// A member's name up to and including the colon.
  std::string_view name() {
    std::string_view name = string();
    expect(':');
    return name;
  }

  NumberStatus number(Number &number) {
    NumberStatus status = read_number(bytes + *at, bytes + length, NumberGrammar::json, number);
    if (status == NumberStatus::malformed || !ends(number.end)) fail(VJ_SYNTAX_NUMBER);
    ++at;
    return status;
  }

  bool skip_word(std::string_view word) {
    const uint8_t *p = bytes + offset();
    if (length - offset() < word.size() || memcmp(p, word.data(), word.size()) != 0 || !ends(p + word.size()))
      return false;
    ++at;
    return true;
  }

  void literal(std::string_view word) {
    if (!skip_word(word)) fail(VJ_SYNTAX_LITERAL);
  }

  /// Walks over a value of any kind, its grammar checked, and tells `visitor` what it meets. Does not recurse.
  template <typename Visitor>
  void walk(Visitor &visitor);

  /// Passes over a value of any kind, its grammar checked. Returns its text, perhaps with white space after it.
  std::string_view skip();

 private:
  /// Whether a scalar may end here: at white space, punctuation or the end of the text.
  bool ends(const uint8_t *p) const {
    if (p >= bytes + length) return true;
    switch (*p) {
      case ' ': case '\t': case '\n': case '\r': case ',': case ':': case '[': case ']': case '{': case '}':
        return true;
      default:
        return false;
    }
  }
  template <typename Visitor>
  void scalar(Visitor &visitor);
};

}  // namespace verdict
