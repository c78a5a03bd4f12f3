// Least-significant-digit radix sort by bytes, in steps between which a caller can stop.
#include <string.h>

#include "CKernels.h"

void ck_count_digits(const uint64_t *keys, size_t count, size_t *counts) {
  for (size_t i = 0; i < count; i++)
    for (int digit = 0; digit < 8; digit++) counts[256 * digit + ((keys[i] >> (8 * digit)) & 255)]++;
}

int ck_begin_digit(size_t *counts, size_t count) {
  size_t start = 0;
  for (int b = 0; b < 256; b++) {
    const size_t size = counts[b];
    if (size == count) return 0;
    counts[b] = start;
    start += size;
  }
  return 1;
}

void ck_deal_digit(const uint64_t *keys, size_t count, int digit, size_t *places, uint64_t *out) {
  for (size_t i = 0; i < count; i++) out[places[(keys[i] >> (8 * digit)) & 255]++] = keys[i];
}

void ck_deal_digit_with_order(const uint64_t *keys, const int32_t *order, size_t count, int digit, size_t *places,
                              uint64_t *out, int32_t *out_order) {
  for (size_t i = 0; i < count; i++) {
    const size_t place = places[(keys[i] >> (8 * digit)) & 255]++;
    out[place] = keys[i];
    out_order[place] = order[i];
  }
}
