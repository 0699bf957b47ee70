/* Matrix products in register tiles: the core of convolution and dense layers.
 *
 *     c[m][f] = start[m][f] + sum over (i, j, k) of a[m * a_row + i, j, k] * b[i, j, k + f]
 *
 * and then max(c, 0) if `relu`. The sum runs over up to three nested axes, each with a
 * step through `a` and one through `b`: the rows of a kernel, its columns, and the channels, or the
 * images, rows and columns of pixels. So no window is copied out of an image. A tile of some
 * rows and some vectors of columns stays in registers while the sum runs. Every element is summed
 * in the order of the axes, whatever its tile.
 */
#ifndef TINYNET_NATIVE_PRODUCT_H
#define TINYNET_NATIVE_PRODUCT_H

#include "vector.h"

struct sum_axis {
    ptrdiff_t count, a, b; /* length, and the steps from one term to the next, in elements */
};

struct product {
    const REAL *a, *b;
    const REAL *start; /* NULL for zeros */
    REAL *c;
    ptrdiff_t a_row, start_row, c_row; /* steps from one row to the next; start_row may be 0 */
    struct sum_axis outer, middle, inner;
    bool relu; /* whether c is rectified */
};

/* Most rows of a tile that is four, two, or one vector wide, so that sums fill the registers, of
 * which there are 32 or 16. */
#if WIDTH == 64 || defined(__aarch64__)
#define ROWS_OF_4(TILE) UP_TO_6(TILE)
#define ROWS_OF_2(TILE) UP_TO_14(TILE)
#define ROWS_OF_1(TILE) UP_TO_14(TILE)
enum { MOST_OF_4 = 6, MOST_OF_2 = 14, MOST_OF_1 = 14, MOST_ROWS = 14, MOST_OF_LONG = 8 };
#else
#define ROWS_OF_4(TILE) UP_TO_3(TILE)
#define ROWS_OF_2(TILE) UP_TO_6(TILE)
#define ROWS_OF_1(TILE) UP_TO_12(TILE)
enum { MOST_OF_4 = 3, MOST_OF_2 = 6, MOST_OF_1 = 12, MOST_ROWS = 12, MOST_OF_LONG = 6 };
#endif
#define UP_TO_3(TILE) TILE(1) TILE(2) TILE(3)
#define UP_TO_6(TILE) UP_TO_3(TILE) TILE(4) TILE(5) TILE(6)
#define UP_TO_12(TILE) UP_TO_6(TILE) TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#define UP_TO_14(TILE) UP_TO_12(TILE) TILE(13) TILE(14)

/* Add the terms of the innermost axis, which begin at `a` and `b`, to the sums of a tile.
 *
 * Three rows share a pointer, since the processor adds one or two steps between rows to it without
 * an instruction. A pointer for each row would take more registers than there are.
 * Memory answers late: what the next tile reads of `a` is fetched during this one if `fetch`. */
INLINE void add_inner_terms(const struct product *p, vec sum[][4], const REAL *a, const REAL *b,
                            const int rows, const int vectors, ptrdiff_t n, const bool whole,
                            const ptrdiff_t a_row, const ptrdiff_t inner_a, const bool fetch)
{
    const REAL *next = inner_a == 1 ? a + rows * a_row : a + 2 * rows - 1;
    const ptrdiff_t inner_b = p->inner.b, inner_next = inner_a == 1 ? rows : inner_a;
    const REAL *group[(MOST_ROWS + 2) / 3];
    vec factor[4];
    EACH (i, (rows + 2) / 3)
        group[i] = a + 3 * i * a_row;
    for (ptrdiff_t k = p->inner.count; k > 0; k--) {
        EACH (v, vectors)
            factor[v] = load_n(b + v * LANES, n, whole);
        EACH (r, rows)
            EACH (v, vectors)
                sum[r][v] = fused(splat(group[r / 3][r % 3 * a_row]), factor[v], sum[r][v]);
        EACH (i, (rows + 2) / 3)
            group[i] += inner_a;
        b += inner_b;
        if (fetch) {
            __builtin_prefetch(next);
            next += inner_next;
        }
    }
}

/* One tile: `rows` and `vectors` are constants, and so is a_row or inner_a, one of which is 1. Of
 * the last vector, only the first `n` lanes exist unless it is `whole`. */
INLINE void tile(const struct product *p, ptrdiff_t row, ptrdiff_t column, const int rows,
                 const int vectors, ptrdiff_t n, const bool whole, const ptrdiff_t a_row,
                 const ptrdiff_t inner_a)
{
    vec sum[MOST_ROWS][4];

    EACH (r, rows)
        EACH (v, vectors)
            sum[r][v] = (vec){0};
    if (p->start) {
        const REAL *start = p->start + row * p->start_row + column;
        EACH (r, rows)
            EACH (v, vectors)
                sum[r][v] = load_n(start + r * p->start_row + v * LANES, n, whole);
    }

    const REAL *outer_a = p->a + row * a_row, *outer_b = p->b + column;
    REAL *c = p->c + row * p->c_row + column;
    if (rows * vectors >= MOST_OF_2 && p->outer.count == 1 && p->middle.count == 1) {
        EACH (r, rows)
            EACH (v, vectors)
                __builtin_prefetch(c + r * p->c_row + v * LANES);
        add_inner_terms(p, sum, outer_a, outer_b, rows, vectors, n, whole, a_row, inner_a, true);
    } else {
        for (ptrdiff_t i = 0; i < p->outer.count; i++) {
            const REAL *a = outer_a, *b = outer_b;
            for (ptrdiff_t j = 0; j < p->middle.count; j++) {
                add_inner_terms(p, sum, a, b, rows, vectors, n, whole, a_row, inner_a, false);
                a += p->middle.a;
                b += p->middle.b;
            }
            outer_a += p->outer.a;
            outer_b += p->outer.b;
        }
    }

    EACH (r, rows)
        EACH (v, vectors)
            store_n(c + r * p->c_row + v * LANES, rectified(sum[r][v], p->relu), n, whole);
}

/* A tile of a fixed number of rows; its columns begin at `column`, and n are in its last vector. */
typedef void tile_function(const struct product *, ptrdiff_t row, ptrdiff_t column, ptrdiff_t n);

/* Tiles along rows of `a`, whose terms lie side by side, or across rows, which lie side by side. */
#define DEFINE(NAME, ROWS, VECTORS, WHOLE)                                                         \
    static void along_##NAME##_##ROWS(const struct product *p, ptrdiff_t row, ptrdiff_t column,    \
                                      ptrdiff_t n)                                                 \
    {                                                                                              \
        tile(p, row, column, ROWS, VECTORS, n, WHOLE, p->a_row, 1);                                \
    }                                                                                              \
    static void across_##NAME##_##ROWS(const struct product *p, ptrdiff_t row, ptrdiff_t column,   \
                                       ptrdiff_t n)                                                \
    {                                                                                              \
        tile(p, row, column, ROWS, VECTORS, n, WHOLE, 1, p->inner.a);                              \
    }
#define DEFINE_4(ROWS) DEFINE(four, ROWS, 4, true)
#define DEFINE_2(ROWS) DEFINE(two, ROWS, 2, true)
#define DEFINE_1(ROWS) DEFINE(one, ROWS, 1, true)
#define DEFINE_TAIL(ROWS) DEFINE(tail, ROWS, 1, false)
ROWS_OF_4(DEFINE_4)
ROWS_OF_2(DEFINE_2)
ROWS_OF_1(DEFINE_1)
ROWS_OF_1(DEFINE_TAIL)

/* Tiles of one width: entry `rows - 1` of `along` or `across` computes `rows` rows. */
struct tile_family {
    int vectors, most_rows;
    tile_function *along[MOST_ROWS];
    tile_function *across[MOST_ROWS];
};
#define ALONG_4(ROWS) along_four_##ROWS,
#define ALONG_2(ROWS) along_two_##ROWS,
#define ALONG_1(ROWS) along_one_##ROWS,
#define ALONG_TAIL(ROWS) along_tail_##ROWS,
#define ACROSS_4(ROWS) across_four_##ROWS,
#define ACROSS_2(ROWS) across_two_##ROWS,
#define ACROSS_1(ROWS) across_one_##ROWS,
#define ACROSS_TAIL(ROWS) across_tail_##ROWS,
static const struct tile_family
    four_wide = {4, MOST_OF_4, {ROWS_OF_4(ALONG_4)}, {ROWS_OF_4(ACROSS_4)}},
    two_wide = {2, MOST_OF_2, {ROWS_OF_2(ALONG_2)}, {ROWS_OF_2(ACROSS_2)}},
    one_wide = {1, MOST_OF_1, {ROWS_OF_1(ALONG_1)}, {ROWS_OF_1(ACROSS_1)}},
    tail_wide = {1, MOST_OF_1, {ROWS_OF_1(ALONG_TAIL)}, {ROWS_OF_1(ACROSS_TAIL)}};

/* Columns [first, first + count) of a product, computed with tiles of one family. */
struct strip {
    const struct tile_family *family;
    ptrdiff_t first, count;
};

/* The next strip of a product of so many rows and columns; the columns before `first` are done. */
static struct strip next_strip(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t first)
{
    ptrdiff_t left = columns - first;
    const struct tile_family *family = &tail_wide;
    if (rows <= MOST_OF_4 && left >= 4 * LANES)
        family = &four_wide;
    else if (left >= 2 * LANES)
        family = &two_wide;
    else if (left >= LANES)
        family = &one_wide;
    return (struct strip){family, first, least(left, family->vectors * LANES)};
}

/* The most rows of a tile. Rows along which the sum runs share a set of the first cache if they are
 * a multiple of 4 KiB apart: it has room for 8 lines, of which one is left for b. If a long sum
 * runs along more than MOST_OF_LONG rows, there are too few registers for their addresses; but
 * tiles of a few rows more than that are not divided. */
static ptrdiff_t most_rows(const struct product *p, ptrdiff_t rows,
                           const struct tile_family *family)
{
    enum { LONG = 128, SAME_SET = 4096, MOST_OF_SET = 7 };
    if (p->a_row == 1)
        return family->most_rows;
    if (p->a_row * (ptrdiff_t)sizeof(REAL) % SAME_SET == 0)
        return least(family->most_rows, MOST_OF_SET);
    bool is_long = p->inner.count >= LONG && rows >= 4 * MOST_OF_LONG;
    return family == &two_wide && is_long ? MOST_OF_LONG : family->most_rows;
}

/* Compute one strip in as few tiles as possible, whose numbers of rows differ by at most one. */
static void multiply_strip(const struct product *p, ptrdiff_t rows, const struct strip *s)
{
    ptrdiff_t most = most_rows(p, rows, s->family), tiles = (rows + most - 1) / most;
    ptrdiff_t in_last_vector = s->count - (s->family->vectors - 1) * LANES;
    tile_function *const *functions = p->a_row == 1 ? s->family->across : s->family->along;
    for (ptrdiff_t row = 0; tiles > 0; tiles--) {
        ptrdiff_t height = (rows - row + tiles - 1) / tiles;
        functions[height - 1](p, row, s->first, in_last_vector);
        row += height;
    }
}

static void multiply(const struct product *p, ptrdiff_t rows, ptrdiff_t columns)
{
    struct strip s;
    for (ptrdiff_t first = 0; first < columns; first += s.count) {
        s = next_strip(rows, columns, first);
        multiply_strip(p, rows, &s);
    }
}

#endif
