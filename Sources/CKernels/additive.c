// The passes of an additive model over rows whose values are bins: one code a row and term, so that every design column is an
// indicator and every sum over the rows a histogram.
#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "dot.h"
#include "tile.h"

typedef double eight __attribute__((vector_size(64), aligned(8)));

CLONES void ck_bin_values(const double *values, size_t count, const double *edges, size_t edge_count, uint16_t missing,
                          uint16_t *codes) {
  // The search halves a length that depends on the number of edges alone, so that it has no unpredictable branch.
  for (size_t i = 0; i < count; i++) {
    const double value = values[i];
    const double *base = edges;
    size_t length = edge_count;
    while (length > 1) {
      const size_t half = length / 2;
      base += base[half - 1] <= value ? half : 0;
      length -= half;
    }
    const size_t bin = (size_t)(base - edges) + (length == 1 && *base <= value);
    codes[i] = value == value ? (uint16_t)bin : missing;
  }
}

void ck_map_codes(const int32_t *codes, size_t count, const uint16_t *map, uint16_t missing, uint16_t *out) {
  for (size_t i = 0; i < count; i++) out[i] = codes[i] >= 0 ? map[codes[i]] : missing;
}

CLONES void ck_pair_codes(const uint16_t *first, const uint16_t *first_map, const uint16_t *second,
                          const uint16_t *second_map, uint16_t width, uint16_t unknown, size_t count, uint16_t *out) {
  for (size_t i = 0; i < count; i++) {
    const uint16_t row = first_map[first[i]], column = second_map[second[i]];
    out[i] = row == UINT16_MAX || column == UINT16_MAX ? unknown : (uint16_t)(row * width + column);
  }
}

void ck_additive_add(const uint16_t *codes, const double *value, size_t begin, size_t end, double *margin) {
  for (size_t i = begin; i < end; i++) margin[i] += value[codes[i]];
}

// e^x for -708 ≤ x ≤ 0, as in body.h.
static inline __attribute__((always_inline)) double exponential(double x) {
  const double magic = 0x1.8p52;
  const double shifted = x * 0x1.71547652b82fep0 + magic, k = shifted - magic;
  double r = x - k * 0x1.62e42fefa3800p-1;
  r = r - k * 0x1.ef35793c76730p-45;
  double p = 1.0 / 6227020800.0;
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
  int64_t bits, exponent;
  memcpy(&bits, &p, sizeof bits);
  memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 52;
  memcpy(&p, &bits, sizeof p);
  return p;
}

CLONES double ck_additive_link(const double *margin, const uint8_t *outcome, const double *mass, size_t begin, size_t end,
                               double *residual, double *curvature) {
  double loss = 0;
  for (size_t tile = begin; tile < end; tile += TILE) {
    const size_t rows = end - tile < TILE ? end - tile : TILE;
    double small[TILE];
    for (size_t i = 0; i < rows; i++) {
      const double x = margin[tile + i], y = outcome[tile + i] ? 1.0 : 0.0, s = mass[tile + i];
      double low = x < 0 ? x : -x;
      low = low < -708.0 ? -708.0 : low;
      const double e = exponential(low), inverse = 1 / (1 + e);
      const double p = x < 0 ? e * inverse : inverse;
      small[i] = e;
      residual[tile + i] = s * (p - y);
      curvature[tile + i] = s * e * inverse * inverse;
    }
    for (size_t i = 0; i < rows; i++) {
      const double s = mass[tile + i];
      if (s == 0) continue;
      const double x = margin[tile + i], m = outcome[tile + i] ? x : -x;
      loss += s * (log1p(small[i]) + (m < 0 ? -m : 0));
    }
  }
  return loss;
}

void ck_term_sums(const uint16_t *codes, const double *residual, const double *curvature, size_t begin, size_t end,
                  double *gradient, double *diagonal) {
  for (size_t i = begin; i < end; i++) {
    gradient[codes[i]] += residual[i];
    diagonal[codes[i]] += curvature[i];
  }
}

void ck_term_masses(const uint16_t *codes, const double *mass, size_t begin, size_t end, double *masses) {
  for (size_t i = begin; i < end; i++) masses[codes[i]] += mass[i];
}

void ck_term_cross(const uint16_t *rows, const uint16_t *columns, size_t width, const double *curvature, size_t begin,
                   size_t end, double *block) {
  for (size_t i = begin; i < end; i++) block[(size_t)rows[i] * width + columns[i]] += curvature[i];
}

// Sixteen right-hand sides and four rows of the factor at once, so that each element that is loaded is used several times.
CLONES void ck_inverse_rows(const double *factor, size_t order, size_t stride, size_t begin, size_t end, double *scratch,
                            double *rows) {
  enum { WIDTH = CK_INVERSE_WIDTH };
  for (size_t k = begin; k < order; k += 4) {
    const size_t height = order - k < 4 ? order - k : 4;
    double sum[4][WIDTH] = {{0}};
    for (size_t r = 0; r < height; r++)
      if (k + r >= begin && k + r < end) sum[r][k + r - begin] = 1;
    const double *l[4];
    for (size_t r = 0; r < 4; r++) l[r] = factor + (k + (r < height ? r : 0)) * stride;
    for (size_t j = begin; j < k; j++) {
      const double *x = scratch + WIDTH * j;
      for (int r = 0; r < 4; r++)
        for (int c = 0; c < WIDTH; c++) sum[r][c] -= l[r][j] * x[c];
    }
    for (size_t r = 0; r < height; r++) {
      for (size_t s = 0; s < r; s++)
        for (int c = 0; c < WIDTH; c++) sum[r][c] -= l[r][k + s] * scratch[WIDTH * (k + s) + c];
      const double inverse = l[r][k + r] > 0 ? 1 / l[r][k + r] : 0;
      for (int c = 0; c < WIDTH; c++) scratch[WIDTH * (k + r) + c] = sum[r][c] * inverse;
    }
  }
  for (size_t c = begin; c < end; c++) {
    double *out = rows + c * stride;
    for (size_t k = 0; k < begin; k++) out[k] = 0;
    for (size_t k = begin; k < order; k++) out[k] = scratch[WIDTH * k + (c - begin)];
  }
}

CLONES double ck_dot(const double *a, const double *b, size_t count) { return dot(a, b, count); }

// The dot products of four rows with four others.
static inline __attribute__((always_inline)) void subtract_block(double *const *rows, const double *const *others,
                                                                 size_t count, size_t column) {
  eight s[4][4];
  memset(s, 0, sizeof s);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    eight left[4];
    for (int a = 0; a < 4; a++) left[a] = *(const eight *)(rows[a] + i);
    for (int b = 0; b < 4; b++) {
      const eight right = *(const eight *)(others[b] + i);
      for (int a = 0; a < 4; a++) s[a][b] += left[a] * right;
    }
  }
  for (int a = 0; a < 4; a++)
    for (int b = 0; b < 4; b++) {
      double rest = 0;
      for (size_t k = i; k < count; k++) rest += rows[a][k] * others[b][k];
      const eight t = s[a][b];
      rows[a][column + b] -= ((t[0] + t[4]) + (t[1] + t[5])) + ((t[2] + t[6]) + (t[3] + t[7])) + rest;
    }
}

CLONES void ck_cholesky_rows(double *matrix, size_t stride, size_t begin, size_t end, const uint8_t *skip, size_t from,
                             size_t to) {
  size_t i = from;
  for (; i + 4 <= to; i += 4) {
    double *rows[4] = {matrix + i * stride, matrix + (i + 1) * stride, matrix + (i + 2) * stride, matrix + (i + 3) * stride};
    size_t j = begin;
    for (; j + 4 <= end; j += 4) {
      const double *others[4] = {matrix + j * stride, matrix + (j + 1) * stride, matrix + (j + 2) * stride,
                                 matrix + (j + 3) * stride};
      subtract_block(rows, others, begin, j);
    }
    for (; j < end; j++)
      for (int a = 0; a < 4; a++) rows[a][j] -= ck_dot(rows[a], matrix + j * stride, begin);
  }
  for (; i < to; i++)
    for (size_t j = begin; j < end; j++) matrix[i * stride + j] -= ck_dot(matrix + i * stride, matrix + j * stride, begin);
  for (i = from; i < to; i++) {
    double *row = matrix + i * stride;
    for (size_t j = begin; j < end; j++) {
      const double *other = matrix + j * stride;
      row[j] = skip[j] ? 0 : (row[j] - ck_dot(row + begin, other + begin, j - begin)) / other[j];
    }
  }
}

void ck_sort_order(uint64_t *keys, uint32_t *order, size_t count, uint64_t *other_keys, uint32_t *other_order) {
  enum { BITS = 11, DIGITS = 6, VALUES = 1 << BITS };
  for (int digit = 0; digit < DIGITS; digit++) {
    size_t places[VALUES] = {0};
    const int shift = digit * BITS;
    for (size_t i = 0; i < count; i++) places[keys[i] >> shift & (VALUES - 1)]++;
    size_t sum = 0;
    for (int v = 0; v < VALUES; v++) {
      const size_t here = places[v];
      places[v] = sum;
      sum += here;
    }
    for (size_t i = 0; i < count; i++) {
      const size_t place = places[keys[i] >> shift & (VALUES - 1)]++;
      other_keys[place] = keys[i];
      other_order[place] = order[i];
    }
    uint64_t *k = keys;
    keys = other_keys;
    other_keys = k;
    uint32_t *o = order;
    order = other_order;
    other_order = o;
  }
}
