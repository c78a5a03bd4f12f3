// The features of the rows.
#pragma once
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

}  // namespace verdict

struct vj_schema {
  verdict::NameTable names;
  std::vector<verdict::FeatureRule> features;  // in the order of `names`
  size_t number_slots = 0, category_slots = 0;
  bool has_positive = false;
  std::string positive;
};
