// Checks and counts over whole columns.
#include <math.h>

#include "CKernels.h"

int ck_all_within(const double *values, size_t count, double limit) {
  int beyond = 0;
  for (size_t i = 0; i < count; i++) beyond |= fabs(values[i]) > limit;
  return !beyond;
}

int ck_codes_within(const int32_t *codes, size_t count, int32_t levels) {
  int beyond = 0;
  for (size_t i = 0; i < count; i++) beyond |= (codes[i] < -1) | (codes[i] >= levels);
  return !beyond;
}

void ck_count_levels(const int32_t *codes, const uint8_t *fold, size_t count, size_t levels, double *counts) {
  for (size_t i = 0; i < count; i++) {
    const size_t code = codes[i] < 0 ? levels : (size_t)codes[i];
    counts[(fold ? fold[i] : 0) * (levels + 1) + code] += 1;
  }
}

void ck_weigh_levels(const int32_t *codes, const double *weight, const uint8_t *fold, size_t count, size_t levels,
                     double *weights) {
  for (size_t i = 0; i < count; i++) {
    const size_t level = codes[i] < 0 ? levels : (size_t)codes[i];
    weights[(fold ? fold[i] : 0) * (levels + 1) + level] += weight[i];
  }
}
