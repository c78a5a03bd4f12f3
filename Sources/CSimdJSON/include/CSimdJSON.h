// Reads rows of numbers and categories from JSON and CSV cells, and tokens from any JSON document.
//
// simdjson's stage 1 indexes JSON texts (see StructuralIndex.cpp). The code above it reads rows directly into flat buffers
// and records the location of each problem, which a general parser cannot do.
//
// No function keeps a pointer into the caller's bytes after it returns, reads past their end, or recurses. No function
// throws: a failed allocation is a status.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define VJ_ENUM __attribute__((enum_extensibility(closed)))
#else
#define VJ_ENUM
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// The largest depth of nested containers.
enum { vj_max_depth = 64 };

/// The kind of a feature's values.
typedef enum VJ_ENUM vj_type : uint8_t { VJ_CONTINUOUS, VJ_DISCRETE, VJ_CATEGORICAL } vj_type;

/// An attribute of a row that is no feature; in JSON a member of the row with the name in quotes.
typedef enum VJ_ENUM vj_attribute : uint8_t {
  VJ_REFERENCE,    // "reference": the client's own id of the case
  VJ_GROUP,        // "group": who the row belongs to
  VJ_OCCURRED_AT,  // "occurred_at": when the case happened
  VJ_WEIGHT,       // "weight": how much the row counts
  VJ_SPLIT,        // "split": train or validation
} vj_attribute;

/// The bounds of a weight. Within them, sums of weights and of their squares are exact enough for any number of rows.
static const double vj_least_weight = 1e-9, vj_largest_weight = 1e9;

/// The reason why a text is not JSON.
typedef enum VJ_ENUM vj_syntax_code : uint8_t {
  VJ_SYNTAX_OK,
  VJ_SYNTAX_EMPTY,
  VJ_SYNTAX_UTF8,
  VJ_SYNTAX_UTF16,
  VJ_SYNTAX_CONTROL_CHARACTER,
  VJ_SYNTAX_UNCLOSED_STRING,
  VJ_SYNTAX_TRUNCATED,
  VJ_SYNTAX_UNEXPECTED,
  VJ_SYNTAX_NUMBER,
  VJ_SYNTAX_LITERAL,
  VJ_SYNTAX_ESCAPE,
  VJ_SYNTAX_SURROGATE,
  VJ_SYNTAX_TRAILING,
  VJ_SYNTAX_DEPTH,
  VJ_SYNTAX_TOO_LARGE,
  VJ_SYNTAX_MEMORY,
  VJ_SYNTAX_ROWS,     // more rows than vj_rows_limit allows
  VJ_SYNTAX_REFUSED,  // the grant of vj_rows_limit was refused
} vj_syntax_code;

/// The status of reading a text: a code and the offset of the error.
typedef struct vj_syntax {
  vj_syntax_code code;
  size_t offset;
} vj_syntax;

/// The reason why a well-formed value is refused.
typedef enum VJ_ENUM vj_problem_code : uint8_t {
  VJ_NOT_NUMBER,
  VJ_NOT_FINITE,
  VJ_OUT_OF_RANGE,
  VJ_NOT_JSON_NUMBER,
  VJ_NOT_WHOLE,
  VJ_OUT_OF_WHOLE_RANGE,
  VJ_NOT_CATEGORY,
  VJ_CATEGORY_NOT_WHOLE,
  VJ_CATEGORY_LENGTH,
  VJ_CATEGORY_NOT_LISTED,
  VJ_NUL_CHARACTER,
  VJ_LONE_SURROGATE,
  VJ_NOT_UTF8,
  VJ_UNKNOWN_FEATURE,
  VJ_UNKNOWN_MEMBER,
  VJ_DUPLICATE_MEMBER,
  VJ_MISSING_MEMBER,
  VJ_NOT_OBJECT,
  VJ_NOT_ARRAY,
  VJ_EMPTY_BATCH,
  VJ_NOT_LABEL,
  VJ_KEY_NOT_STRING,
  VJ_KEY_LENGTH,
  VJ_KEY_REPEATED,
  VJ_NOT_TIME,
  VJ_NOT_WEIGHT,
  VJ_NOT_SPLIT,
  VJ_LINE_NOT_JSON,
  VJ_BAD_RECORD,  // `found` is the reason
} vj_problem_code;

/// The part of the input that a problem is about.
typedef enum VJ_ENUM vj_location : uint8_t {
  VJ_AT_ENVELOPE,         // the whole body
  VJ_AT_ENVELOPE_MEMBER,  // a member of the body's object: `name`
  VJ_AT_ROW,              // row `row`
  VJ_AT_ROW_MEMBER,       // member `name` of row `row`
  VJ_AT_FEATURE,          // member `name` of the features of row `row`
} vj_location;

/// One refused value. `name` and `found` are ranges of the rows' problem text.
typedef struct vj_problem {
  vj_problem_code code;
  vj_location location;
  vj_syntax_code syntax;  // of VJ_LINE_NOT_JSON
  uint64_t row;           // index in the batch, or line number
  uint64_t offset;        // of VJ_LINE_NOT_JSON: byte in the line
  uint32_t name_start, name_length;
  uint32_t found_start, found_length;
} vj_problem;

// MARK: Schema

/// A compiled schema: features by name, and the words of the outcome. Immutable once rows are read with it, so that threads
/// may share it.
typedef struct vj_schema vj_schema;

/// Writes the normalization form C (Unicode Standard Annex 15) of UTF-8 to `text`, which has room for `3 × length` bytes, and
/// returns its length. Called from any thread.
typedef size_t (*vj_normalize)(const char *bytes, size_t length, char *text);

/// Creates a schema. `normalize` is called for text that may not be in form C. Returns NULL when out of memory.
vj_schema *vj_schema_new(vj_normalize normalize);
/// Adds a text that stands for an outcome, 0 or 1; a text that was added before keeps its meaning. The spaces around one that
/// is no `word` of the outcome's owner are insignificant in CSV. Returns `false` when out of memory.
bool vj_schema_add_outcome(vj_schema *schema, const char *text, size_t length, uint8_t outcome, bool word);
/// Makes every other text of 1 to 1000 bytes stand for outcome 0.
void vj_schema_open_outcomes(vj_schema *schema);
/// Returns the outcome that a text stands for, from a CSV cell or not; -1 for none, and when out of memory.
int vj_schema_outcome(const vj_schema *schema, const char *text, size_t length, bool cell);
/// Adds a feature stored at `slot` of the array of its kind. Returns `false` when out of memory.
bool vj_schema_add(vj_schema *schema, const char *name, size_t length, vj_type type, uint32_t slot);
/// Sets the largest magnitude of a continuous value; without a call, every finite number is admitted.
void vj_schema_bound(vj_schema *schema, double largest);
/// Closes the list of categories of the last added feature and adds a name to it unless NULL. Returns `false` when out of
/// memory.
bool vj_schema_close(vj_schema *schema, const char *category, size_t length);
/// Returns the index of a feature in the order of addition, or UINT32_MAX. The name must be in form C.
uint32_t vj_schema_find(const vj_schema *schema, const char *name, size_t length);
/// Frees a schema. No rows may use it any more.
void vj_schema_free(vj_schema *schema);

// MARK: Rows

/// Rows being read: flat buffers, problems, and the keys so far. One thread uses it at a time.
typedef struct vj_rows vj_rows;

/// The contents of rows, row-major. Valid until the next call on the same rows.
typedef struct vj_rows_view {
  size_t count;
  size_t number_slots, category_slots;
  bool labelled;
  const double *numbers;         // count × number_slots, NaN = missing
  const char *names;             // bytes of all categories, end to end
  size_t names_length;
  const uint32_t *name_ends;     // count × category_slots; the top bit marks missing
  const uint8_t *outcomes;       // count, or empty for rows without labels
  const char *keys;              // bytes of all keys, end to end
  size_t keys_length;
  const uint32_t *key_ends;      // count, or NULL if no row has a key; the top bit marks missing
  const char *references;        // bytes of all references, end to end
  size_t references_length;
  const uint32_t *reference_ends;  // count, or NULL if no row has a reference; the top bit marks missing
  const char *groups;            // bytes of all groups, end to end
  size_t groups_length;
  const uint32_t *group_ends;    // count, or NULL if no row has a group; the top bit marks missing
  const int64_t *times;          // count, or NULL; microseconds since 1970, INT64_MIN = not given
  const double *weights;         // count, or NULL; NaN = not given
  const uint8_t *splits;         // count, or NULL; 0 = not given, 1 = train, 2 = validation
  const vj_problem *problems;    // the first 100
  size_t problems_kept;
  uint64_t problems_total;
  const char *problem_text;
  uint64_t rows_refused;         // rows with problems
  bool envelope_refused;         // whether a problem concerns the whole body
} vj_rows_view;

/// Creates an empty set of rows; the schema must outlive it. Returns NULL when out of memory.
vj_rows *vj_rows_new(const vj_schema *schema, bool labelled);
/// Asks for memory before rows take it: `bytes` is what they hold in all. Returns how many bytes they may hold from now on;
/// fewer than `bytes` ends the reading.
typedef size_t (*vj_grant)(void *context, size_t bytes);
/// Limits rows while they are read; without a call, nothing is limited.
///
/// The rows are full when they hold `full` bytes, keys of earlier rows not counted. `grant` is called with `context` when they
/// come to hold more than `granted` bytes, keys of earlier rows included. More than `most` rows end the reading.
void vj_rows_limit(vj_rows *rows, size_t most, size_t full, size_t granted, vj_grant grant, void *context);
/// Returns whether the rows are full.
bool vj_rows_full(const vj_rows *rows);
/// Frees rows.
void vj_rows_free(vj_rows *rows);
/// Removes the rows but keeps the problems and the keys, so that a repeated key is found across batches.
void vj_rows_clear(vj_rows *rows);
/// Removes the problems but keeps the rows.
void vj_rows_forget_problems(vj_rows *rows);
/// Returns what has been read so far.
vj_rows_view vj_rows_get_view(const vj_rows *rows);

/// Writes the one text of a category: its normalization form C, with `true` for `True` and `TRUE`, `false` for `False` and
/// `FALSE`, and the digits of an integer without a following `.0`. `text` has room for `3 × length` bytes. Returns the length.
size_t vj_category_text(vj_normalize normalize, const char *bytes, size_t length, char *text);

/// Returns whether bytes are UTF-8 (RFC 3629).
bool vj_is_utf8(const uint8_t *bytes, size_t length);

// MARK: Reading JSON

/// Reads `{"<envelope>":[row, …]}`.
vj_syntax vj_read_envelope(vj_rows *rows, const char *envelope, const uint8_t *bytes, size_t length);
/// Reads one row, `{"features":{…}}`.
vj_syntax vj_read_row(vj_rows *rows, const uint8_t *bytes, size_t length);
/// Reads whole lines of one row each until the rows are full. A line that is not JSON becomes a problem; blank lines are
/// skipped. `lines` receives the number of lines, `consumed` that of their bytes. Fails only for lack of memory and for size.
vj_syntax vj_read_lines(vj_rows *rows, const uint8_t *bytes, size_t length, uint64_t first_line, uint64_t *lines,
                        size_t *consumed);

// MARK: Reading cells of text

/// Sets a feature of the current row, by its index in the order of addition, from a CSV field. An empty field is a missing
/// value.
void vj_cell(vj_rows *rows, uint32_t feature, const uint8_t *bytes, size_t length);
/// Reads a cell of a file whose numbers have a decimal comma. A number with a point is an error, since it could be one of thousands.
void vj_cell_with_comma(vj_rows *rows, uint32_t feature, const uint8_t *bytes, size_t length);
/// Sets the outcome of the current row.
void vj_cell_label(vj_rows *rows, const uint8_t *bytes, size_t length);
/// Sets the key of the current row. An empty field is no key.
void vj_cell_key(vj_rows *rows, const uint8_t *bytes, size_t length);
/// Sets an attribute of the current row. An empty field gives none. With `comma`, a weight has a decimal comma.
void vj_cell_attribute(vj_rows *rows, vj_attribute attribute, const uint8_t *bytes, size_t length, bool comma);
/// Begins a row, identified by its line number.
void vj_begin_row(vj_rows *rows, uint64_t line);
/// Records a problem of the current row as a whole; `found` is what the code says it is.
void vj_row_problem(vj_rows *rows, vj_problem_code code, const uint8_t *found, size_t length);
/// Ends the current row and adds it unless it has a problem or `keep` is false. Fails for lack of memory or space.
vj_syntax_code vj_end_row(vj_rows *rows, bool keep);

// MARK: Any JSON

/// The kinds of a token of `vj_read_tokens`.
typedef enum VJ_ENUM vj_kind : uint8_t {
  VJ_NULL, VJ_TRUE, VJ_FALSE, VJ_NUMBER, VJ_STRING, VJ_NAME,
  VJ_OBJECT_BEGIN, VJ_OBJECT_END, VJ_ARRAY_BEGIN, VJ_ARRAY_END,
} vj_kind;

/// One token in document order. The range of a number is in the document; that of a string or member name is in the
/// tokens' text, unescaped.
typedef struct vj_token {
  vj_kind kind;
  uint32_t start, length;
} vj_token;

/// The tokens of a document.
typedef struct vj_tokens vj_tokens;

/// Reads a whole document of at most `most` tokens. The caller frees `*tokens` with `vj_tokens_free`; it is NULL unless the
/// code is OK.
vj_syntax vj_read_tokens(const uint8_t *bytes, size_t length, size_t most, vj_tokens **tokens);
/// Returns the tokens and the text of their strings, valid until freed.
const vj_token *vj_tokens_get(const vj_tokens *tokens, size_t *count, const char **text, size_t *text_length);
/// Frees tokens.
void vj_tokens_free(vj_tokens *tokens);

// MARK: Times

/// Reads a time (RFC 3339 `date-time`), or a date (`full-date`), which means its first moment in UTC, as microseconds since
/// 1970-01-01 00:00:00 UTC. Returns `false` for any other text.
bool vj_parse_time(const char *text, size_t length, int64_t *time);

// MARK: Numbers

/// Writes a finite number as the shortest JSON number that reads back as the same double, whole numbers without a
/// fraction. Returns the length, at most 32.
size_t vj_format_number(double number, char *text);
/// Reads a JSON number, correctly rounded. Returns `false` if the text is no number or beyond the range of a double.
bool vj_parse_number(const uint8_t *bytes, size_t length, double *number);

#ifdef __cplusplus
}
#endif
