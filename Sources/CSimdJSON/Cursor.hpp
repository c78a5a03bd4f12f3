// Iterates over the tokens of a JSON text and checks its grammar (RFC 8259).
#pragma once
#include <string>
#include <string_view>

#include "Number.hpp"
#include "Rows.hpp"
#include "StructuralIndex.hpp"

namespace verdict {

/// The result of `unescape`.
enum class Unescaped { ok, lone_surrogate };

/// Appends the string between two quotes to `text` with its escapes resolved. Throws on a malformed escape.
Unescaped unescape(std::string_view raw, size_t offset, std::string &text);

/// A position in the tokens. It never moves past the last one, and reads no byte beyond the text.
class Cursor {
 public:
  Cursor(const uint8_t *bytes, size_t length, Index index)
      : bytes(bytes), length(length), at(index.begin), end(index.end) {}

  const uint8_t *bytes;
  size_t length;
  const uint32_t *at, *end;

  bool done() const { return at == end; }
  size_t offset() const { return at < end ? *at : length; }
  /// The first character of the token; NUL, which begins no token of JSON, at the end.
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

  /// After a member or element: whether another one follows. Otherwise the container ended.
  bool more(uint8_t closing) {
    if (skip_if(',')) return true;
    expect(closing);
    return false;
  }

  /// The bytes between the quotes with unresolved escapes.
  std::string_view string() {
    if (peek() != '"') unexpected();
    size_t start = *at + size_t(1);
    // Stage 1 has checked that the string is closed; only white space is between it and the next token.
    size_t stop = at + 1 < end ? at[1] : length;
    do --stop;
    while (stop >= start && bytes[stop] != '"');
    if (stop < start) fail(VJ_SYNTAX_UNCLOSED_STRING);
    ++at;
    return {reinterpret_cast<const char *>(bytes) + start, stop - start};
  }

  /// The name of a member; consumes the colon, too.
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

  /// Passes the tokens of a value of any kind to `visitor` and checks the grammar. Does not recurse.
  template <typename Visitor>
  void walk(Visitor &visitor);

  /// Skips a value of any kind and checks its grammar. Returns its text, possibly with trailing white space.
  std::string_view skip();

 private:
  /// Whether a scalar may end at `p`: before white space, punctuation or the end of the text.
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
