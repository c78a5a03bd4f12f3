// The dot product of the dense linear algebra.
#ifndef DOT_H
#define DOT_H

#include <stddef.h>

// Eight independent sums, which avoid latency stalls and fill a vector; the compiler keeps the written order.
static inline __attribute__((always_inline)) double dot(const double *a, const double *b, size_t count) {
  double s[8] = {0};
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int l = 0; l < 8; l++) s[l] += a[i + l] * b[i + l];
  double rest = 0;
  for (; i < count; i++) rest += a[i] * b[i];
  return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + rest;
}

#endif
