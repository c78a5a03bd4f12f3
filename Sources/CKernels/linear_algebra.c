// Cholesky factorisation and triangular solves on row-major lower triangles, with columns that can be left out.
#include <math.h>
#include <string.h>

#include "CKernels.h"

// Four sums at a time, so that the additions do not wait for each other; clang keeps the order that is written.
static double dot(const double *a, const double *b, size_t count) {
  double s[8] = {0};
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int l = 0; l < 8; l++) s[l] += a[i + l] * b[i + l];
  double rest = 0;
  for (; i < count; i++) rest += a[i] * b[i];
  return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + rest;
}

void ck_cholesky(double *matrix, size_t order, size_t stride, size_t begin, size_t end, const double *floor,
                 uint8_t *skip) {
  for (size_t j = begin; j < end; j++) {
    double *row = matrix + j * stride;
    const double pivot = row[j] - dot(row, row, j);
    if (skip[j] || !(pivot > floor[j])) {
      skip[j] = 1;
      for (size_t i = j; i < order; i++) matrix[i * stride + j] = 0;
      continue;
    }
    row[j] = sqrt(pivot);
    const double inverse = 1 / row[j];
    for (size_t i = j + 1; i < order; i++) {
      double *other = matrix + i * stride;
      other[j] = (other[j] - dot(other, row, j)) * inverse;
    }
  }
}

void ck_forward_solve(const double *matrix, size_t order, size_t stride, const uint8_t *skip, size_t begin,
                      double *vector) {
  for (size_t i = begin; i < order; i++) {
    const double *row = matrix + i * stride;
    vector[i] = skip[i] ? 0 : (vector[i] - dot(row + begin, vector + begin, i - begin)) / row[i];
  }
}

void ck_cholesky_solve(const double *matrix, size_t order, size_t stride, const uint8_t *skip, double *vector) {
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
