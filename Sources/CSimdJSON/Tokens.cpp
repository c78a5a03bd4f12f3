// vj_read_tokens: any document as a list of tokens.
#include <memory>
#include <string>
#include <vector>

#include "Document.hpp"
#include "Walk.hpp"

struct vj_tokens {
  std::vector<vj_token> tokens;
  std::string text;
  size_t most = SIZE_MAX;
  size_t mark = 0;  // the length of the byte order mark, which the cursor does not see

  void add(vj_kind kind, size_t start = 0, size_t length = 0) {
    if (tokens.size() >= most) throw verdict::SyntaxError{VJ_SYNTAX_TOO_LARGE, 0};
    tokens.push_back({kind, uint32_t(start), uint32_t(length)});
  }
  void unescaped(vj_kind kind, std::string_view raw, size_t offset) {
    size_t start = text.size();
    if (verdict::unescape(raw, offset, text) != verdict::Unescaped::ok)
      throw verdict::SyntaxError{VJ_SYNTAX_SURROGATE, offset};
    add(kind, start, text.size() - start);
  }

  // The visitor's functions for Cursor::walk.
  void string(std::string_view raw, size_t offset) { unescaped(VJ_STRING, raw, offset); }
  void name(std::string_view raw, size_t offset) { unescaped(VJ_NAME, raw, offset); }
  void number(size_t start, size_t length) { add(VJ_NUMBER, mark + start, length); }
  void literal(vj_kind kind) { add(kind); }
  void open(bool object) { add(object ? VJ_OBJECT_BEGIN : VJ_ARRAY_BEGIN); }
  void close(bool object) { add(object ? VJ_OBJECT_END : VJ_ARRAY_END); }
};

vj_syntax vj_read_tokens(const uint8_t *bytes, size_t length, size_t most, vj_tokens **tokens) {
  using namespace verdict;
  *tokens = nullptr;
  return read_document(bytes, length, [&](Cursor &cursor) {
    auto read = std::make_unique<vj_tokens>();
    read->most = most;
    read->mark = byte_order_mark(bytes, length);
    cursor.walk(*read);
    if (!cursor.done()) cursor.fail(VJ_SYNTAX_TRAILING);
    *tokens = read.release();
  });
}

const vj_token *vj_tokens_get(const vj_tokens *tokens, size_t *count, const char **text, size_t *text_length) {
  *count = tokens->tokens.size();
  *text = tokens->text.data();
  *text_length = tokens->text.size();
  return tokens->tokens.data();
}

void vj_tokens_free(vj_tokens *tokens) { delete tokens; }
