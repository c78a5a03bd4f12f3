// Least significant digit radix sort, a byte at a time; bytes that are the same everywhere are passed over.
#include <string.h>

#include "CKernels.h"

void ck_sort(uint64_t *keys, uint64_t *scratch, size_t count) {
  size_t counts[8][256];
  memset(counts, 0, sizeof counts);
  for (size_t i = 0; i < count; i++)
    for (int digit = 0; digit < 8; digit++) counts[digit][(keys[i] >> (8 * digit)) & 255]++;
  uint64_t *from = keys, *to = scratch;
  for (int digit = 0; digit < 8; digit++) {
    size_t *bucket = counts[digit], start = 0;
    int trivial = 0;
    for (int b = 0; b < 256; b++) {
      const size_t size = bucket[b];
      if (size == count) trivial = 1;
      bucket[b] = start;
      start += size;
    }
    if (trivial) continue;
    for (size_t i = 0; i < count; i++) to[bucket[(from[i] >> (8 * digit)) & 255]++] = from[i];
    uint64_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != keys) memcpy(keys, from, count * sizeof *keys);
}
