// The kernels for x86-64 with AVX-512 F, DQ and VL (x86-64-v4), chosen at run time.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512dq,avx512vl"))), apply_to = function)
#define LANES 8
#define COLUMNS 4
#define NAME(x) ck_avx512_##x
#include "body.h"
#pragma clang attribute pop
#endif
