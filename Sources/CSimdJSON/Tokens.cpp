// vj_read_tokens: any document as a list of tokens.
#include <memory>
#include <string>
#include <vector>

#include "Validation.hpp"
#include "Walk.hpp"

struct vj_tokens {
  std::vector<vj_token> tokens;
  std::string text;

  void add(vj_kind kind, size_t start = 0, size_t length = 0) {
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
  void number(size_t start, size_t length) { add(VJ_NUMBER, start, length); }
  void literal(vj_kind kind) { add(kind); }
  void open(bool object) { add(object ? VJ_OBJECT_BEGIN : VJ_ARRAY_BEGIN); }
  void close(bool object) { add(object ? VJ_OBJECT_END : VJ_ARRAY_END); }
};

vj_syntax vj_read_tokens(const uint8_t *bytes, size_t length, vj_tokens **tokens) {
  using namespace verdict;
  *tokens = nullptr;
  IndexUse use;
  try {
    Index structure = index(bytes, length);
    if (structure.code != VJ_SYNTAX_OK) return {structure.code, locate(structure.code, bytes, length)};
    Cursor cursor(bytes, length, structure);
    auto read = std::make_unique<vj_tokens>();
    cursor.walk(*read);
    if (!cursor.done()) cursor.fail(VJ_SYNTAX_TRAILING);
    *tokens = read.release();
    return {VJ_SYNTAX_OK, 0};
  } catch (const SyntaxError &error) {
    return {error.code, error.offset};
  } catch (...) {
    return {VJ_SYNTAX_MEMORY, 0};
  }
}

const vj_token *vj_tokens_get(const vj_tokens *tokens, size_t *count, const char **text, size_t *text_length) {
  *count = tokens->tokens.size();
  *text = tokens->text.data();
  *text_length = tokens->text.size();
  return tokens->tokens.data();
}

void vj_tokens_free(vj_tokens *tokens) { delete tokens; }
