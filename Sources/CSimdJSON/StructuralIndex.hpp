// The index of a JSON text: the offsets of its structural characters and of the first characters of its scalars.
#pragma once
#include <cstddef>
#include <cstdint>

#include "CSimdJSON.h"

namespace verdict {

/// The offsets of all tokens of a text, in order. Colons and commas are tokens, too; of a string only the opening quote
/// is one. Valid until the thread's next call of `index`.
struct Index {
  vj_syntax_code code;
  const uint32_t *begin, *end;
};

/// Indexes a text of any number of documents and validates its UTF-8. The text needs no padding.
Index index(const uint8_t *bytes, size_t length);

/// Frees the thread's index memory at the end of a reading if the text was large.
struct IndexUse {
  ~IndexUse();
};

}  // namespace verdict
