// The attributes of a row that are no features: who it belongs to, when its case happened, how much it counts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "CSimdJSON.h"
#include "Columns.hpp"

namespace verdict {

/// The name of an attribute as a member of a row.
std::string_view attribute_name(vj_attribute attribute);

/// The attribute of a name among those that rows with or without labels have; -1 for none.
int find_attribute(std::string_view name, bool labelled);

/// Reads a time (RFC 3339 `date-time`), or a date (`full-date`), which means its first moment in UTC.
///
/// `time` receives the microseconds since 1970-01-01 00:00:00 UTC, rounded. Returns `false` for any other text, for a day that does
/// not exist, and outside the years 1 to 9999 in UTC.
bool parse_time(std::string_view text, int64_t &time);

/// The attributes of rows. Each is a column from the first row on that has it, so that rows without attributes cost nothing.
class CaseColumns {
 public:
  static constexpr int64_t no_time = std::numeric_limits<int64_t>::min();

  NameColumn references, groups;
  std::vector<int64_t> times;
  std::vector<double> weights;  // NaN = not given
  std::vector<uint8_t> splits;  // 0 = not given, 1 = train, 2 = validation

  /// Begins a row without attributes.
  void begin() {
    if (given) reset();
  }
  void set_reference(std::string_view text) { given = true, reference.assign(text); }
  void set_group(std::string_view text) { given = true, group.assign(text); }
  void set_time(int64_t value) { given = true, time = value; }
  /// Returns `false` for a weight beyond the bounds.
  bool set_weight(double value);
  /// Sets the split that a text names. Returns `false` for none.
  bool set_split(std::string_view text);
  /// Adds the attributes of the row that follows `count` rows.
  void append(size_t count) {
    if (given || any) add(count);
  }
  void clear();
  /// The bytes that the attributes of `count` rows take.
  size_t held(size_t count) const;

 private:
  bool given = false;  // whether the current row has an attribute
  bool any = false;    // whether some row has one
  std::string reference, group;
  int64_t time = no_time;
  double weight = std::numeric_limits<double>::quiet_NaN();
  uint8_t split = 0;

  void reset();
  void add(size_t count);
};

}  // namespace verdict
