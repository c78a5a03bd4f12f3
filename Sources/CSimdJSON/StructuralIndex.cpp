// The only file that uses simdjson. It calls stage 1 of the parser (Langdale and Lemire, "Parsing Gigabytes of JSON per
// Second", VLDB Journal 2019), which finds the structural characters and validates UTF-8 with vector instructions, and the
// public function that validates UTF-8 alone, for CSV.
//
// simdjson's public interfaces do not expose stage 1 alone, so this file depends on the internal base class of its
// parsers, `simdjson::internal::dom_parser_implementation`:
//   - `stage1` fills `structural_indexes` with `n_structural_indexes` offsets of 32 bits, in order;
//   - regular mode accepts any number of documents, since only stage 2 checks the grammar;
//   - `stage1` copies the last, partial block before it reads it, so that the text needs no padding;
//   - `create_dom_parser_implementation` selects the best implementation for the processor at run time.
// The assertions below check the version and the types. JSONLabelReaderTests, MalformedJSONTests and scripts/fuzz (with
// the address sanitizer) check the behaviour; run them before a further major version is allowed here.
#include "StructuralIndex.hpp"

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#if !__has_include(<simdjson.h>)
#error "simdjson.h not found: install libsimdjson-dev 3.x"
#endif
#include <simdjson.h>

namespace verdict {
namespace {

using Implementation = simdjson::internal::dom_parser_implementation;
using Parser = std::unique_ptr<Implementation>;

static_assert(simdjson::SIMDJSON_VERSION_MAJOR == 3,
              "StructuralIndex.cpp uses internals of simdjson 3.x; check its first comment against this version");
static_assert(std::is_same_v<decltype(Implementation::structural_indexes), std::unique_ptr<uint32_t[]>>,
              "simdjson's structural indexes must be an array of 32-bit offsets");
static_assert(std::is_same_v<decltype(Implementation::n_structural_indexes), uint32_t>,
              "simdjson's number of structural indexes must be a 32-bit integer");
static_assert(std::is_same_v<decltype(std::declval<Implementation &>().stage1(
                                 std::declval<const uint8_t *>(), size_t(), simdjson::stage1_mode::regular)),
                             simdjson::error_code>,
              "simdjson's stage 1 must take a text, its length and a mode");

/// The largest text whose index memory a thread keeps between calls. An index needs up to four bytes per byte of text.
constexpr size_t kept_capacity = size_t(1) << 20;

thread_local Parser parser;

bool prepare(size_t length) {
  if (parser && parser->capacity() >= length) return true;
  size_t capacity = std::max(length, size_t(4096));
  parser.reset();
  auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, vj_max_depth, parser);
  if (error) parser.reset();
  return !error;
}

vj_syntax_code translate(simdjson::error_code error) {
  switch (error) {
    case simdjson::SUCCESS: return VJ_SYNTAX_OK;
    case simdjson::EMPTY: return VJ_SYNTAX_EMPTY;
    case simdjson::UTF8_ERROR: return VJ_SYNTAX_UTF8;
    case simdjson::UNESCAPED_CHARS: return VJ_SYNTAX_CONTROL_CHARACTER;
    case simdjson::UNCLOSED_STRING: return VJ_SYNTAX_UNCLOSED_STRING;
    case simdjson::MEMALLOC: return VJ_SYNTAX_MEMORY;
    default: return VJ_SYNTAX_UNEXPECTED;
  }
}

}  // namespace

Index index(const uint8_t *bytes, size_t length) {
  // Offsets are 32 bits wide.
  if (length > UINT32_MAX - simdjson::SIMDJSON_PADDING) return {VJ_SYNTAX_TOO_LARGE, nullptr, nullptr};
  if (length == 0) return {VJ_SYNTAX_EMPTY, nullptr, nullptr};
  if (!prepare(length)) return {VJ_SYNTAX_MEMORY, nullptr, nullptr};
  vj_syntax_code code = translate(parser->stage1(bytes, length, simdjson::stage1_mode::regular));
  const uint32_t *begin = parser->structural_indexes.get();
  return {code, begin, begin + (code == VJ_SYNTAX_OK ? parser->n_structural_indexes : 0)};
}

IndexUse::~IndexUse() {
  if (parser && parser->capacity() > kept_capacity) parser.reset();
}

}  // namespace verdict

bool vj_is_utf8(const uint8_t *bytes, size_t length) {
  return simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), length);
}
