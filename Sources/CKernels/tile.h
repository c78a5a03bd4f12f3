// The shape of a tile, common to all instruction sets.
#ifndef TILE_H
#define TILE_H

// Rows between two columns of a tile.
#define TILE 256
// Dense columns rounded up to whole register blocks (and to a whole vector).
#define PADDED(dense) (((dense) + 7) / 8 * 8)
// Rows worked on at a time: fewer of them the more columns there are, so that a tile stays in the cache.
#define TILE_ROWS(dense) ((dense) <= 64 ? TILE : (dense) <= 256 ? 128 : 64)

#endif
