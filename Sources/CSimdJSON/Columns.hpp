// Columns of text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "CSimdJSON.h"

namespace verdict {

/// Ends the reading of an input. Thrown inside this target only; the C functions convert it to a status.
struct SyntaxError {
  vj_syntax_code code;
  size_t offset;
};

/// Optional strings end to end in one buffer.
struct NameColumn {
  static constexpr uint32_t missing = 0x8000'0000;
  std::string bytes;
  std::vector<uint32_t> ends;

  void append(std::string_view name) {
    // Lengths have 31 bits, since the top bit marks missing values.
    if (bytes.size() + name.size() >= missing) throw SyntaxError{VJ_SYNTAX_TOO_LARGE, 0};
    bytes.append(name);
    ends.push_back(uint32_t(bytes.size()));
  }
  void append_missing() { ends.push_back(uint32_t(bytes.size()) | missing); }
  void clear() { bytes.clear(), ends.clear(); }
};

}  // namespace verdict
