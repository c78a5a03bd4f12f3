// Checks of raw text that stage 1 does not make, or makes without reporting an offset.
#pragma once
#include <cstddef>
#include <cstdint>

#include "CSimdJSON.h"

namespace verdict {

/// The offset of the fault that `index` reported by its code alone.
size_t locate(vj_syntax_code code, const uint8_t *bytes, size_t length);

/// The length of the UTF-8 byte order mark at the start of a text, 3 or 0. RFC 8259, section 8.1, lets a parser ignore it.
size_t byte_order_mark(const uint8_t *bytes, size_t length);

/// Whether a text begins with the byte order mark of UTF-16 or UTF-32.
bool is_utf16(const uint8_t *bytes, size_t length);

/// Whether a text is UTF-8. For CSV cells, which are too short for vector instructions to pay.
bool valid_utf8(const uint8_t *bytes, size_t length);

}  // namespace verdict
