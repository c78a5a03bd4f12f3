#include "Schema.hpp"

#include <algorithm>
#include <new>

vj_schema *vj_schema_new(const char *positive, size_t length) {
  try {
    auto schema = new vj_schema;
    schema->has_positive = positive != nullptr;
    if (positive) schema->positive.assign(positive, length);
    return schema;
  } catch (...) {
    return nullptr;
  }
}

bool vj_schema_add(vj_schema *schema, const char *name, size_t length, vj_type type, uint32_t slot) {
  try {
    // A repeated name would shift all later features relative to `names`, so it is ignored.
    if (!schema->names.insert({name, length})) return true;
    schema->features.push_back({type, slot, false, {}});
    size_t &slots = type == VJ_CATEGORICAL ? schema->category_slots : schema->number_slots;
    slots = std::max(slots, size_t(slot) + 1);
    return true;
  } catch (...) {
    return false;
  }
}

bool vj_schema_close(vj_schema *schema, const char *category, size_t length) {
  try {
    if (schema->features.empty()) return true;
    schema->features.back().closed = true;
    if (category) schema->features.back().listed.insert({category, length});
    return true;
  } catch (...) {
    return false;
  }
}

uint32_t vj_schema_find(const vj_schema *schema, const char *name, size_t length) {
  return schema->names.find({name, length});
}

void vj_schema_free(vj_schema *schema) { delete schema; }
