#include "Rows.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "Spelling.hpp"

using verdict::Number;

vj_rows::vj_rows(const vj_schema *schema, bool labelled)
    : schema(schema),
      labelled(labelled),
      order(schema->features.size()),
      seen(schema->features.size(), 0),
      cells(schema->category_slots) {
  // The first row is expected to have the order of the schema.
  for (uint32_t feature = 0; feature < schema->features.size(); ++feature) expect(feature, feature);
}

void vj_rows::expect(size_t position, uint32_t feature) {
  std::string_view name = schema->names[feature];
  if (name.find('\\') == std::string_view::npos && position < order.size()) order[position] = {name, feature};
}

void vj_rows::admit() {
  if (count >= most_rows) throw verdict::SyntaxError{VJ_SYNTAX_ROWS, 0};
  size_t bytes = held(1) + known_keys.memory();
  if (bytes <= granted) return;
  granted = grant ? grant(grant_context, bytes) : 0;
  if (bytes > granted) throw verdict::SyntaxError{VJ_SYNTAX_REFUSED, 0};
}

void vj_rows::begin(uint64_t position) {
  admit();
  row = position;
  generation += 1;
  problems_before = problems_total;
  outcome = vj_schema::no_outcome;
  key.clear();
  cases.begin();
  scratch.clear();
  for (Cell &cell : cells) cell = {nullptr, 0, missing};
  // The numbers of the row are written in place; `end` removes them if the row is not kept.
  numbers.resize(count * schema->number_slots);
  numbers.resize((count + 1) * schema->number_slots, std::numeric_limits<double>::quiet_NaN());
}

void vj_rows::end(bool keep) {
  // Only a row that is kept reserves its key, so that a later row may use the key of a refused one.
  if (keep && problems_total == problems_before && !key.empty() && !known_keys.insert(key))
    problem(VJ_KEY_REPEATED, {VJ_AT_ROW_MEMBER, "key"}, key);
  if (problems_total != problems_before || !keep) {
    rows_refused += problems_total != problems_before;
    return drop();
  }
  for (const Cell &cell : cells) {
    if (cell.length == missing) {
      names.append_missing();
    } else {
      names.append({cell.stable ? cell.stable : scratch.data() + cell.start, cell.length});
    }
  }
  if (!key.empty() && !any_key) {
    any_key = true;
    for (size_t earlier = 0; earlier < count; ++earlier) keys.append_missing();
  }
  if (any_key) key.empty() ? keys.append_missing() : keys.append(key);
  cases.append(count);
  if (labelled) outcomes.push_back(outcome);
  count += 1;
}

void vj_rows::drop() { numbers.resize(count * schema->number_slots); }

void vj_rows::reject_line(verdict::SyntaxError syntax) {
  // Problems found before the syntax error are dropped.
  problems_total = problems_before;
  if (problems.size() > problems_total) problems.resize(size_t(problems_total));
  problem(VJ_LINE_NOT_JSON, {VJ_AT_ROW, {}}, {}, syntax);
  rows_refused += 1;
  drop();
}

void vj_rows::clear() {
  count = 0;
  numbers.clear();
  names.clear();
  keys.clear();
  cases.clear();
  outcomes.clear();
  any_key = false;
}

bool vj_rows::mark(uint32_t feature) {
  if (seen[feature] == generation) return false;
  seen[feature] = generation;
  return true;
}

void vj_rows::set_number(uint32_t feature, const Number &number, std::string_view text) {
  const verdict::FeatureRule &rule = schema->features[feature];
  if (rule.type == VJ_DISCRETE) {
    if (!number.is_whole()) return feature_problem(VJ_NOT_WHOLE, feature, text);
    if (!number.in_whole_range()) return feature_problem(VJ_OUT_OF_WHOLE_RANGE, feature, text);
  } else if (std::fabs(number.value) > schema->largest) {
    return feature_problem(VJ_OUT_OF_RANGE, feature, text);
  }
  numbers[count * schema->number_slots + rule.slot] = number.value;
}

void vj_rows::set_name(uint32_t feature, std::string_view name, bool stable) {
  const verdict::FeatureRule &rule = schema->features[feature];
  if (name.empty() || name.size() > longest_category) return feature_problem(VJ_CATEGORY_LENGTH, feature, name);
  if (memchr(name.data(), 0, name.size())) return feature_problem(VJ_NUL_CHARACTER, feature, name);
  std::string_view given = name;
  name = verdict::normalized(schema->normalize, name, spelling);
  bool listed = rule.closed && rule.listed.find(name) != verdict::NameTable::none;
  // A category of the list wins over the rule for booleans and integers.
  if (!listed) name = verdict::plain(name);
  if (rule.closed && !listed && rule.listed.find(name) == verdict::NameTable::none)
    return feature_problem(VJ_CATEGORY_NOT_LISTED, feature, given);
  if (name.size() > longest_category) return feature_problem(VJ_CATEGORY_LENGTH, feature, given);
  stable = stable && name.data() == given.data();
  cells[rule.slot] = {stable ? name.data() : nullptr, uint32_t(scratch.size()), uint32_t(name.size())};
  if (!stable) scratch.append(name);
}

void vj_rows::set_whole_name(uint32_t feature, const Number &number, std::string_view text) {
  // The digits of an integer are the name, however many; 3.0 and 3e0 are 3, and -0 is 0.
  if (number.integer_text && text != "-0") return set_name(feature, text, false);
  if (!number.is_whole() || !number.in_whole_range())
    return feature_problem(VJ_CATEGORY_NOT_WHOLE, feature, text);
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, int64_t(number.value)).ptr;
  set_name(feature, {digits, size_t(end - digits)}, false);
}

bool vj_rows::set_outcome(std::string_view text, bool cell) {
  outcome = schema->outcome(text, cell);
  return outcome != vj_schema::no_outcome;
}

bool vj_rows::set_identifier(std::string_view text, std::string_view member, std::string &into) {
  if (text.empty() || text.size() > longest_key)
    return problem(VJ_KEY_LENGTH, {VJ_AT_ROW_MEMBER, member}, text), false;
  if (memchr(text.data(), 0, text.size())) return problem(VJ_NUL_CHARACTER, {VJ_AT_ROW_MEMBER, member}), false;
  std::string_view one = verdict::normalized(schema->normalize, text, spelling);
  if (one.size() > longest_key) return problem(VJ_KEY_LENGTH, {VJ_AT_ROW_MEMBER, member}, text), false;
  into.assign(one);
  return true;
}

void vj_rows::set_key(std::string_view text) { set_identifier(text, "key", key); }

void vj_rows::set_attribute(vj_attribute attribute, std::string_view text) {
  std::string_view member = verdict::attribute_name(attribute);
  switch (attribute) {
    case VJ_REFERENCE:
      if (set_identifier(text, member, identifier)) cases.set_reference(identifier);
      return;
    case VJ_GROUP:
      if (set_identifier(text, member, identifier)) cases.set_group(identifier);
      return;
    case VJ_OCCURRED_AT: {
      int64_t time;
      if (!verdict::parse_time(text, time)) return problem(VJ_NOT_TIME, {VJ_AT_ROW_MEMBER, member}, text);
      return cases.set_time(time);
    }
    case VJ_SPLIT:
      if (!cases.set_split(text)) problem(VJ_NOT_SPLIT, {VJ_AT_ROW_MEMBER, member}, text);
      return;
    case VJ_WEIGHT: return problem(VJ_NOT_WEIGHT, {VJ_AT_ROW_MEMBER, member}, text);
  }
}

void vj_rows::set_weight(double weight, std::string_view text) {
  if (!cases.set_weight(weight))
    problem(VJ_NOT_WEIGHT, {VJ_AT_ROW_MEMBER, verdict::attribute_name(VJ_WEIGHT)}, text);
}

void vj_rows::feature_problem(vj_problem_code code, uint32_t feature, std::string_view found) {
  problem(code, {VJ_AT_FEATURE, schema->names[feature]}, found);
}

void vj_rows::problem(vj_problem_code code, verdict::Location location, std::string_view found,
                      verdict::SyntaxError syntax) {
  problems_total += 1;
  if (location.kind == VJ_AT_ENVELOPE || location.kind == VJ_AT_ENVELOPE_MEMBER) {
    // A problem of the whole body is always listed, if necessary instead of one of a row.
    if (!envelope_refused && problems.size() == problems_kept) problems.pop_back();
    envelope_refused = true;
  }
  if (problems.size() == problems_kept) return;
  // A prefix is enough to recognise the value. The decoder repairs a cut inside a character.
  std::string_view name = location.name.substr(0, 400);
  found = found.substr(0, 100);
  uint32_t name_start = uint32_t(problem_text.size());
  problem_text.append(name);
  uint32_t found_start = uint32_t(problem_text.size());
  problem_text.append(found);
  problems.push_back({code, location.kind, syntax.code, row, syntax.offset, name_start, uint32_t(name.size()),
                      found_start, uint32_t(found.size())});
}

vj_rows *vj_rows_new(const vj_schema *schema, bool labelled) {
  try {
    return new vj_rows(schema, labelled);
  } catch (...) {
    return nullptr;
  }
}

void vj_rows_limit(vj_rows *rows, size_t most, size_t full, size_t granted, vj_grant grant, void *context) {
  rows->most_rows = most;
  rows->full_bytes = full;
  rows->granted = granted;
  rows->grant = grant;
  rows->grant_context = context;
}

bool vj_rows_full(const vj_rows *rows) { return rows->is_full(); }

void vj_rows_free(vj_rows *rows) { delete rows; }

void vj_rows_clear(vj_rows *rows) { rows->clear(); }

void vj_rows_forget_problems(vj_rows *rows) {
  rows->problems.clear();
  rows->problems_total = 0;
  rows->rows_refused = 0;
  rows->problem_text.clear();
}

vj_rows_view vj_rows_get_view(const vj_rows *rows) {
  return {rows->count,
          rows->schema->number_slots,
          rows->schema->category_slots,
          rows->labelled,
          rows->numbers.data(),
          rows->names.bytes.data(),
          rows->names.bytes.size(),
          rows->names.ends.data(),
          rows->outcomes.data(),
          rows->keys.bytes.data(),
          rows->keys.bytes.size(),
          rows->keys.ends.empty() ? nullptr : rows->keys.ends.data(),
          rows->cases.references.bytes.data(),
          rows->cases.references.bytes.size(),
          rows->cases.references.ends.empty() ? nullptr : rows->cases.references.ends.data(),
          rows->cases.groups.bytes.data(),
          rows->cases.groups.bytes.size(),
          rows->cases.groups.ends.empty() ? nullptr : rows->cases.groups.ends.data(),
          rows->cases.times.empty() ? nullptr : rows->cases.times.data(),
          rows->cases.weights.empty() ? nullptr : rows->cases.weights.data(),
          rows->cases.splits.empty() ? nullptr : rows->cases.splits.data(),
          rows->problems.data(),
          rows->problems.size(),
          rows->problems_total,
          rows->problem_text.data(),
          rows->rows_refused,
          rows->envelope_refused};
}
