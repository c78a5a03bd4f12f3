/// The learner's inner loops: passes over a design matrix that is never written out, small dense linear algebra,
/// and a sort. Every function works on memory that its caller owns, allocates nothing unless it says so, keeps no
/// state, and may run on several threads at once on different outputs.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// The rows, the columns and how they become a design matrix. Column 0 is the intercept (all ones); columns
/// 1 … numeric_count the standardised numbers, then the indicators of their missing values (together
/// `dense_count` columns), then one block of one-hot columns for each factor.
typedef struct {
  size_t numeric_count;
  /// For each numeric feature `rows` values; NaN = missing.
  const double *const *numeric;
  /// For each numeric feature: subtracted from the value; then multiplied with it (0 takes a constant feature out).
  const double *mean;
  const double *inverse_scale;
  /// For each numeric feature the design column that is 1 where the value is missing, or -1.
  const int32_t *indicator;
  size_t dense_count;
  size_t factor_count;
  /// For each factor `rows` level codes; -1 = missing.
  const int32_t *const *codes;
  /// For each factor the design column of its level 0, and the column of its missing values.
  const int32_t *first_column;
  const int32_t *missing_column;
  /// All design columns, intercept included.
  size_t columns;
  /// For each row 0 or 1.
  const uint8_t *outcome;
  /// For each row the fold that it belongs to, or NULL; rows of the fold `excluded` weigh nothing.
  const uint8_t *fold;
  int32_t excluded;
  /// The weight of a row with outcome 0, and with outcome 1.
  double weight[2];
  /// 1 visits all tiles of rows, s every s-th.
  size_t every;
} ck_design;

/// Count, mean, sum of squared deviations, and range of the present values of one fold.
typedef struct {
  double count, missing, mean, squares, minimum, maximum;
} ck_moments;

/// The instruction sets that the kernels are compiled for, slowest first.
typedef enum { CK_BASELINE = 0, CK_AVX2 = 1, CK_AVX512 = 2 } ck_isa;

/// The best instruction set of this processor.
ck_isa ck_best_isa(void);

/// Tells the processor that this thread waits for another, and gives the turn to one that is ready.
void ck_pause(void);
void ck_yield(void);

/// Rows that the passes take at a time: bounds of calls that are to add up alike must be multiples of it.
size_t ck_tile_rows(size_t dense_count);

/// Doubles of scratch memory that `ck_evaluate` and `ck_product` need for one thread.
size_t ck_scratch_size(const ck_design *design);

/// Adds rows begin..<end to the loss Σ s·log(1 + e^−m), to its gradient (`columns` values) and, unless `hessian` is
/// NULL, to the lower triangle of its second derivative (`columns` rows, `stride` apart; stride ≥ columns rounded
/// up to 8). With `curvature` (one value a row, may be NULL) it keeps s·p·(1 − p) for `ck_product`.
void ck_evaluate(ck_isa isa, const ck_design *design, size_t begin, size_t end, const double *beta, double *loss,
                 double *gradient, double *hessian, size_t stride, double *curvature, double *scratch);

/// Adds rows begin..<end of Xᵀ·diag(curvature)·X·direction to `product` (`columns` values).
void ck_product(ck_isa isa, const ck_design *design, size_t begin, size_t end, const double *direction,
                const double *curvature, double *product, double *scratch);

/// Writes the probabilities of rows begin..<end to `probability`, at the row's own index. With `only` ≥ 0 it leaves
/// out the rows of other folds.
void ck_predict(ck_isa isa, const ck_design *design, size_t begin, size_t end, const double *beta, int32_t only,
                double *probability, double *scratch);

/// The moments of rows begin..<end of one numeric column, for each of `fold_count` folds (one if `fold` is NULL).
void ck_column_moments(ck_isa isa, const double *values, const uint8_t *fold, size_t fold_count, size_t begin,
                       size_t end, ck_moments *moments);

/// Whether all values are NaN or within ±limit.
int ck_all_within(const double *values, size_t count, double limit);
/// Whether all codes are within -1 ..< levels.
int ck_codes_within(const int32_t *codes, size_t count, int32_t levels);
/// Adds the number of rows of each level to counts[fold × (levels + 1) + code], missing values at code = levels.
void ck_count_levels(const int32_t *codes, const uint8_t *fold, size_t count, size_t levels, double *counts);

/// Factors the columns begin..<end of the lower triangle of a symmetric matrix in place as L·Lᵀ, given that the
/// columns before are done. A column whose pivot falls to `floor[j]` or below, or that `skip[j]` names, is taken out: `skip[j]`
/// becomes 1 and the column 0.
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
/// kept up. With `active` not NULL only coordinates that it marks are visited. Answers the largest √H·|change|.
double ck_descend(const double *hessian, size_t order, size_t stride, const double *beta, const double *l1,
                  const double *l2, const uint8_t *active, double *step, double *slope);

/// The design column of a number (`indicator` 0) or of its missing values (`indicator` 1): Σ w·z·u and Σ w·z².
void ck_column_sums(const double *values, double mean, double inverse_scale, int indicator, const double *weight,
                    const double *u, size_t count, double *along, double *square);
/// Adds `change` times such a column to u.
void ck_column_add(const double *values, double mean, double inverse_scale, int indicator, double change,
                   size_t count, double *u);
/// For each level Σ w·u and Σ w over its rows, added to `along` and `square`; missing values at index `levels`.
void ck_factor_sums(const int32_t *codes, size_t levels, const double *weight, const double *u, size_t count,
                    double *along, double *square);
/// Adds the change of its level to every element of u.
void ck_factor_add(const int32_t *codes, size_t levels, const double *change, size_t count, double *u);
/// Σ w·u².
double ck_weighted_square(const double *weight, const double *u, size_t count);

/// Copies the lower triangle to the upper.
void ck_mirror(double *matrix, size_t order, size_t stride);

/// Adds how often each byte value occurs at each of the eight digits (lowest byte first) of the keys to
/// `counts[256 × digit + value]`: the first step of a radix sort.
void ck_count_digits(const uint64_t *keys, size_t count, size_t *counts);
/// Turns the 256 counts of one digit into the places where its keys go. 0 if all `count` keys have the same digit, so that
/// there is nothing to sort by (the counts may be spoilt then).
int ck_begin_digit(size_t *counts, size_t count);
/// Moves keys to their places by one digit, in their order; may be called for one stretch of the keys after the other.
void ck_deal_digit(const uint64_t *keys, size_t count, int digit, size_t *places, uint64_t *out);

#endif
