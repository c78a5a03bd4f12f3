// Passes over single columns of the design matrix, for coordinate descent if the Hessian is too large to be materialised.
#include <math.h>

#include "CKernels.h"

static inline double element(double value, double mean, double inverse_scale, int indicator) {
  const int present = value == value;
  if (indicator) return present ? 0 : 1;
  return present ? (value - mean) * inverse_scale : 0;
}

void ck_column_sums(const double *values, double mean, double inverse_scale, int indicator, const double *weight,
                    const double *u, size_t count, double *along, double *square) {
  double a[4] = {0}, s[4] = {0};
  for (size_t i = 0; i < count; i++) {
    const double z = element(values[i], mean, inverse_scale, indicator), wz = weight[i] * z;
    a[i & 3] += wz * u[i];
    s[i & 3] += wz * z;
  }
  *along = (a[0] + a[1]) + (a[2] + a[3]);
  *square = (s[0] + s[1]) + (s[2] + s[3]);
}

void ck_column_add(const double *values, double mean, double inverse_scale, int indicator, double change,
                   size_t count, double *u) {
  for (size_t i = 0; i < count; i++) u[i] += change * element(values[i], mean, inverse_scale, indicator);
}

void ck_factor_sums(const int32_t *codes, size_t levels, const double *weight, const double *u, size_t count,
                    double *along, double *square) {
  for (size_t i = 0; i < count; i++) {
    const size_t level = codes[i] < 0 ? levels : (size_t)codes[i];
    along[level] += weight[i] * u[i];
    square[level] += weight[i];
  }
}

void ck_factor_add(const int32_t *codes, size_t levels, const double *change, size_t count, double *u) {
  for (size_t i = 0; i < count; i++) u[i] += change[codes[i] < 0 ? levels : (size_t)codes[i]];
}

double ck_weighted_square(const double *weight, const double *u, size_t count) {
  double s[4] = {0};
  for (size_t i = 0; i < count; i++) s[i & 3] += weight[i] * u[i] * u[i];
  return (s[0] + s[1]) + (s[2] + s[3]);
}

// Chunks of a mean and its squared deviations, as for rows without weights (body.h).
void ck_weighted_moments(const double *values, const double *weight, const uint8_t *fold, size_t fold_count,
                         size_t begin, size_t end, ck_moments *moments) {
  enum { chunk = 256 };
  for (size_t f = 0; f < fold_count; f++) {
    ck_moments *out = moments + f;
    *out = (ck_moments){0, 0, 0, 0, INFINITY, -INFINITY};
    for (size_t row = begin; row < end; row += chunk) {
      const size_t last = end - row < chunk ? end : row + chunk;
      double mass = 0, sum = 0, rest = 0, squares = 0;
      for (size_t i = row; i < last; i++) {
        if (fold && fold[i] != f) continue;
        const double x = values[i];
        if (x != x) {
          out->missing++;
          continue;
        }
        mass += weight[i];
        sum += weight[i] * x;
        if (x < out->minimum) out->minimum = x;
        if (x > out->maximum) out->maximum = x;
      }
      if (mass == 0) continue;
      double mean = sum / mass;
      for (size_t i = row; i < last; i++) {
        if ((fold && fold[i] != f) || values[i] != values[i]) continue;
        const double d = values[i] - mean;
        rest += weight[i] * d;
        squares += weight[i] * d * d;
      }
      const double drift = rest / mass, m2 = squares - mass * drift * drift;
      mean += drift;
      const double all = out->count + mass, delta = mean - out->mean;
      out->squares += m2 + delta * delta * (out->count / all) * mass;
      out->mean += delta * (mass / all);
      out->count = all;
    }
  }
}
