// Hashes of rows, and sets of them as bits, to find rows with equal values among many.
#include <math.h>
#include <string.h>

#include "CKernels.h"

static inline uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }

// One step of MurmurHash3 (Appleby 2011).
static inline uint64_t mix(uint64_t hash, uint64_t value) {
  value *= 0x87c37b91114253d5u;
  value = rotate(value, 31) * 0x4cf5ad432745937fu;
  return rotate(hash ^ value, 27) * 5 + 0x52dce729u;
}

// A number as an integer that is the same for equal numbers: adding 0 makes -0 positive.
static inline uint64_t bits(double value) {
  const double plain = value == value ? value + 0.0 : NAN;
  uint64_t result;
  memcpy(&result, &plain, sizeof result);
  return result;
}

void ck_hash_numbers(const double *values, size_t count, uint64_t *hash) {
  for (size_t i = 0; i < count; i++) hash[i] = mix(hash[i], bits(values[i]));
}

void ck_hash_codes(const int32_t *codes, size_t count, uint64_t *hash) {
  for (size_t i = 0; i < count; i++) hash[i] = mix(hash[i], (uint64_t)(int64_t)codes[i]);
}

void ck_hash_listed_numbers(const double *values, const uint32_t *rows, size_t count, uint64_t *hash) {
  for (size_t i = 0; i < count; i++) hash[i] = mix(hash[i], bits(values[rows[i]]));
}

void ck_hash_listed_codes(const int32_t *codes, const uint32_t *rows, size_t count, uint64_t *hash) {
  for (size_t i = 0; i < count; i++) hash[i] = mix(hash[i], (uint64_t)(int64_t)codes[rows[i]]);
}

void ck_finish_hashes(const uint64_t *hash, size_t count, uint32_t *out) {
  for (size_t i = 0; i < count; i++) {
    uint64_t h = hash[i];
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    out[i] = (uint32_t)(h >> 32);
  }
}

// Both bits of a place are in one line of the cache.
static inline void mark(uint32_t place, uint64_t *bits) {
  uint64_t *const word = bits + 2 * (size_t)(place >> 6);
  const uint64_t bit = (uint64_t)1 << (place & 63);
  word[1] |= word[0] & bit;
  word[0] |= bit;
}

static inline size_t is_shared(uint32_t place, const uint64_t *bits) {
  return bits[2 * (size_t)(place >> 6) + 1] >> (place & 63) & 1;
}

void ck_mark_hashes(const uint32_t *hash, size_t count, int shift, uint32_t mask, uint64_t *bits) {
  for (size_t i = 0; i < count; i++) mark(hash[i] >> shift & mask, bits);
}

void ck_mark_listed(const uint32_t *hash, const uint32_t *rows, size_t count, int shift, uint32_t mask, uint64_t *bits) {
  for (size_t i = 0; i < count; i++) mark(hash[rows[i]] >> shift & mask, bits);
}

// The lists are written without branches, which could not be predicted.
size_t ck_list_shared(const uint32_t *hash, size_t begin, size_t end, int shift, uint32_t mask, const uint64_t *bits,
                      uint32_t *rows) {
  size_t count = 0;
  for (size_t row = begin; row < end; row++) {
    rows[count] = (uint32_t)row;
    count += is_shared(hash[row] >> shift & mask, bits);
  }
  return count;
}

size_t ck_keep_shared(const uint32_t *hash, uint32_t *rows, size_t count, int shift, uint32_t mask,
                      const uint64_t *bits) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    const uint32_t row = rows[i];
    rows[kept] = row;
    kept += is_shared(hash[row] >> shift & mask, bits);
  }
  return kept;
}
