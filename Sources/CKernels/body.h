// The passes over the design matrix, compiled once for each instruction set. The including file defines LANES (doubles in a
// vector), COLUMNS (width of a register block) and NAME(x) (the name of x for this set).
//
// A pass processes the rows in tiles that fit the first-level caches. A tile stores its dense columns one after the other, so
// that one vector holds the same column of LANES rows. The sums of each tile are added to the totals in row order, so that the
// result depends on the bounds of the call only.

#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "tile.h"

typedef double vec __attribute__((vector_size(8 * LANES)));
typedef double loose __attribute__((vector_size(8 * LANES), aligned(8)));
typedef long long ivec __attribute__((vector_size(8 * LANES)));

#define INLINE static inline __attribute__((always_inline))

INLINE vec NAME(splat)(double value) { return value - (vec){0}; }

INLINE vec NAME(choose)(ivec mask, vec yes, vec no) { return (vec)((mask & (ivec)yes) | (~mask & (ivec)no)); }

INLINE double NAME(total)(vec value) {
  double sum = 0;
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) value[lane] += value[lane + half];
  sum = value[0];
  return sum;
}

// e^x for -708 ≤ x ≤ 0: x = k·ln 2 + r, |r| ≤ ln 2 / 2, e^r by its Taylor polynomial of degree 13 (remainder below
// 5e-18), 2^k by adding k to the exponent. ln 2 is split in two parts so that r is exact.
INLINE vec NAME(exponential)(vec x) {
  const double magic = 0x1.8p52;
  vec shifted = x * 0x1.71547652b82fep0 + magic;
  vec k = shifted - magic;
  vec r = x - k * 0x1.62e42fefa3800p-1;
  r = r - k * 0x1.ef35793c76730p-45;
  vec p = NAME(splat)(1.0 / 6227020800.0);
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return (vec)((ivec)p + ((ivec)shifted << 52));
}

// Fills a tile with the dense columns of `rows` rows from `row` on, standardised, with missing values at the mean. `padded` is
// rows rounded up to LANES; padding is 0 except in the intercept. Prefetches the tile `ahead` rows further, because each column
// moves to the next page too soon for the hardware prefetcher.
INLINE void NAME(fill)(const ck_design *design, size_t row, size_t rows, size_t padded, size_t ahead,
                       double *tile) {
  const size_t span = TILE_ROWS(design->dense_count);
  for (size_t i = 0; i < padded; i++) tile[i] = 1;
  for (size_t f = 0; f < design->numeric_count; f++) {
    const double *values = design->numeric[f] + row;
    const double mean = design->mean[f], inverse = design->inverse_scale[f];
    double *column = tile + (1 + f) * span;
    double *missing = design->indicator[f] < 0 ? NULL : tile + (size_t)design->indicator[f] * span;
    size_t i = 0;
    for (; i + LANES <= rows; i += LANES) {
      if (i % 8 == 0) __builtin_prefetch(values + i + ahead);
      vec value = *(const loose *)(values + i);
      ivec present = value == value;
      *(loose *)(column + i) = (vec)(present & (ivec)((value - mean) * inverse));
      if (missing) *(loose *)(missing + i) = (vec)(~present & (ivec)NAME(splat)(1));
    }
    for (; i < rows; i++) {
      const int present = values[i] == values[i];
      column[i] = present ? (values[i] - mean) * inverse : 0;
      if (missing) missing[i] = present ? 0 : 1;
    }
    for (; i < padded; i++) {
      column[i] = 0;
      if (missing) missing[i] = 0;
    }
  }
}

// The linear predictor of each row of the tile: dense columns · coefficients + the coefficients of the levels.
INLINE void NAME(linear)(const ck_design *design, size_t row, size_t rows, size_t padded, const double *beta,
                         const double *tile, double *eta) {
  const size_t span = TILE_ROWS(design->dense_count);
  for (size_t i = 0; i < padded; i += LANES) {
    vec even = NAME(splat)(beta[0]), odd = {0};
    size_t j = 1;
    for (; j + 1 < design->dense_count; j += 2) {
      even += *(const vec *)(tile + j * span + i) * beta[j];
      odd += *(const vec *)(tile + (j + 1) * span + i) * beta[j + 1];
    }
    if (j < design->dense_count) even += *(const vec *)(tile + j * span + i) * beta[j];
    *(vec *)(eta + i) = even + odd;
  }
  for (size_t f = 0; f < design->factor_count; f++) {
    const int32_t *codes = design->codes[f] + row;
    const double *level = beta + design->first_column[f];
    const double absent = beta[design->missing_column[f]];
    for (size_t i = 0; i < rows; i++) eta[i] += codes[i] >= 0 ? level[codes[i]] : absent;
  }
}

// sum[j] += Σ tile[j]·value over the tile, for the dense columns.
INLINE void NAME(project)(const ck_design *design, size_t padded, const double *tile, const double *value,
                          double *sum) {
  const size_t span = TILE_ROWS(design->dense_count);
  size_t j = 0;
  for (; j + 4 <= design->dense_count; j += 4) {
    const double *column = tile + j * span;
    vec a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t i = 0; i < padded; i += LANES) {
      vec v = *(const vec *)(value + i);
      a += *(const vec *)(column + i) * v;
      b += *(const vec *)(column + span + i) * v;
      c += *(const vec *)(column + 2 * span + i) * v;
      d += *(const vec *)(column + 3 * span + i) * v;
    }
    sum[j] += NAME(total)(a);
    sum[j + 1] += NAME(total)(b);
    sum[j + 2] += NAME(total)(c);
    sum[j + 3] += NAME(total)(d);
  }
  for (; j < design->dense_count; j++) {
    vec a = {0};
    for (size_t i = 0; i < padded; i += LANES) a += *(const vec *)(tile + j * span + i) * *(const vec *)(value + i);
    sum[j] += NAME(total)(a);
  }
}

// A block of 4 × COLUMNS elements of the Hessian: Σ left[a]·right[b] over the tile.
INLINE void NAME(block)(size_t padded, size_t span, const double *left, const double *right, double *out,
                        size_t stride, size_t height, size_t width) {
  vec sum[4][COLUMNS];
  memset(sum, 0, sizeof sum);
  for (size_t i = 0; i < padded; i += LANES) {
    vec l[4];
    for (int a = 0; a < 4; a++) l[a] = *(const vec *)(left + a * span + i);
    for (int b = 0; b < COLUMNS; b++) {
      vec r = *(const vec *)(right + b * span + i);
      for (int a = 0; a < 4; a++) sum[a][b] += l[a] * r;
    }
  }
  for (size_t a = 0; a < 4; a++)
    for (size_t b = 0; b < COLUMNS; b++)
      if (a < height && b < width) out[a * stride + b] += NAME(total)(sum[a][b]);
}

// Loss, residual and curvature of a tile with linear predictor `eta`. `sign` is ±1 by outcome, `mass` the row's weight, 0 for
// excluded rows. The sum of log(1 + e^−|m|) is computed as the logarithm of a product, separately for each outcome because its
// rows have a common weight. At most TILE factors of at most 2 cannot overflow.
INLINE double NAME(link)(const ck_design *design, size_t padded, const double *eta, const double *sign,
                         const double *mass, double *residual, double *curvature) {
  vec hinge = {0}, negative = NAME(splat)(1), positive = NAME(splat)(1);
  for (size_t i = 0; i < padded; i += LANES) {
    vec s = *(const vec *)(mass + i), y = *(const vec *)(sign + i);
    vec margin = y * *(const vec *)(eta + i);
    vec shrunk = NAME(choose)(margin < 0, margin, -margin);
    shrunk = NAME(choose)(shrunk < -708.0, NAME(splat)(-708.0), shrunk);
    vec e = NAME(exponential)(shrunk);
    vec one = e + 1.0, inverse = 1.0 / one, small = e * inverse;
    vec wrong = NAME(choose)(margin < 0, inverse, small);
    *(vec *)(residual + i) = -(y * s * wrong);
    *(vec *)(curvature + i) = s * small * inverse;
    hinge += s * NAME(choose)(margin < 0, -margin, (vec){0});
    ivec counts = s > 0;
    negative *= NAME(choose)(counts & (y < 0), one, NAME(splat)(1));
    positive *= NAME(choose)(counts & (y > 0), one, NAME(splat)(1));
  }
  double product[2] = {1, 1};
  for (int lane = 0; lane < LANES; lane++) {
    product[0] *= negative[lane];
    product[1] *= positive[lane];
  }
  return NAME(total)(hinge) + design->weight[0] * log(product[0]) + design->weight[1] * log(product[1]);
}

// The same for rows with weights of their own, whose logarithms have no common factor.
INLINE double NAME(link_weighted)(size_t padded, const double *eta, const double *sign, const double *mass,
                                  double *residual, double *curvature) {
  double loss = 0, parts[TILE] __attribute__((aligned(64)));
  for (size_t i = 0; i < padded; i += LANES) {
    vec s = *(const vec *)(mass + i), y = *(const vec *)(sign + i);
    vec margin = y * *(const vec *)(eta + i);
    vec shrunk = NAME(choose)(margin < 0, margin, -margin);
    shrunk = NAME(choose)(shrunk < -708.0, NAME(splat)(-708.0), shrunk);
    vec e = NAME(exponential)(shrunk);
    vec one = e + 1.0, inverse = 1.0 / one, small = e * inverse;
    vec wrong = NAME(choose)(margin < 0, inverse, small);
    *(vec *)(residual + i) = -(y * s * wrong);
    *(vec *)(curvature + i) = s * small * inverse;
    *(vec *)(parts + i) = e;
  }
  for (size_t i = 0; i < padded; i++) {
    if (mass[i] == 0) continue;
    const double margin = sign[i] * eta[i];
    loss += mass[i] * (log1p(parts[i]) + (margin < 0 ? -margin : 0));
  }
  return loss;
}

// Adds the one-hot columns' part of gradient and Hessian.
INLINE void NAME(scatter)(const ck_design *design, size_t row, size_t rows, const double *tile,
                          const double *residual, const double *curvature, double *gradient, double *hessian,
                          size_t stride, double *transposed) {
  const size_t factors = design->factor_count, dense = design->dense_count, span = TILE_ROWS(dense);
  for (size_t f = 0; f < factors; f++) {
    const int32_t *codes = design->codes[f] + row;
    for (size_t i = 0; i < rows; i++)
      gradient[codes[i] >= 0 ? design->first_column[f] + codes[i] : design->missing_column[f]] += residual[i];
  }
  if (!hessian) return;
  const size_t width = (dense + LANES - 1) / LANES * LANES;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < dense; j++) transposed[i * width + j] = curvature[i] * tile[j * span + i];
  for (size_t i = 0; i < rows; i++) {
    const double w = curvature[i];
    if (w == 0) continue;
    const double *values = transposed + i * width;
    int32_t columns[factors];
    for (size_t f = 0; f < factors; f++) {
      const int32_t code = design->codes[f][row + i];
      const int32_t column = code >= 0 ? design->first_column[f] + code : design->missing_column[f];
      double *out = hessian + (size_t)column * stride;
      for (size_t j = 0; j < width; j += LANES)
        *(loose *)(out + j) = *(const loose *)(out + j) + *(const loose *)(values + j);
      for (size_t g = 0; g < f; g++) out[columns[g]] += w;
      columns[f] = column;
    }
  }
}

// Sign and weight of each row.
INLINE void NAME(weigh)(const ck_design *design, size_t row, size_t rows, size_t padded, double *sign, double *mass) {
  const uint8_t *outcome = design->outcome + row;
  const double weight[2] = {design->weight[0], design->weight[1]};
  for (size_t i = 0; i < rows; i++) {
    sign[i] = outcome[i] ? 1.0 : -1.0;
    mass[i] = outcome[i] ? weight[1] : weight[0];
  }
  if (design->row_weight)
    for (size_t i = 0; i < rows; i++) mass[i] *= design->row_weight[row + i];
  if (design->fold) {
    const uint8_t *fold = design->fold + row;
    for (size_t i = 0; i < rows; i++) mass[i] = fold[i] == design->excluded ? 0.0 : mass[i];
  }
  for (size_t i = rows; i < padded; i++) {
    sign[i] = 1;
    mass[i] = 0;
  }
}

void NAME(evaluate)(const ck_design *design, size_t begin, size_t end, const double *beta, double *loss,
                    double *gradient, double *hessian, size_t stride, double *keep, double *scratch) {
  double *eta = scratch, *sign = eta + TILE, *mass = sign + TILE, *residual = mass + TILE;
  double *curvature = residual + TILE, *tile = curvature + TILE;
  const size_t dense = design->dense_count, height = TILE_ROWS(dense), room = PADDED(dense) * height;
  double *weighted = tile + room, *transposed = weighted + room;
  // Clears the columns that pad the last register block, and the ends of the transposed rows.
  memset(tile + dense * height, 0, (room - dense * height) * sizeof *tile);
  memset(weighted + dense * height, 0, (room - dense * height) * sizeof *tile);
  if (hessian && design->factor_count) memset(transposed, 0, room * sizeof *tile);
  for (size_t row = begin; row < end; row += height * design->every) {
    const size_t rows = end - row < height ? end - row : height;
    const size_t padded = (rows + LANES - 1) / LANES * LANES;
    NAME(weigh)(design, row, rows, padded, sign, mass);
    NAME(fill)(design, row, rows, padded, height * design->every, tile);
    NAME(linear)(design, row, rows, padded, beta, tile, eta);
    *loss += design->row_weight ? NAME(link_weighted)(padded, eta, sign, mass, residual, curvature)
                                : NAME(link)(design, padded, eta, sign, mass, residual, curvature);
    NAME(project)(design, padded, tile, residual, gradient);
    if (hessian) {
      for (size_t j = 0; j < dense; j++)
        for (size_t i = 0; i < padded; i += LANES)
          *(vec *)(weighted + j * height + i) = *(vec *)(tile + j * height + i) * *(vec *)(curvature + i);
      for (size_t j = 0; j < dense; j += 4)
        for (size_t k = 0; k < j + 4 && k < dense; k += COLUMNS)
          NAME(block)(padded, height, weighted + j * height, tile + k * height, hessian + j * stride + k, stride,
                      dense - j, dense - k);
    }
    if (design->factor_count)
      NAME(scatter)(design, row, rows, tile, residual, curvature, gradient, hessian, stride, transposed);
    if (keep) memcpy(keep + row, curvature, rows * sizeof *keep);
  }
}

void NAME(product)(const ck_design *design, size_t begin, size_t end, const double *direction,
                   const double *curvature, double *product, double *scratch) {
  double *eta = scratch, *tile = eta + 5 * TILE;
  const size_t height = TILE_ROWS(design->dense_count);
  for (size_t row = begin; row < end; row += height * design->every) {
    const size_t rows = end - row < height ? end - row : height;
    const size_t padded = (rows + LANES - 1) / LANES * LANES;
    NAME(fill)(design, row, rows, padded, height * design->every, tile);
    NAME(linear)(design, row, rows, padded, direction, tile, eta);
    for (size_t i = 0; i < rows; i++) eta[i] *= curvature[row + i];
    for (size_t i = rows; i < padded; i++) eta[i] = 0;
    NAME(project)(design, padded, tile, eta, product);
    for (size_t f = 0; f < design->factor_count; f++) {
      const int32_t *codes = design->codes[f] + row;
      for (size_t i = 0; i < rows; i++)
        product[codes[i] >= 0 ? design->first_column[f] + codes[i] : design->missing_column[f]] += eta[i];
    }
  }
}

void NAME(predict)(const ck_design *design, size_t begin, size_t end, const double *beta, int32_t only,
                   double *probability, double *scratch) {
  double *eta = scratch, *tile = eta + 5 * TILE;
  const size_t height = TILE_ROWS(design->dense_count);
  for (size_t row = begin; row < end; row += height * design->every) {
    const size_t rows = end - row < height ? end - row : height;
    const size_t padded = (rows + LANES - 1) / LANES * LANES;
    NAME(fill)(design, row, rows, padded, height * design->every, tile);
    NAME(linear)(design, row, rows, padded, beta, tile, eta);
    for (size_t i = 0; i < padded; i += LANES) {
      vec x = *(const vec *)(eta + i);
      vec shrunk = NAME(choose)(x < 0, x, -x);
      shrunk = NAME(choose)(shrunk < -708.0, NAME(splat)(-708.0), shrunk);
      vec e = NAME(exponential)(shrunk);
      *(vec *)(eta + i) = NAME(choose)(x < 0, e, NAME(splat)(1)) / (e + 1.0);
    }
    for (size_t i = 0; i < rows; i++)
      if (only < 0 || design->fold[row + i] == only) probability[row + i] = eta[i];
  }
}

// Two passes over a chunk that fits the cache: first the mean, then the squared deviations, which is exact for numbers with a
// large offset. Chunks are merged as by Chan, Golub and LeVeque (1979).
void NAME(moments)(const double *values, const uint8_t *fold, int32_t which, size_t begin, size_t end,
                   ck_moments *out) {
  double wanted[TILE] __attribute__((aligned(64)));
  for (size_t row = begin; row < end; row += TILE) {
    const size_t rows = end - row < TILE ? end - row : TILE;
    vec count = {0}, missing = {0}, sum = {0}, low = NAME(splat)(INFINITY), high = NAME(splat)(-INFINITY);
    double buffer[TILE] __attribute__((aligned(64)));
    size_t padded = (rows + LANES - 1) / LANES * LANES;
    memcpy(buffer, values + row, rows * sizeof *buffer);
    for (size_t i = 0; i < rows; i++) wanted[i] = !fold || fold[row + i] == which ? 1.0 : 0.0;
    for (size_t i = rows; i < padded; i++) buffer[i] = wanted[i] = 0;
    for (size_t i = 0; i < padded; i += LANES) {
      vec x = *(vec *)(buffer + i);
      ivec chosen = *(vec *)(wanted + i) > 0, present = (x == x) & chosen;
      count += NAME(choose)(present, NAME(splat)(1), (vec){0});
      missing += NAME(choose)((x != x) & chosen, NAME(splat)(1), (vec){0});
      sum += NAME(choose)(present, x, (vec){0});
      low = NAME(choose)(present & (x < low), x, low);
      high = NAME(choose)(present & (x > high), x, high);
    }
    const double n = NAME(total)(count);
    out->missing += NAME(total)(missing);
    if (n == 0) continue;
    double mean = NAME(total)(sum) / n;
    for (int lane = 0; lane < LANES; lane++) {
      if (low[lane] < out->minimum) out->minimum = low[lane];
      if (high[lane] > out->maximum) out->maximum = high[lane];
    }
    vec rest = {0}, squares = {0};
    for (size_t i = 0; i < padded; i += LANES) {
      vec x = *(vec *)(buffer + i);
      ivec present = (x == x) & (*(vec *)(wanted + i) > 0);
      vec d = NAME(choose)(present, x - mean, (vec){0});
      rest += d;
      squares += d * d;
    }
    const double drift = NAME(total)(rest) / n, m2 = NAME(total)(squares) - n * drift * drift;
    mean += drift;
    const double all = out->count + n, delta = mean - out->mean;
    out->squares += m2 + delta * delta * (out->count / all) * n;
    out->mean += delta * (n / all);
    out->count = all;
  }
}
