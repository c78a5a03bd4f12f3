// The rows being read, from any format. All checks of values are here.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "CSimdJSON.h"
#include "Case.hpp"
#include "Hash.hpp"
#include "Number.hpp"
#include "Schema.hpp"

namespace verdict {

/// Whether an error concerns the whole input and not the row at which it was found.
inline bool ends_reading(vj_syntax_code code) {
  return code == VJ_SYNTAX_TOO_LARGE || code == VJ_SYNTAX_ROWS || code == VJ_SYNTAX_REFUSED;
}

/// The part of the input that a problem is about, and the name of the member, if any.
struct Location {
  vj_location kind;
  std::string_view name;
};

}  // namespace verdict

struct vj_rows {
  static constexpr size_t problems_kept = 100;
  static constexpr size_t longest_category = 1000, longest_key = 200;

  vj_rows(const vj_schema *schema, bool labelled);

  const vj_schema *const schema;
  const bool labelled;

  // The contents of vj_rows_view.
  size_t count = 0;
  std::vector<double> numbers;
  verdict::NameColumn names, keys;
  verdict::CaseColumns cases;
  std::vector<uint8_t> outcomes;
  std::vector<vj_problem> problems;
  uint64_t problems_total = 0;
  std::string problem_text;
  uint64_t rows_refused = 0;
  bool envelope_refused = false;

  /// The expected order of the features, learned from earlier rows: a match saves the hash lookup. Names here have no
  /// backslash, so they can be compared with the raw bytes of a JSON string.
  struct ExpectedFeature {
    std::string_view name;
    uint32_t feature = verdict::NameTable::none;
  };
  std::vector<ExpectedFeature> order;
  /// Expects a feature at a position in the following rows.
  void expect(size_t position, uint32_t feature);

  // The limits that vj_rows_limit sets.
  size_t most_rows = SIZE_MAX, full_bytes = SIZE_MAX, granted = SIZE_MAX;
  vj_grant grant = nullptr;
  void *grant_context = nullptr;
  /// The bytes that `more` further rows would make the rows hold.
  size_t held(size_t more) const {
    return (count + more) * (schema->number_slots * sizeof(double) + schema->category_slots * sizeof(uint32_t) + 1) +
           names.bytes.size() + keys.bytes.size() + cases.held(count + more);
  }
  bool is_full() const { return count > 0 && held(0) >= full_bytes; }

  void begin(uint64_t row);
  /// Adds the row if it has no problem and `keep` is true.
  void end(bool keep = true);
  void clear();
  /// Drops the current row, whose line is not JSON.
  void reject_line(verdict::SyntaxError syntax);

  /// Records that the current row has this feature. Returns `false` for a repeated one.
  bool mark(uint32_t feature);
  void set_number(uint32_t feature, const verdict::Number &number, std::string_view text);
  /// Sets a category. The bytes are copied unless `stable` promises that they are valid until the row ends.
  void set_name(uint32_t feature, std::string_view name, bool stable);
  void set_whole_name(uint32_t feature, const verdict::Number &number, std::string_view text);
  /// Sets the outcome that a text stands for. Returns `false` if it stands for none.
  bool set_outcome(std::string_view text, bool cell);
  void set_key(std::string_view key);
  /// Sets an attribute that is given as text; a weight is a number in JSON and a cell of a number in CSV.
  void set_attribute(vj_attribute attribute, std::string_view text);
  void set_weight(double weight, std::string_view text);
  /// Why a cell could not be read: a failed allocation, or a limit.
  vj_syntax_code failure = VJ_SYNTAX_OK;

  void problem(vj_problem_code code, verdict::Location location, std::string_view found = {},
               verdict::SyntaxError syntax = {VJ_SYNTAX_OK, 0});
  void feature_problem(vj_problem_code code, uint32_t feature, std::string_view found = {});

 private:
  /// Checks the limits before a row takes memory.
  void admit();
  /// The text of a key, a reference or a group in form C, in `into`. Records a problem of the member otherwise.
  bool set_identifier(std::string_view text, std::string_view member, std::string &into);
  /// Removes the values that the current row has written in place.
  void drop();
  struct Cell {
    const char *stable;  // NULL: at `start` of `scratch`
    uint32_t start, length;
  };
  static constexpr uint32_t missing = UINT32_MAX;

  uint64_t row = 0;
  uint64_t generation = 0;
  uint64_t problems_before = 0;
  std::vector<uint64_t> seen;  // for each feature, the generation of the last row that had it
  std::vector<Cell> cells;     // the categories of the current row by slot
  std::string scratch;
  std::string spelling;  // the normalized text of the value being set
  uint8_t outcome = vj_schema::no_outcome;
  std::string key;
  std::string identifier;
  bool any_key = false;
  verdict::NameTable known_keys;
};
