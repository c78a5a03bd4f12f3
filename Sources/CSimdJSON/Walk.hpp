// The templates of Cursor that check the grammar of any value.
#pragma once
#include "Cursor.hpp"

namespace verdict {

template <typename Visitor>
void Cursor::scalar(Visitor &visitor) {
  size_t start = offset();
  switch (peek()) {
    case '"': return visitor.string(string(), start + 1);
    case 't': return literal("true"), visitor.literal(VJ_TRUE);
    case 'f': return literal("false"), visitor.literal(VJ_FALSE);
    case 'n': return literal("null"), visitor.literal(VJ_NULL);
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': {
      Number value;
      number(value);
      return visitor.number(start, size_t(value.end - bytes) - start);
    }
    default:
      if (uint8_t((peek() | 0x20) - 'a') < 26) fail(VJ_SYNTAX_LITERAL);
      unexpected();
  }
}

template <typename Visitor>
void Cursor::walk(Visitor &visitor) {
  // One bit per level: 1 for an object, 0 for an array.
  uint64_t objects = 0;
  int depth = 0;
  auto member = [&] {
    size_t start = offset() + 1;
    visitor.name(name(), start);
  };
  auto close = [&] {
    visitor.close(objects & 1);
    objects >>= 1;
    depth -= 1;
  };
  while (true) {
    bool object = peek() == '{';
    if (object || peek() == '[') {
      if (depth == vj_max_depth) fail(VJ_SYNTAX_DEPTH);
      ++at;
      objects = objects << 1 | object;
      depth += 1;
      visitor.open(object);
      if (!skip_if(object ? '}' : ']')) {
        if (object) member();
        continue;
      }
      close();
    } else {
      scalar(visitor);
    }
    // The end of a value may also be the end of the containers around it.
    while (depth > 0 && !more(objects & 1 ? '}' : ']')) close();
    if (depth == 0) return;
    if (objects & 1) member();
  }
}

}  // namespace verdict
