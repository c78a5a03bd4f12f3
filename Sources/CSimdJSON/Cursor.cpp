#include "Walk.hpp"

namespace verdict {
namespace {

int hex(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  byte |= 0x20;
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/// Four hexadecimal digits, or -1.
int32_t code_unit(std::string_view raw, size_t at) {
  if (raw.size() < 4 || at > raw.size() - 4) return -1;
  int32_t unit = 0;
  for (size_t i = 0; i < 4; ++i) {
    int digit = hex(uint8_t(raw[at + i]));
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

void append_utf8(uint32_t scalar, std::string &text) {
  if (scalar < 0x80) {
    text.push_back(char(scalar));
  } else if (scalar < 0x800) {
    text.append({char(0xc0 | scalar >> 6), char(0x80 | (scalar & 0x3f))});
  } else if (scalar < 0x10000) {
    text.append({char(0xe0 | scalar >> 12), char(0x80 | (scalar >> 6 & 0x3f)), char(0x80 | (scalar & 0x3f))});
  } else {
    text.append({char(0xf0 | scalar >> 18), char(0x80 | (scalar >> 12 & 0x3f)), char(0x80 | (scalar >> 6 & 0x3f)),
                 char(0x80 | (scalar & 0x3f))});
  }
}

}  // namespace

Unescaped unescape(std::string_view raw, size_t offset, std::string &text) {
  Unescaped outcome = Unescaped::ok;
  for (size_t at = 0; at < raw.size();) {
    size_t backslash = raw.find('\\', at);
    text.append(raw.substr(at, backslash - at));
    if (backslash == std::string_view::npos) break;
    at = backslash + 2;
    if (at > raw.size()) throw SyntaxError{VJ_SYNTAX_ESCAPE, offset + backslash};
    switch (raw[backslash + 1]) {
      case '"': text.push_back('"'); break;
      case '\\': text.push_back('\\'); break;
      case '/': text.push_back('/'); break;
      case 'b': text.push_back('\b'); break;
      case 'f': text.push_back('\f'); break;
      case 'n': text.push_back('\n'); break;
      case 'r': text.push_back('\r'); break;
      case 't': text.push_back('\t'); break;
      case 'u': {
        int32_t unit = code_unit(raw, at);
        if (unit < 0) throw SyntaxError{VJ_SYNTAX_ESCAPE, offset + backslash};
        at += 4;
        uint32_t scalar = uint32_t(unit);
        if (unit >= 0xd800 && unit <= 0xdfff) {
          bool pair = unit <= 0xdbff && raw.substr(at, 2) == "\\u";
          int32_t low = pair ? code_unit(raw, at + 2) : -1;
          if (low >= 0xdc00 && low <= 0xdfff) {
            at += 6;
            scalar = 0x10000 + ((uint32_t(unit) - 0xd800) << 10) + (uint32_t(low) - 0xdc00);
          } else {
            outcome = Unescaped::lone_surrogate;
            scalar = 0xfffd;
          }
        }
        append_utf8(scalar, text);
        break;
      }
      default: throw SyntaxError{VJ_SYNTAX_ESCAPE, offset + backslash};
    }
  }
  return outcome;
}

namespace {

/// Only an escape can still be wrong in a string that stage 1 has seen.
struct Checker {
  std::string text;
  void string(std::string_view raw, size_t offset) {
    if (raw.find('\\') == std::string_view::npos) return;
    text.clear();
    unescape(raw, offset, text);
  }
  void name(std::string_view raw, size_t offset) { string(raw, offset); }
  void number(size_t, size_t) {}
  void literal(vj_kind) {}
  void open(bool) {}
  void close(bool) {}
};

}  // namespace

std::string_view Cursor::skip() {
  size_t start = offset();
  Checker checker;
  walk(checker);
  return {reinterpret_cast<const char *>(bytes) + start, offset() - start};
}

}  // namespace verdict
