#include "Schema.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "Spelling.hpp"

uint8_t vj_schema::listed(std::string_view text, bool words) const {
  for (const verdict::OutcomeText &known : outcomes)
    if ((words || !known.word) && known.text == text) return known.outcome;
  return no_outcome;
}

uint8_t vj_schema::outcome(std::string_view text, bool cell) const {
  uint8_t found = listed(text, true);
  if (found != no_outcome || text.empty() || text.size() > longest_outcome) return found;
  std::string buffer;
  std::string_view one = verdict::plain(verdict::normalized(normalize, text, buffer));
  if (one != text) found = listed(one, true);
  if (found == no_outcome && cell) found = listed(verdict::plain(verdict::trimmed(text)), false);
  return found == no_outcome && open_outcomes && !memchr(text.data(), 0, text.size()) ? 0 : found;
}

vj_schema *vj_schema_new(vj_normalize normalize) {
  try {
    auto schema = new vj_schema;
    schema->normalize = normalize;
    return schema;
  } catch (...) {
    return nullptr;
  }
}

bool vj_schema_add_outcome(vj_schema *schema, const char *text, size_t length, uint8_t outcome, bool word) {
  try {
    schema->outcomes.push_back({std::string(text, length), outcome, word});
    return true;
  } catch (...) {
    return false;
  }
}

void vj_schema_open_outcomes(vj_schema *schema) { schema->open_outcomes = true; }

int vj_schema_outcome(const vj_schema *schema, const char *text, size_t length, bool cell) {
  try {
    uint8_t outcome = schema->outcome({text, length}, cell);
    return outcome == vj_schema::no_outcome ? -1 : outcome;
  } catch (...) {
    return -1;
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

void vj_schema_bound(vj_schema *schema, double largest) { schema->largest = largest; }

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
