// The shape of a tile, common to all instruction sets.
#ifndef TILE_H
#define TILE_H

// The most rows of a tile.
#define TILE 256
// Dense columns rounded up to whole register blocks (and to a whole vector).
#define PADDED(dense) (((dense) + 7) / 8 * 8)
// Rows of a tile, and elements between two of its columns: fewer of them the more columns there are, so that a tile stays in the cache.
#define TILE_ROWS(dense) ((dense) <= 64 ? TILE : (dense) <= 256 ? 128 : 64)

// Compiles a function for several instruction sets, of which the loader takes the best for the processor. Not for the
// thread sanitizer, whose runtime is not ready yet when the loader asks.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ONE_INSTRUCTION_SET
#endif
#endif
#if defined(__x86_64__) && defined(__ELF__) && !defined(ONE_INSTRUCTION_SET)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#endif
