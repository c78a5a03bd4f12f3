// simdjson's stage 1: where the structural characters and the first characters of scalars are.
#pragma once
#include <cstddef>
#include <cstdint>

#include "CSimdJSON.h"

namespace verdict {

/// The offsets of all tokens of a text, in order. Colons and commas are tokens too; of a string only the opening
/// quote is one. Valid until the thread's next call of `index`.
struct Index {
  vj_syntax_code code;
  const uint32_t *begin, *end;
};

/// Indexes a text of any number of documents and validates its UTF-8.
Index index(const uint8_t *bytes, size_t length);

/// Gives back the thread's index memory at the end of a reading if the text was large.
struct IndexUse {
  ~IndexUse();
};

/// Where exactly the text is malformed in the way that `index` reported without a place.
size_t locate(vj_syntax_code code, const uint8_t *bytes, size_t length);

/// Whether a text is UTF-8: for cells, which are too short for simdjson to pay.
bool valid_utf8(const uint8_t *bytes, size_t length);

}  // namespace verdict
