// The C functions that read rows cell by cell, from CSV.
#include <new>
#include <string>

#include "Rows.hpp"
#include "Spelling.hpp"
#include "Validation.hpp"

using verdict::Number;
using verdict::NumberStatus;

namespace {

std::string_view view(const uint8_t *bytes, size_t length) {
  return {reinterpret_cast<const char *>(bytes), length};
}

/// Reads the number that fills a text, with a decimal point or with a decimal comma.
NumberStatus whole_number(std::string_view text, bool comma, Number &number) {
  std::string point;
  if (comma) {
    // 1.234 could be 1,234.
    if (text.find('.') != std::string_view::npos) return NumberStatus::malformed;
    point.assign(text);
    // A second comma stays, and is no part of a number.
    if (auto first = point.find(','); first != std::string::npos) point[first] = '.';
    text = point;
  }
  auto begin = reinterpret_cast<const uint8_t *>(text.data());
  auto status = verdict::read_number(begin, begin + text.size(), verdict::NumberGrammar::text, number);
  if (status == NumberStatus::malformed) return status;
  return number.end == begin + text.size() ? status : NumberStatus::malformed;
}

void number_cell(vj_rows &rows, uint32_t feature, std::string_view text, bool comma) {
  text = verdict::trimmed(text);
  if (text.empty()) return;
  Number number;
  auto status = whole_number(text, comma, number);
  if (status == NumberStatus::malformed) return rows.feature_problem(VJ_NOT_NUMBER, feature, text);
  if (status == NumberStatus::not_finite) return rows.feature_problem(VJ_NOT_FINITE, feature, text);
  rows.set_number(feature, number, text);
}

/// Calls `body` and records a failure, which vj_end_row reports: the functions below have no status.
template <typename Body>
void remember_failure(vj_rows *rows, Body body) {
  try {
    body();
  } catch (const verdict::SyntaxError &error) {
    rows->failure = error.code;
  } catch (...) {
    rows->failure = VJ_SYNTAX_MEMORY;
  }
}

}  // namespace

void vj_begin_row(vj_rows *rows, uint64_t line) {
  remember_failure(rows, [&] { rows->begin(line); });
}

void vj_cell(vj_rows *rows, uint32_t feature, const uint8_t *bytes, size_t length) {
  remember_failure(rows, [&] {
    if (feature >= rows->schema->features.size()) return;
    if (rows->schema->features[feature].type != VJ_CATEGORICAL) {
      number_cell(*rows, feature, view(bytes, length), false);
    } else if (length > 0) {
      if (!verdict::valid_utf8(bytes, length)) return rows->feature_problem(VJ_NOT_UTF8, feature);
      rows->set_name(feature, view(bytes, length), false);
    }
  });
}

void vj_cell_with_comma(vj_rows *rows, uint32_t feature, const uint8_t *bytes, size_t length) {
  if (feature >= rows->schema->features.size() || rows->schema->features[feature].type == VJ_CATEGORICAL)
    return vj_cell(rows, feature, bytes, length);
  remember_failure(rows, [&] { number_cell(*rows, feature, view(bytes, length), true); });
}

void vj_cell_label(vj_rows *rows, const uint8_t *bytes, size_t length) {
  remember_failure(rows, [&] {
    if (!verdict::valid_utf8(bytes, length)) return rows->problem(VJ_NOT_UTF8, {VJ_AT_ROW_MEMBER, "label"});
    std::string_view text = view(bytes, length);
    if (!rows->set_outcome(text, true)) rows->problem(VJ_NOT_LABEL, {VJ_AT_ROW_MEMBER, "label"}, text);
  });
}

void vj_cell_key(vj_rows *rows, const uint8_t *bytes, size_t length) {
  if (length == 0) return;
  remember_failure(rows, [&] {
    if (!verdict::valid_utf8(bytes, length)) return rows->problem(VJ_NOT_UTF8, {VJ_AT_ROW_MEMBER, "key"});
    rows->set_key(view(bytes, length));
  });
}

void vj_cell_attribute(vj_rows *rows, vj_attribute attribute, const uint8_t *bytes, size_t length, bool comma) {
  if (length == 0) return;
  remember_failure(rows, [&] {
    std::string_view member = verdict::attribute_name(attribute);
    if (!verdict::valid_utf8(bytes, length)) return rows->problem(VJ_NOT_UTF8, {VJ_AT_ROW_MEMBER, member});
    std::string_view text = view(bytes, length);
    // Spaces are part of an identifier, and insignificant around the others.
    if (attribute == VJ_REFERENCE || attribute == VJ_GROUP) return rows->set_attribute(attribute, text);
    text = verdict::trimmed(text);
    if (text.empty()) return;
    if (attribute != VJ_WEIGHT) return rows->set_attribute(attribute, text);
    Number number;
    whole_number(text, comma, number) == NumberStatus::ok
        ? rows->set_weight(number.value, text)
        : rows->problem(VJ_NOT_WEIGHT, {VJ_AT_ROW_MEMBER, member}, text);
  });
}

void vj_row_problem(vj_rows *rows, vj_problem_code code, const uint8_t *found, size_t length) {
  remember_failure(rows, [&] { rows->problem(code, {VJ_AT_ROW, {}}, view(found, length)); });
}

vj_syntax_code vj_end_row(vj_rows *rows, bool keep) {
  if (rows->failure != VJ_SYNTAX_OK) return rows->failure;
  try {
    rows->end(keep);
    return VJ_SYNTAX_OK;
  } catch (const verdict::SyntaxError &error) {
    return error.code;
  } catch (...) {
    return VJ_SYNTAX_MEMORY;
  }
}
