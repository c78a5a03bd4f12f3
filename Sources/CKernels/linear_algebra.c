// Cholesky factorisation and triangular solves on row-major lower triangles, with optional skipped columns.
#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "dot.h"
#include "tile.h"

// value[r] −= row · others[r] for four rows, `stride` elements apart.
static inline __attribute__((always_inline)) void subtract(const double *row, const double *others, size_t stride,
                                                           size_t count, double *value) {
  double s[4][8] = {{0}};
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int r = 0; r < 4; r++)
      for (int l = 0; l < 8; l++) s[r][l] += row[i + l] * others[r * stride + i + l];
  for (int r = 0; r < 4; r++) {
    double rest = 0;
    for (size_t k = i; k < count; k++) rest += row[k] * others[r * stride + k];
    const double *t = s[r];
    value[r] -= ((t[0] + t[4]) + (t[1] + t[5])) + ((t[2] + t[6]) + (t[3] + t[7])) + rest;
  }
}

CLONES void ck_cholesky(double *matrix, size_t order, size_t stride, size_t begin, size_t end, const double *floor,
                        uint8_t *skip) {
  // First subtracts the contributions of the columns before this panel, row by row, while the panel's rows stay in the cache;
  // then factors the panel.
  for (size_t i = begin; i < order; i++) {
    double *row = matrix + i * stride;
    const size_t last = i + 1 < end ? i + 1 : end;
    size_t j = begin;
    for (; j + 4 <= last; j += 4) subtract(row, matrix + j * stride, stride, begin, row + j);
    for (; j < last; j++) row[j] -= dot(row, matrix + j * stride, begin);
  }
  for (size_t j = begin; j < end; j++) {
    double *row = matrix + j * stride;
    const double pivot = row[j] - dot(row + begin, row + begin, j - begin);
    if (skip[j] || !(pivot > floor[j])) {
      skip[j] = 1;
      for (size_t i = j; i < order; i++) matrix[i * stride + j] = 0;
      continue;
    }
    row[j] = sqrt(pivot);
    const double inverse = 1 / row[j];
    for (size_t i = j + 1; i < order; i++) {
      double *other = matrix + i * stride;
      other[j] = (other[j] - dot(other + begin, row + begin, j - begin)) * inverse;
    }
  }
}

CLONES void ck_forward_solve(const double *matrix, size_t order, size_t stride, const uint8_t *skip, size_t begin,
                      double *vector) {
  for (size_t i = begin; i < order; i++) {
    const double *row = matrix + i * stride;
    vector[i] = skip[i] ? 0 : (vector[i] - dot(row + begin, vector + begin, i - begin)) / row[i];
  }
}

CLONES void ck_cholesky_solve(const double *matrix, size_t order, size_t stride, const uint8_t *skip, double *vector) {
  ck_forward_solve(matrix, order, stride, skip, 0, vector);
  for (size_t i = order; i-- > 0;) {
    if (skip[i]) {
      vector[i] = 0;
      continue;
    }
    const double *row = matrix + i * stride;
    vector[i] /= row[i];
    for (size_t j = 0; j < i; j++) vector[j] -= row[j] * vector[i];
  }
}

void ck_add(double *sum, const double *values, size_t count) {
  for (size_t i = 0; i < count; i++) sum[i] += values[i];
}

void ck_mirror(double *matrix, size_t order, size_t stride) {
  for (size_t i = 0; i < order; i++)
    for (size_t j = 0; j < i; j++) matrix[j * stride + i] = matrix[i * stride + j];
}
