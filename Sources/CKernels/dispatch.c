// Dispatches the kernels to the instruction set that the caller names.
#include <math.h>

#include "CKernels.h"
#include "tile.h"

#define DECLARE(set)                                                                                              \
  void ck_##set##_evaluate(const ck_design *, size_t, size_t, const double *, double *, double *, double *,       \
                           size_t, double *, double *);                                                           \
  void ck_##set##_product(const ck_design *, size_t, size_t, const double *, const double *, double *, double *); \
  void ck_##set##_predict(const ck_design *, size_t, size_t, const double *, int32_t, double *, double *);        \
  void ck_##set##_moments(const double *, const uint8_t *, int32_t, size_t, size_t, ck_moments *);

DECLARE(baseline)
#if defined(__x86_64__)
DECLARE(avx2)
DECLARE(avx512)
#define DISPATCH(isa, function, ...)                                \
  switch (isa) {                                                    \
    case CK_AVX512: ck_avx512_##function(__VA_ARGS__); break;       \
    case CK_AVX2: ck_avx2_##function(__VA_ARGS__); break;           \
    default: ck_baseline_##function(__VA_ARGS__); break;            \
  }
#else
#define DISPATCH(isa, function, ...) ck_baseline_##function(__VA_ARGS__);
#endif

ck_isa ck_best_isa(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return CK_BASELINE;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return CK_AVX512;
  return CK_AVX2;
#else
  return CK_BASELINE;
#endif
}

size_t ck_tile_rows(size_t dense_count) { return TILE_ROWS(dense_count); }

size_t ck_scratch_size(const ck_design *design) {
  return 5 * TILE + 3 * PADDED(design->dense_count) * TILE_ROWS(design->dense_count);
}

void ck_evaluate(ck_isa isa, const ck_design *design, size_t begin, size_t end, const double *beta, double *loss,
                 double *gradient, double *hessian, size_t stride, double *curvature, double *scratch) {
  DISPATCH(isa, evaluate, design, begin, end, beta, loss, gradient, hessian, stride, curvature, scratch)
}

void ck_product(ck_isa isa, const ck_design *design, size_t begin, size_t end, const double *direction,
                const double *curvature, double *product, double *scratch) {
  DISPATCH(isa, product, design, begin, end, direction, curvature, product, scratch)
}

void ck_predict(ck_isa isa, const ck_design *design, size_t begin, size_t end, const double *beta, int32_t only,
                double *probability, double *scratch) {
  DISPATCH(isa, predict, design, begin, end, beta, only, probability, scratch)
}

void ck_column_moments(ck_isa isa, const double *values, const uint8_t *fold, size_t fold_count, size_t begin,
                       size_t end, ck_moments *moments) {
  for (size_t f = 0; f < fold_count; f++) {
    moments[f] = (ck_moments){0, 0, 0, 0, INFINITY, -INFINITY};
    DISPATCH(isa, moments, values, fold, (int32_t)f, begin, end, moments + f)
  }
}
