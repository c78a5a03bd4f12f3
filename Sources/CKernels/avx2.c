// The kernels for x86-64 with AVX2 and FMA (x86-64-v3), chosen at run time.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 4
#define COLUMNS 2
#define NAME(x) ck_avx2_##x
#include "body.h"
#pragma clang attribute pop
#endif
