#include "RowReader.hpp"

#include "Spelling.hpp"

namespace verdict {
namespace {

bool begins_number(uint8_t byte) { return byte == '-' || uint8_t(byte - '0') <= 9; }

}  // namespace

void RowReader::envelope(std::string_view member) {
  bool given = false, empty = false;
  if (cursor.peek() != '{') {
    cursor.skip();
    return rows.problem(VJ_NOT_OBJECT, {VJ_AT_ENVELOPE, {}});
  }
  object([&](std::string_view raw, size_t offset) {
    std::string_view name = resolve(raw, offset);
    if (name == member && !given) {
      given = true;
      if (cursor.peek() == '[') return elements(), void(empty = read == 0);
      cursor.skip();
      return rows.problem(VJ_NOT_ARRAY, {VJ_AT_ENVELOPE_MEMBER, member});
    }
    rows.problem(name == member ? VJ_DUPLICATE_MEMBER : VJ_UNKNOWN_MEMBER, {VJ_AT_ENVELOPE_MEMBER, name});
    cursor.skip();
  });
  if (!given) rows.problem(VJ_MISSING_MEMBER, {VJ_AT_ENVELOPE_MEMBER, member});
  if (empty) rows.problem(VJ_EMPTY_BATCH, {VJ_AT_ENVELOPE_MEMBER, member});
}

void RowReader::elements() {
  cursor.expect('[');
  if (cursor.skip_if(']')) return;
  do row(read++);
  while (cursor.more(']'));
}

void RowReader::row(uint64_t position, bool alone) {
  rows.begin(position);
  if (cursor.peek() != '{') {
    cursor.skip();
    if (alone) finish();
    rows.problem(VJ_NOT_OBJECT, {VJ_AT_ROW, {}});
    return rows.end();
  }
  bool has_features = false, has_label = false, has_key = false;
  bool has_attribute[VJ_SPLIT + 1] = {};
  object([&](std::string_view raw, size_t offset) {
    std::string_view name = resolve(raw, offset);
    bool *given = name == "features"                  ? &has_features
                  : rows.labelled && name == "label"  ? &has_label
                  : rows.labelled && name == "key"    ? &has_key
                                                      : nullptr;
    int attribute = given ? -1 : find_attribute(name, rows.labelled);
    if (attribute >= 0) given = &has_attribute[attribute];
    if (!given || *given) {
      rows.problem(given ? VJ_DUPLICATE_MEMBER : VJ_UNKNOWN_MEMBER, {VJ_AT_ROW_MEMBER, name});
      cursor.skip();
      return;
    }
    *given = true;
    if (attribute >= 0) return this->attribute(vj_attribute(attribute));
    given == &has_features ? features() : given == &has_label ? label() : key();
  });
  if (alone) finish();
  if (!has_features) rows.problem(VJ_MISSING_MEMBER, {VJ_AT_ROW_MEMBER, "features"});
  if (rows.labelled && !has_label) rows.problem(VJ_MISSING_MEMBER, {VJ_AT_ROW_MEMBER, "label"});
  rows.end();
}

uint32_t RowReader::feature(std::string_view raw, size_t offset, size_t position) {
  // Rows of one source have their features in the same order, so this name nearly always equals the one of the last row.
  if (position < rows.order.size()) {
    const vj_rows::ExpectedFeature &expected = rows.order[position];
    if (expected.feature != NameTable::none && expected.name == raw) return expected.feature;
  }
  std::string_view name = normalized(rows.schema->normalize, resolve(raw, offset), spelling);
  uint32_t found = rows.schema->names.find(name);
  if (found != NameTable::none) rows.expect(position, found);
  return found;
}

void RowReader::features() {
  if (cursor.peek() != '{') {
    cursor.skip();
    return rows.problem(VJ_NOT_OBJECT, {VJ_AT_ROW_MEMBER, "features"});
  }
  size_t position = 0;
  object([&](std::string_view raw, size_t offset) {
    uint32_t index = feature(raw, offset, position++);
    if (index == NameTable::none) {
      rows.problem(VJ_UNKNOWN_FEATURE, {VJ_AT_FEATURE, resolve(raw, offset)});
      cursor.skip();
    } else if (!rows.mark(index)) {
      rows.feature_problem(VJ_DUPLICATE_MEMBER, index);
      cursor.skip();
    } else if (cursor.peek() == 'n') {
      cursor.literal("null");
    } else if (rows.schema->features[index].type == VJ_CATEGORICAL) {
      category(index);
    } else {
      number(index);
    }
  });
}

bool RowReader::non_finite(uint32_t index) {
  for (std::string_view word : {"NaN", "Infinity", "-Infinity"}) {
    if (uint8_t(word.front()) != cursor.peek() || !cursor.skip_word(word)) continue;
    rows.feature_problem(VJ_NOT_JSON_NUMBER, index, word);
    return true;
  }
  return false;
}

NumberStatus RowReader::number(Number &number, std::string_view &text) {
  auto begin = reinterpret_cast<const char *>(cursor.bytes) + cursor.offset();
  NumberStatus status = cursor.number(number);
  text = {begin, size_t(reinterpret_cast<const char *>(number.end) - begin)};
  return status;
}

void RowReader::number(uint32_t index) {
  uint8_t first = cursor.peek();
  bool perhaps_infinite = first == '-' && cursor.offset() + 1 < cursor.length && cursor.bytes[cursor.offset() + 1] == 'I';
  if (!begins_number(first) || perhaps_infinite) {
    if (non_finite(index)) return;
    std::string_view found = cursor.skip();
    return rows.feature_problem(VJ_NOT_NUMBER, index, found);
  }
  Number number;
  std::string_view text;
  NumberStatus status = this->number(number, text);
  if (status == NumberStatus::not_finite) return rows.feature_problem(VJ_NOT_FINITE, index, text);
  rows.set_number(index, number, text);
}

void RowReader::category(uint32_t index) {
  uint8_t first = cursor.peek();
  if (first == '"') {
    size_t offset = cursor.offset() + 1;
    std::string_view raw = cursor.string();
    if (raw.find('\\') == std::string_view::npos) return rows.set_name(index, raw, true);
    text.clear();
    if (unescape(raw, offset, text) != Unescaped::ok) return rows.feature_problem(VJ_LONE_SURROGATE, index);
    return rows.set_name(index, text, false);
  }
  if (first == 't') {
    cursor.literal("true");
    return rows.set_name(index, "true", true);
  }
  if (first == 'f') {
    cursor.literal("false");
    return rows.set_name(index, "false", true);
  }
  if (!begins_number(first)) {
    if (non_finite(index)) return;
    std::string_view found = cursor.skip();
    return rows.feature_problem(VJ_NOT_CATEGORY, index, found);
  }
  Number number;
  std::string_view text;
  NumberStatus status = this->number(number, text);
  if (status == NumberStatus::not_finite && !number.integer_text)
    return rows.feature_problem(VJ_NOT_FINITE, index, text);
  rows.set_whole_name(index, number, text);
}

void RowReader::label() {
  size_t offset = cursor.offset();
  if (begins_number(cursor.peek())) {
    Number number;
    std::string_view digits;
    bool ok = this->number(number, digits) == NumberStatus::ok;
    // 0 and 1 in any form of a number, such as 1.0; words of the outcome may be other integers.
    if (ok && (number.value == 0 || number.value == 1)) digits = number.value == 0 ? "0" : "1";
    if (ok && rows.set_outcome(digits, false)) return;
  } else if (cursor.peek() == '"') {
    std::string_view raw = cursor.string();
    text.clear();
    if (unescape(raw, offset + 1, text) == Unescaped::ok && rows.set_outcome(text, false)) return;
  } else if (cursor.peek() == 't') {
    cursor.literal("true");
    if (rows.set_outcome("true", false)) return;
  } else if (cursor.peek() == 'f') {
    cursor.literal("false");
    if (rows.set_outcome("false", false)) return;
  } else {
    cursor.skip();
  }
  auto begin = reinterpret_cast<const char *>(cursor.bytes) + offset;
  rows.problem(VJ_NOT_LABEL, {VJ_AT_ROW_MEMBER, "label"}, {begin, cursor.offset() - offset});
}

bool RowReader::string(std::string_view member) {
  if (cursor.peek() != '"') {
    std::string_view found = cursor.skip();
    rows.problem(VJ_KEY_NOT_STRING, {VJ_AT_ROW_MEMBER, member}, found);
    return false;
  }
  size_t offset = cursor.offset() + 1;
  std::string_view raw = cursor.string();
  text.clear();
  if (unescape(raw, offset, text) == Unescaped::ok) return true;
  rows.problem(VJ_LONE_SURROGATE, {VJ_AT_ROW_MEMBER, member});
  return false;
}

void RowReader::key() {
  if (cursor.peek() == 'n') return cursor.literal("null");
  if (string("key")) rows.set_key(text);
}

void RowReader::attribute(vj_attribute attribute) {
  if (cursor.peek() == 'n') return cursor.literal("null");
  std::string_view member = attribute_name(attribute);
  if (attribute != VJ_WEIGHT) {
    if (string(member)) rows.set_attribute(attribute, text);
    return;
  }
  if (!begins_number(cursor.peek())) {
    std::string_view found = cursor.skip();
    return rows.problem(VJ_NOT_WEIGHT, {VJ_AT_ROW_MEMBER, member}, found);
  }
  Number number;
  std::string_view digits;
  NumberStatus status = this->number(number, digits);
  if (status != NumberStatus::ok) return rows.problem(VJ_NOT_WEIGHT, {VJ_AT_ROW_MEMBER, member}, digits);
  rows.set_weight(number.value, digits);
}

}  // namespace verdict
