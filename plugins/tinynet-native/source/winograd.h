/* Convolution in tiles of 4 outputs with kernels of 3 cells, or of 2 outputs with 5 cells, with 6
 * products for 12 or 10: F(4, 3) and F(2, 5) of Lavin and Gray, "Fast Algorithms for Convolutional
 * Neural Networks", 2016, after Winograd.
 *
 *     y = A^T [(G w) * (B^T x)],    dw = G^T [sum over tiles of (B^T x) * (A dy)]
 *
 * A tile reads POINTS pixels. A and G evaluate polynomials at 0, p, -p, q, -q and infinity; B^T has
 * the coefficients of the polynomials that are 0 at all points but one. Each element of a
 * transformed tile is a matrix product of its own: over the channels for y, and over the tiles for
 * dw. The gradient of the input is such a correlation, too. Kernels of 3 x 3 cells are transformed
 * along both axes; see square_tiles.h.
 */
#ifndef TINYNET_NATIVE_WINOGRAD_H
#define TINYNET_NATIVE_WINOGRAD_H

#include "columns.h"
#include "geometry.h"
#include "product.h"

enum {
    POINTS = 6,
    /* With fewer, the transforms take longer than they save: */
    FEWEST_CHANNELS = 16,
    FEWEST_CELLS = 512, /* of kernels along a row: channels of the input times of the output */
    MOST_SHARES = 4,
    OUTPUTS_IN_SHARE = 1024,
};

/* The points p and q, and their powers. With them outputs have half the rounding error that they
 * have with 1 and 2, and twice that of a sum. All factors but those of G are exact. */
#define P ((REAL)0.75)
#define Q ((REAL)1.5)
#define P2 (P * P)
#define Q2 (Q * Q)

/* A linear map of a tile's elements, of which the first `count` are not 0 before, or needed after
 * it. */
typedef void transform_function(vec[POINTS], const int count);

/* B^T */
INLINE void transform_pixels(vec d[POINTS], const int count)
{
    (void)count;
    const vec product = splat(P2 * Q2), minus_sum = splat(-P2 - Q2);
    vec even_p = fused(splat(-Q2), d[2], d[4]), odd_p = P * fused(splat(-Q2), d[1], d[3]);
    vec even_q = fused(splat(-P2), d[2], d[4]), odd_q = Q * fused(splat(-P2), d[1], d[3]);
    d[0] = fused(product, d[0], fused(minus_sum, d[2], d[4]));
    d[5] = fused(product, d[1], fused(minus_sum, d[3], d[5]));
    d[1] = even_p + odd_p, d[2] = even_p - odd_p, d[3] = even_q + odd_q, d[4] = even_q - odd_q;
}

/* A: evaluate polynomials of `count` <= 5 coefficients. */
INLINE void evaluate(vec v[POINTS], const int count)
{
    vec even_p = fused(splat(P2), count > 4 ? fused(splat(P2), v[4], v[2]) : v[2], v[0]);
    vec even_q = fused(splat(Q2), count > 4 ? fused(splat(Q2), v[4], v[2]) : v[2], v[0]);
    vec odd_p = P * (count > 3 ? fused(splat(P2), v[3], v[1]) : v[1]);
    vec odd_q = Q * (count > 3 ? fused(splat(Q2), v[3], v[1]) : v[1]);
    v[5] = v[count - 1];
    v[1] = even_p + odd_p, v[2] = even_p - odd_p, v[3] = even_q + odd_q, v[4] = even_q - odd_q;
}

/* A^T */
INLINE void collect(vec s[POINTS], const int count)
{
    vec sum_p = s[1] + s[2], difference_p = P * (s[1] - s[2]);
    vec sum_q = s[3] + s[4], difference_q = Q * (s[3] - s[4]), last = s[5];
    s[0] = s[0] + sum_p + sum_q;
    s[1] = difference_p + difference_q;
    s[2] = fused(splat(Q2), sum_q, P2 * sum_p);
    s[3] = fused(splat(Q2), difference_q, P2 * difference_p);
    s[4] = fused(splat(Q2 * Q2), sum_q, P2 * P2 * sum_p);
    s[count - 1] += last;
}

/* The products of the distances of each point from the others, which divide the rows of G. */
static const REAL point_factors[POINTS] = {
    1 / (P2 * Q2),
    1 / (2 * P2 * (P2 - Q2)),
    1 / (2 * P2 * (P2 - Q2)),
    1 / (2 * Q2 * (Q2 - P2)),
    1 / (2 * Q2 * (Q2 - P2)),
    1,
};

/* G and G^T */
INLINE void transform_cells(vec w[POINTS], const int count)
{
    evaluate(w, count);
    EACH (i, POINTS)
        w[i] *= point_factors[i];
}

INLINE void collect_cells(vec u[POINTS], const int count)
{
    EACH (i, POINTS)
        u[i] *= point_factors[i];
    collect(u, count);
}

#undef P
#undef Q
#undef P2
#undef Q2

/* Transform arrays of `size` elements: `count` of them, which lie at `from`, into POINTS, or, if
 * `back`, the other way. */
INLINE void transform_arrays(const REAL *const *from, ptrdiff_t size, const int count, bool back,
                             transform_function *along, REAL *const *to)
{
    for (ptrdiff_t at = 0; at < size; at += LANES) {
        ptrdiff_t n = least(LANES, size - at);
        vec v[POINTS];
        EACH (i, POINTS)
            v[i] = back || i < count ? load_up_to(from[i] + at, n) : (vec){0};
        along(v, count);
        EACH (i, POINTS)
            if (!back || i < count)
                store_up_to(to[i] + at, v[i], n);
    }
}

/* Sums over tiles, of which threads compute shares, each by itself. They follow from the shapes,
 * and a single thread computes them, too: the bits are the same. */
struct shares {
    ptrdiff_t rows, count; /* of tiles, and of shares */
    ptrdiff_t size;        /* elements of the sums of a share */
    REAL *sums;            /* NULL if memory runs out; the caller frees them */
    ptrdiff_t direct_size; /* elements of the weight */
    /* For each share, the gradient of the weight from tiles that are not transformed; NULL before
     * there is one. They lie behind all sums. */
    REAL *direct[MOST_SHARES];
};

static struct shares shares_of(ptrdiff_t rows, ptrdiff_t outputs_in_row, ptrdiff_t size,
                               ptrdiff_t direct_size)
{
    ptrdiff_t count = least(MOST_SHARES, rows * outputs_in_row / OUTPUTS_IN_SHARE);
    count = greatest(1, least(count, rows));
    REAL *sums = allocate(count * (size + direct_size));
    return (struct shares){rows, count, size, sums, direct_size, {NULL}};
}

/* Return the sums of tiles of share i that are not transformed, which are zeros at first. */
static REAL *direct_sums(struct shares *s, ptrdiff_t i)
{
    if (!s->direct[i]) {
        s->direct[i] = s->sums + s->count * s->size + i * s->direct_size;
        clear(s->direct[i], s->direct_size);
    }
    return s->direct[i];
}

/* Rows of tiles of share i. */
static struct range share_of(const struct shares *s, ptrdiff_t i)
{
    return (struct range){s->rows * i / s->count, s->rows * (i + 1) / s->count};
}

/* Add the sums of all shares to those of the first. */
static void add_shares(const struct shares *s)
{
    for (ptrdiff_t i = 1; i < s->count; i++)
        for (ptrdiff_t j = 0; j < s->size; j++)
            s->sums[j] += s->sums[i * s->size + j];
}

static void add_direct_sums(const struct shares *s, REAL *dweight)
{
    for (ptrdiff_t i = 0; i < s->count; i++)
        for (ptrdiff_t j = 0; s->direct[i] && j < s->direct_size; j++)
            dweight[j] += s->direct[i][j];
}

/* Leave a tile out of sums: set its places to 0. */
static void clear_tile(REAL *tile, int places, ptrdiff_t step, ptrdiff_t channels)
{
    for (int place = 0; place < places; place++)
        memset(tile + place * step, 0, (size_t)channels * sizeof(REAL));
}

/* Elements from one place of transformed tiles to the next: not a power of 2, for which all places
 * would have the same few lines of the cache. */
static ptrdiff_t place_step(ptrdiff_t tiles, ptrdiff_t channels)
{
    return tiles * channels + LANES;
}

/* sums[place] += pixels[place]' gradients[place], products over tiles; = for the first tiles. */
static void add_tile_products(const REAL *pixels, const REAL *gradients, ptrdiff_t tiles,
                              int places, ptrdiff_t in, ptrdiff_t out, bool first, REAL *sums)
{
    for (int place = 0; place < places; place++, sums += in * out) {
        struct product p = {
            .a = pixels + place * place_step(tiles, in),
            .b = gradients + place * place_step(tiles, out),
            .start = first ? NULL : sums,
            .c = sums,
            .a_row = 1,
            .start_row = out,
            .c_row = out,
            .outer = {1, 0, 0},
            .middle = {1, 0, 0},
            .inner = {tiles, in, out},
        };
        multiply(&p, in, out);
    }
}

/* sums[place] = pixels[place] weight[place], products over channels. */
static void multiply_tiles(const REAL *pixels, const REAL *weight, ptrdiff_t tiles, int places,
                           ptrdiff_t in, ptrdiff_t out, REAL *sums)
{
    for (int place = 0; place < places; place++) {
        struct product p = {
            .a = pixels + place * place_step(tiles, in),
            .b = weight + place * in * out,
            .c = sums + place * place_step(tiles, out),
            .a_row = in,
            .c_row = out,
            .outer = {1, 0, 0},
            .middle = {1, 0, 0},
            .inner = {in, 1, out},
        };
        multiply(&p, tiles, out);
    }
}

#endif
