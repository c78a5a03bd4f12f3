// The features and the outcome of the rows.
#pragma once
#include <limits>
#include <string>
#include <vector>

#include "CSimdJSON.h"
#include "Hash.hpp"

namespace verdict {

struct FeatureRule {
  vj_type type;
  uint32_t slot;
  bool closed = false;   // whether only the `listed` names are categories
  NameTable listed;
};

/// A text that stands for an outcome.
struct OutcomeText {
  std::string text;
  uint8_t outcome;
  bool word;  // the owner's own, which is matched as it stands
};

}  // namespace verdict

struct vj_schema {
  static constexpr size_t longest_outcome = 1000;
  static constexpr uint8_t no_outcome = 0xff;

  verdict::NameTable names;
  std::vector<verdict::FeatureRule> features;  // in the order of `names`
  size_t number_slots = 0, category_slots = 0;
  double largest = std::numeric_limits<double>::max();  // magnitude of a continuous value
  vj_normalize normalize = nullptr;
  std::vector<verdict::OutcomeText> outcomes;
  bool open_outcomes = false;  // whether any other name is outcome 0

  /// The outcome that a text stands for, or `no_outcome`. Every format reads outcomes by this function alone.
  uint8_t outcome(std::string_view text, bool cell) const;

 private:
  uint8_t listed(std::string_view text, bool words) const;
};
