// Where rows are put, whatever format they come from: values are checked here, and only here.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "CSimdJSON.h"
#include "Hash.hpp"
#include "Number.hpp"
#include "Schema.hpp"

namespace verdict {

/// What ends the reading of a whole input. Thrown inside this target, turned into a status at its edge.
struct SyntaxError {
  vj_syntax_code code;
  size_t offset;
};

/// Flat optional strings, end to end.
struct NameColumn {
  static constexpr uint32_t missing = 0x8000'0000;
  std::string bytes;
  std::vector<uint32_t> ends;

  void append(std::string_view name) {
    // 31 bits of length: the top one marks missing values.
    if (bytes.size() + name.size() >= missing) throw SyntaxError{VJ_SYNTAX_TOO_LARGE, 0};
    bytes.append(name);
    ends.push_back(uint32_t(bytes.size()));
  }
  void append_missing() { ends.push_back(uint32_t(bytes.size()) | missing); }
  void clear() { bytes.clear(), ends.clear(); }
};

/// Where in a row a problem is; the member's name, if any.
struct Place {
  vj_place kind;
  std::string_view name;
};

}  // namespace verdict

struct vj_rows {
  static constexpr size_t problems_kept = 100;
  static constexpr size_t longest_category = 1000, longest_key = 200, longest_outcome = 1000;

  vj_rows(const vj_schema *schema, bool labelled);

  const vj_schema *const schema;
  const bool labelled;

  // What is handed out.
  size_t count = 0;
  std::vector<double> numbers;
  verdict::NameColumn names, keys;
  std::vector<uint8_t> outcomes;
  std::vector<vj_problem> problems;
  uint64_t problems_total = 0;
  std::string problem_text;
  uint64_t rows_refused = 0;
  bool envelope_refused = false;

  /// The features' usual order in this input, learned from the row before: a hit saves the hash. A name in it has no
  /// backslash, so that it may be compared with the bytes of a JSON string as they are.
  struct Usual {
    std::string_view name;
    uint32_t feature = verdict::NameTable::none;
  };
  std::vector<Usual> order;
  /// Expects a feature at a position from now on.
  void guess(size_t position, uint32_t feature);

  void begin(uint64_t row);
  /// Keeps the row if it had no problem.
  void end(bool keep = true);
  void clear();
  /// Drops the row begun, whose line turned out not to be JSON.
  void reject_line(verdict::SyntaxError syntax);

  /// Notes that the current row has this feature; `false` if it had it already.
  bool mark(uint32_t feature);
  void set_number(uint32_t feature, const verdict::Number &number, std::string_view text);
  /// `stays` promises that the bytes live until the row ends; others are copied.
  void set_name(uint32_t feature, std::string_view name, bool stays);
  void set_whole_name(uint32_t feature, const verdict::Number &number, std::string_view text);
  void set_outcome(uint8_t outcome);
  /// An outcome by name; `false` if the schema knows outcomes as 0 and 1 alone.
  bool set_outcome_name(std::string_view name);
  void set_key(std::string_view key);
  bool has_outcome() const { return outcome != no_outcome; }
  /// A cell could not be noted for want of memory.
  bool failed = false;

  void problem(vj_problem_code code, verdict::Place place, std::string_view found = {},
               verdict::SyntaxError syntax = {VJ_SYNTAX_OK, 0});
  void feature_problem(vj_problem_code code, uint32_t feature, std::string_view found = {});

 private:
  /// Takes back what the current row has written in place.
  void drop();
  static constexpr uint8_t no_outcome = 0xff;
  struct Cell {
    const char *stays;  // NULL: at `start` of `scratch`
    uint32_t start, length;
  };
  static constexpr uint32_t missing = UINT32_MAX;

  uint64_t row = 0;
  uint64_t generation = 0;
  uint64_t problems_before = 0;
  std::vector<uint64_t> seen;  // the generation that last had the feature
  std::vector<Cell> cells;     // the current row's categories by slot
  std::string scratch;
  uint8_t outcome = no_outcome;
  std::string key;
  bool any_key = false;
  verdict::NameTable known_keys;
};
