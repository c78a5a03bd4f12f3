// The shape of a tile, common to all instruction sets.
#ifndef TILE_H
#define TILE_H

// The maximum number of rows in a tile.
#define TILE 256
// Dense columns rounded up to whole register blocks and whole vectors.
#define PADDED(dense) (((dense) + 7) / 8 * 8)
// The number of rows in a tile, and the column stride in it; smaller for more columns, so that a tile fits the cache.
#define TILE_ROWS(dense) ((dense) <= 64 ? TILE : (dense) <= 256 ? 128 : 64)

// Compiles a function for several instruction sets; the loader chooses the best one for the processor. Not with the thread
// sanitizer, whose runtime is not initialised when the loader chooses.
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
