// Passes over single columns of the design matrix, for coordinate descent if the Hessian is too large to be materialised.
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
