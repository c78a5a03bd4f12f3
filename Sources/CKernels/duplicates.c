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

static inline int is_meant(const uint8_t *fold, const uint8_t *left_out, int32_t only, size_t row) {
  return (only < 0 || fold[row] == only) && !(left_out && left_out[row]);
}

void ck_mark_hashes(const uint32_t *hash, const uint8_t *fold, const uint8_t *left_out, int32_t only, size_t begin,
                    size_t end, uint32_t mask, uint64_t *once, uint64_t *twice) {
  for (size_t row = begin; row < end; row++) {
    if (!is_meant(fold, left_out, only, row)) continue;
    const uint32_t place = hash[row] & mask;
    const uint64_t bit = (uint64_t)1 << (place & 63);
    if (twice) twice[place >> 6] |= once[place >> 6] & bit;
    once[place >> 6] |= bit;
  }
}

void ck_mark_listed(const uint32_t *hash, const uint32_t *rows, size_t count, uint32_t mask, uint64_t *bits) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t place = hash[rows[i]] & mask;
    bits[place >> 6] |= (uint64_t)1 << (place & 63);
  }
}

size_t ck_list_marked(const uint32_t *hash, const uint8_t *fold, const uint8_t *left_out, int32_t only, size_t begin,
                      size_t end, uint32_t mask, const uint64_t *bits, uint32_t *rows) {
  size_t count = 0;
  for (size_t row = begin; row < end; row++) {
    if (!is_meant(fold, left_out, only, row)) continue;
    const uint32_t place = hash[row] & mask;
    if (bits[place >> 6] >> (place & 63) & 1) rows[count++] = (uint32_t)row;
  }
  return count;
}
