// A hash table of byte strings, seeded so that clients cannot choose names that collide.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace verdict {

/// A multiply-and-fold hash in the manner of wyhash, with one random seed per process.
inline uint64_t hash(std::string_view name) {
  static const uint64_t seed = [] {
    std::random_device device;
    return uint64_t(device()) << 32 | device();
  }();
  auto fold = [](uint64_t a, uint64_t b) {
    auto product = static_cast<unsigned __int128>(a) * b;
    return uint64_t(product) ^ uint64_t(product >> 64);
  };
  uint64_t state = seed ^ (name.size() * 0x9e3779b97f4a7c15u);
  const char *p = name.data();
  size_t left = name.size();
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    state = fold(state ^ word, 0xa0761d6478bd642fu ^ seed);
  }
  uint64_t word = 0;
  memcpy(&word, p, left);
  return fold(state ^ word, 0xe7037ed1a0b428dbu ^ (seed << 1));
}

/// A set of byte strings that numbers its members 0, 1, 2 … in the order of insertion.
class NameTable {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  size_t size() const { return ends.size(); }

  /// The bytes that the set holds.
  size_t memory() const { return bytes.size() + ends.size() * sizeof(uint64_t) + slots.size() * sizeof(Slot); }

  std::string_view operator[](uint32_t index) const {
    uint64_t start = index == 0 ? 0 : ends[index - 1];
    return std::string_view(bytes).substr(start, ends[index] - start);
  }

  uint32_t find(std::string_view name) const {
    if (slots.empty()) return none;
    uint64_t code = hash(name);
    for (size_t at = code & mask();; at = (at + 1) & mask()) {
      if (slots[at].index == none) return none;
      if (slots[at].tag == uint32_t(code >> 32) && (*this)[slots[at].index] == name) return slots[at].index;
    }
  }

  /// Returns `false` if the set has the name already.
  bool insert(std::string_view name) {
    if (find(name) != none) return false;
    bytes.append(name);
    ends.push_back(bytes.size());
    if (ends.size() * 2 > slots.size()) return rehash(), true;
    fill_slot(uint32_t(ends.size() - 1));
    return true;
  }

 private:
  struct Slot {
    uint32_t tag = 0, index = none;
  };
  std::string bytes;
  std::vector<uint64_t> ends;
  std::vector<Slot> slots;

  size_t mask() const { return slots.size() - 1; }

  void fill_slot(uint32_t index) {
    uint64_t code = hash((*this)[index]);
    size_t at = code & mask();
    while (slots[at].index != none) at = (at + 1) & mask();
    slots[at] = {uint32_t(code >> 32), index};
  }

  void rehash() {
    slots.assign(slots.empty() ? 16 : slots.size() * 2, Slot());
    for (uint32_t index = 0; index < ends.size(); ++index) fill_slot(index);
  }
};

}  // namespace verdict
