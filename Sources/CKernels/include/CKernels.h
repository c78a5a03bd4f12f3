/// The learner's inner loops: passes over a design matrix that is never materialised, small dense linear algebra, and a sort.
/// All functions work on the caller's memory, allocate nothing unless documented, keep no state, and can run on several threads
/// with different outputs.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// The data of a design matrix and its encoding. Column 0 is the intercept (all ones). Columns 1 … numeric_count are the
/// standardised numbers, followed by the indicators of their missing values (together `dense_count` columns), then by one block
/// of one-hot columns for each factor.
typedef struct {
  size_t numeric_count;
  /// `rows` values for each numeric feature; NaN = missing.
  const double *const *numeric;
  /// The mean and the inverse scale of each numeric feature; a scale of 0 takes a constant feature out.
  const double *mean;
  const double *inverse_scale;
  /// The design column of each numeric feature that is 1 where the value is missing, or -1.
  const int32_t *indicator;
  size_t dense_count;
  size_t factor_count;
  /// `rows` level codes for each factor; -1 = missing.
  const int32_t *const *codes;
  /// The design column of each factor's level 0, and that of its missing values.
  const int32_t *first_column;
  const int32_t *missing_column;
  /// The number of all design columns, intercept included.
  size_t columns;
  /// The outcome of each row, 0 or 1.
  const uint8_t *outcome;
  /// The fold of each row, or NULL; rows of the fold `excluded` have weight 0.
  const uint8_t *fold;
  int32_t excluded;
  /// The weight of a row with outcome 0, and with outcome 1.
  double weight[2];
  /// A weight of each row, which multiplies that of its outcome, or NULL.
  const double *row_weight;
  /// 1 processes all tiles of rows, s every s-th one.
  size_t every;
} ck_design;

/// Count, mean, sum of squared deviations, and range of the present values of one fold. With weights, `count` is the weight of the
/// present values, and mean and squared deviations are weighted; `missing` stays a number of rows.
typedef struct {
  double count, missing, mean, squares, minimum, maximum;
} ck_moments;

/// The instruction sets that the kernels are compiled for, slowest first.
typedef enum { CK_BASELINE = 0, CK_AVX2 = 1, CK_AVX512 = 2 } ck_isa;

/// The best instruction set of this processor.
ck_isa ck_best_isa(void);

/// Hints for a spinning thread: pauses the processor briefly; yields to another ready thread.
void ck_pause(void);
void ck_yield(void);

/// The number of rows in a tile; bounds of calls whose sums must agree exactly are multiples of it.
size_t ck_tile_rows(size_t dense_count);

/// The number of doubles of scratch memory that `ck_evaluate` and `ck_product` need per thread.
size_t ck_scratch_size(const ck_design *design);

/// Adds rows begin..<end to the loss Σ s·log(1 + e^−m), to its gradient (`columns` values) and, unless `hessian` is NULL, to
/// the lower triangle of its Hessian (`columns` rows, `stride` apart; stride ≥ columns rounded up to 8). If `curvature` (one
/// value per row) is not NULL, stores s·p·(1 − p) in it for `ck_product`.
void ck_evaluate(ck_isa isa, const ck_design *design, size_t begin, size_t end, const double *beta, double *loss,
                 double *gradient, double *hessian, size_t stride, double *curvature, double *scratch);

/// Adds rows begin..<end of Xᵀ·diag(curvature)·X·direction to `product` (`columns` values).
void ck_product(ck_isa isa, const ck_design *design, size_t begin, size_t end, const double *direction,
                const double *curvature, double *product, double *scratch);

/// Writes the probabilities of rows begin..<end to `probability`, at each row's own index. With `only` ≥ 0, rows of other folds
/// are left out.
void ck_predict(ck_isa isa, const ck_design *design, size_t begin, size_t end, const double *beta, int32_t only,
                double *probability, double *scratch);

/// Computes the moments of rows begin..<end of one numeric column for each of `fold_count` folds (one if `fold` is NULL).
void ck_column_moments(ck_isa isa, const double *values, const uint8_t *fold, size_t fold_count, size_t begin,
                       size_t end, ck_moments *moments);

/// The same with a weight for each row.
void ck_weighted_moments(const double *values, const double *weight, const uint8_t *fold, size_t fold_count,
                         size_t begin, size_t end, ck_moments *moments);

/// Whether all values are NaN or within ±limit.
int ck_all_within(const double *values, size_t count, double limit);
/// Whether all codes are within -1 ..< levels.
int ck_codes_within(const int32_t *codes, size_t count, int32_t levels);
/// Adds the number of rows of each level to counts[fold × (levels + 1) + code], missing values at code = levels.
void ck_count_levels(const int32_t *codes, const uint8_t *fold, size_t count, size_t levels, double *counts);
/// The same with the total weight of the rows instead of their number.
void ck_weigh_levels(const int32_t *codes, const double *weight, const uint8_t *fold, size_t count, size_t levels,
                     double *weights);

/// Factors the columns begin..<end of the lower triangle of a symmetric matrix in place as L·Lᵀ, given that earlier columns are
/// factored. A column whose pivot is at most `floor[j]`, or with `skip[j]` set, is skipped: `skip[j]` becomes 1 and the column 0.
void ck_cholesky(double *matrix, size_t order, size_t stride, size_t begin, size_t end, const double *floor,
                 uint8_t *skip);
/// Solves L·Lᵀ·x = b in place; x is 0 in skipped columns.
void ck_cholesky_solve(const double *matrix, size_t order, size_t stride, const uint8_t *skip, double *vector);
/// Solves L·x = b in place from row `begin` on; x is 0 in skipped columns.
void ck_forward_solve(const double *matrix, size_t order, size_t stride, const uint8_t *skip, size_t begin,
                      double *vector);
/// Adds `count` values to `sum`.
void ck_add(double *sum, const double *values, size_t count);

/// One sweep of coordinate descent over `order` coordinates of the quadratic model
/// gᵀd + ½dᵀHd + Σ l1[j]·|b[j] + d[j]| + ½ Σ l2[j]·(b[j] + d[j])², H symmetric and full. `slope` holds g + H·d and is
/// updated. If `active` is not NULL, only coordinates marked in it are visited. Returns the largest √H·|change|.
double ck_descend(const double *hessian, size_t order, size_t stride, const double *beta, const double *l1,
                  const double *l2, const uint8_t *active, double *step, double *slope);

/// Computes Σ w·z·u and Σ w·z² for the design column z of a number (`indicator` 0) or of its missing values (`indicator` 1).
void ck_column_sums(const double *values, double mean, double inverse_scale, int indicator, const double *weight,
                    const double *u, size_t count, double *along, double *square);
/// Adds `change` times such a design column to u.
void ck_column_add(const double *values, double mean, double inverse_scale, int indicator, double change,
                   size_t count, double *u);
/// Adds Σ w·u and Σ w over the rows of each level to `along` and `square`; missing values have the index `levels`.
void ck_factor_sums(const int32_t *codes, size_t levels, const double *weight, const double *u, size_t count,
                    double *along, double *square);
/// Adds the change of each row's level to u.
void ck_factor_add(const int32_t *codes, size_t levels, const double *change, size_t count, double *u);
/// Σ w·u².
double ck_weighted_square(const double *weight, const double *u, size_t count);

/// Copies the lower triangle to the upper.
void ck_mirror(double *matrix, size_t order, size_t stride);

/// Adds the number of occurrences of each byte value at each of the eight digits (lowest byte first) of the keys to
/// `counts[256 × digit + value]`: the first step of a radix sort.
void ck_count_digits(const uint64_t *keys, size_t count, size_t *counts);
/// Converts the 256 counts of one digit to the start offsets of its keys. Returns 0 if all `count` keys share the digit, so that
/// the step can be skipped (the counts are then undefined).
int ck_begin_digit(size_t *counts, size_t count);
/// Moves keys to their offsets by one digit, stably; can be called for consecutive ranges of the keys.
void ck_deal_digit(const uint64_t *keys, size_t count, int digit, size_t *places, uint64_t *out);
/// The same, with a number that moves along with each key.
void ck_deal_digit_with_order(const uint64_t *keys, const int32_t *order, size_t count, int digit, size_t *places,
                              uint64_t *out, int32_t *out_order);

/// Mixes a value of each row into the row's hash (`hash[i]` for the i-th value, 0 at first). Equal numbers have equal hashes: -0
/// is 0, and all NaN are one.
void ck_hash_numbers(const double *values, size_t count, uint64_t *hash);
void ck_hash_codes(const int32_t *codes, size_t count, uint64_t *hash);
/// The same for the values of listed rows.
void ck_hash_listed_numbers(const double *values, const uint32_t *rows, size_t count, uint64_t *hash);
void ck_hash_listed_codes(const int32_t *codes, const uint32_t *rows, size_t count, uint64_t *hash);
/// Writes the mixed upper halves of the hashes to `out`.
void ck_finish_hashes(const uint64_t *hash, size_t count, uint32_t *out);

/// Counts the rows of each place, 0, 1 or more: `bits[2 × w]` has a bit for each place that a row has, `bits[2 × w + 1]` for each
/// that several have. A row's place is its hash, shifted right by `shift` and masked by `mask`.
void ck_mark_hashes(const uint32_t *hash, size_t count, int shift, uint32_t mask, uint64_t *bits);
/// The same for listed rows.
void ck_mark_listed(const uint32_t *hash, const uint32_t *rows, size_t count, int shift, uint32_t mask, uint64_t *bits);
/// Lists the rows of begin..<end whose places several rows have, and returns their number.
size_t ck_list_shared(const uint32_t *hash, size_t begin, size_t end, int shift, uint32_t mask, const uint64_t *bits,
                      uint32_t *rows);
/// Keeps such rows of a list, and returns their number.
size_t ck_keep_shared(const uint32_t *hash, uint32_t *rows, size_t count, int shift, uint32_t mask,
                      const uint64_t *bits);

/// The bin of each value: the number of ascending edges that are not above it; `missing` for NaN.
void ck_bin_values(const double *values, size_t count, const double *edges, size_t edge_count, uint16_t missing,
                   uint16_t *codes);
/// The bin of each level code by a map; `missing` for -1.
void ck_map_codes(const int32_t *codes, size_t count, const uint16_t *map, uint16_t missing, uint16_t *out);
/// The cell of each row in a table: first_map[first] · width + second_map[second], or `unknown` where a map gives UINT16_MAX.
void ck_pair_codes(const uint16_t *first, const uint16_t *first_map, const uint16_t *second, const uint16_t *second_map,
                   uint16_t width, uint16_t unknown, size_t count, uint16_t *out);
/// Adds the value of its bin to the margin of each of the rows begin..<end.
void ck_additive_add(const uint16_t *codes, const double *value, size_t begin, size_t end, double *margin);
/// Writes the residual s·(p − y) and the curvature s·p·(1 − p) of rows begin..<end, and returns their loss Σ s·log(1 + e^−m).
double ck_additive_link(const double *margin, const uint8_t *outcome, const double *mass, size_t begin, size_t end,
                        double *residual, double *curvature);
/// Adds the residuals and curvatures of rows begin..<end to the sums of their bins.
void ck_term_sums(const uint16_t *codes, const double *residual, const double *curvature, size_t begin, size_t end,
                  double *gradient, double *diagonal);
/// Adds the masses of rows begin..<end to the sums of their bins.
void ck_term_masses(const uint16_t *codes, const double *mass, size_t begin, size_t end, double *masses);
/// Adds the curvatures of rows begin..<end to the cells of two terms, `width` cells for each bin of the first one.
void ck_term_cross(const uint16_t *rows, const uint16_t *columns, size_t width, const double *curvature, size_t begin,
                   size_t end, double *block);
/// The most rows that one call of `ck_inverse_rows` writes.
#define CK_INVERSE_WIDTH 16
/// Writes the rows begin..<end of L⁻ᵀ, the transposed inverse of a lower triangle, `stride` apart. `scratch` has CK_INVERSE_WIDTH · order
/// elements. A diagonal element of 0 stands for a column that is left out.
void ck_inverse_rows(const double *factor, size_t order, size_t stride, size_t begin, size_t end, double *scratch,
                     double *rows);
/// Factors the rows from..<to in the columns begin..<end of a lower triangle whose rows before `end` are factored, as `ck_cholesky` does.
/// Calls for different rows can run at the same time.
void ck_cholesky_rows(double *matrix, size_t stride, size_t begin, size_t end, const uint8_t *skip, size_t from, size_t to);
/// The dot product of two vectors.
double ck_dot(const double *a, const double *b, size_t count);
/// Sorts keys ascending, and a number that moves along with each key, stably. The other arrays, of the same size, are overwritten.
void ck_sort_order(uint64_t *keys, uint32_t *order, size_t count, uint64_t *other_keys, uint32_t *other_order);

#endif
