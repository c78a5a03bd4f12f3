// The shape of a tile, common to all instruction sets.
#ifndef TILE_H
#define TILE_H

// The most rows of a tile.
#define TILE 256
// Dense columns rounded up to whole register blocks (and to a whole vector).
#define PADDED(dense) (((dense) + 7) / 8 * 8)
// Rows of a tile, and elements between two of its columns: fewer of them the more columns there are, so that a tile stays in the cache.
#define TILE_ROWS(dense) ((dense) <= 64 ? TILE : (dense) <= 256 ? 128 : 64)

#endif
