/* Convolution along rows with kernels of 3 or 5 cells in tiles that read 6 pixels, with 6 products
 * for 12 or 10: F(4, 3) and F(2, 5) of Lavin and Gray; see winograd.h.
 *
 *     y = A^T[(G w) * (B^T x)],    dw = G^T[sum over tiles of (B^T x) * (A dy)]
 *
 * A and G evaluate polynomials at 0, 1, -1, 2, -2 and infinity. The pixels of a tile are as far
 * apart as the cells of the kernel, so dilated kernels have tiles, too. Each tile belongs to one
 * row, so a sample does not depend on its batch.
 */
#ifndef TINYNET_NATIVE_ROW_TILES_H
#define TINYNET_NATIVE_ROW_TILES_H

#include "winograd.h"

enum { POINTS = 6 /* elements of a transformed tile */ };

/* The tiles of rows. */
struct row_tiling {
    ptrdiff_t outputs; /* of a tile */
    ptrdiff_t reach;   /* from one pixel of a tile to the next, and from one output to the next */
    ptrdiff_t in_row;  /* number of tiles */
};

static struct row_tiling row_tiling_of(const struct side *right)
{
    ptrdiff_t outputs = POINTS + 1 - right->taps, reach = right->reach;
    ptrdiff_t longest = (right->outputs + reach - 1) / reach; /* of the rows of every reach-th */
    return (struct row_tiling){outputs, reach, reach * ((longest + outputs - 1) / outputs)};
}

/* The first output of a tile of a row. */
static ptrdiff_t first_output(const struct row_tiling *t, ptrdiff_t tile)
{
    return tile / t->reach * t->reach * t->outputs + tile % t->reach;
}

/* Return true if tiles of rows take at most three quarters of the products. */
static bool worth_row_tiling(ptrdiff_t groups, ptrdiff_t in, ptrdiff_t out, const struct side *down,
                             const struct side *right)
{
    bool alone = down->taps == 1 && down->step == 1 && down->first == 0 && down->spread == 1
                 && down->inputs == down->outputs;
    return alone && groups == 1 && in >= FEWEST_CHANNELS && out >= FEWEST_CHANNELS
           && in * out >= FEWEST_CELLS && (right->taps == 3 || right->taps == 5) && right->step == 1
           && right->spread == 1
           && 4 * POINTS * row_tiling_of(right).in_row <= 3 * right->taps * right->outputs;
}

/* B^T */
INLINE void transform_row(vec d[POINTS], const int all)
{
    (void)all;
    const vec two = splat(2), four = splat(4), minus_four = splat(-4), minus_five = splat(-5);
    vec even = fused(minus_four, d[2], d[4]), odd = fused(minus_four, d[1], d[3]);
    vec even_2 = d[4] - d[2], odd_2 = two * (d[3] - d[1]);
    d[0] = fused(four, d[0], fused(minus_five, d[2], d[4]));
    d[5] = fused(four, d[1], fused(minus_five, d[3], d[5]));
    d[1] = even + odd, d[2] = even - odd, d[3] = even_2 + odd_2, d[4] = even_2 - odd_2;
}

/* A or G without its factors: evaluate a polynomial of `count` <= 5 coefficients; others are 0. */
INLINE void evaluate(vec v[POINTS], const int count)
{
    vec even = v[0] + v[2] + v[4], odd = v[1] + v[3];
    vec even_2 = fused(splat(16), v[4], fused(splat(4), v[2], v[0]));
    vec odd_2 = fused(splat(8), v[3], splat(2) * v[1]);
    v[5] = v[count - 1];
    v[1] = even + odd, v[2] = even - odd, v[3] = even_2 + odd_2, v[4] = even_2 - odd_2;
}

/* The transpose of `evaluate`. */
INLINE void collect(vec s[POINTS], const int count)
{
    vec sum = s[1] + s[2], difference = s[1] - s[2];
    vec sum_2 = s[3] + s[4], difference_2 = s[3] - s[4], last = s[5];
    s[0] = s[0] + sum + sum_2;
    s[1] = fused(splat(2), difference_2, difference);
    s[2] = fused(splat(4), sum_2, sum);
    s[3] = fused(splat(8), difference_2, difference);
    s[4] = fused(splat(16), sum_2, sum);
    s[count - 1] += last;
}

/* The factors of G. */
static const REAL point_factors[POINTS] = {(REAL)1 / 4,  -(REAL)1 / 6, -(REAL)1 / 6,
                                           (REAL)1 / 24, (REAL)1 / 24, 1};

/* Transform a weight (taps, in, out) into (POINTS, in, out). */
static void transform_row_weight(const REAL *weight, int taps, ptrdiff_t size, REAL *transformed)
{
    for (ptrdiff_t at = 0; at < size; at += LANES) {
        ptrdiff_t n = least(LANES, size - at);
        vec cells[POINTS];
        EACH (i, POINTS)
            cells[i] = i < taps ? load_up_to(weight + i * size + at, n) : (vec){0};
        evaluate(cells, taps);
        EACH (i, POINTS)
            store_up_to(transformed + i * size + at, cells[i] * point_factors[i], n);
    }
}

/* Rows (rows, length, channels) that are read in tiles. */
struct tiled_rows {
    const REAL *pixels;
    ptrdiff_t length, channels;
    ptrdiff_t origin;    /* the pixel where the first tile begins, maybe before the row */
    const REAL *outside; /* a pixel of zeros */
};

typedef void row_function(vec[POINTS], const int count);

/* Transform `count` pixels of some tiles into (POINTS, tiles, channels). */
INLINE void transform_tiles(const struct row_tiling *t, const struct tiled_rows *rows,
                            struct range tiles, const int count, row_function *along, REAL *to)
{
    ptrdiff_t step = (tiles.end - tiles.first) * rows->channels;
    for (ptrdiff_t tile = tiles.first; tile < tiles.end; tile++, to += rows->channels) {
        const REAL *row = rows->pixels + tile / t->in_row * rows->length * rows->channels;
        ptrdiff_t pixel = first_output(t, tile % t->in_row) + rows->origin;
        const REAL *from[POINTS];
        for (int i = 0; i < count; i++, pixel += t->reach) {
            bool inside = pixel >= 0 && pixel < rows->length;
            from[i] = inside ? row + pixel * rows->channels : rows->outside;
        }
        for (ptrdiff_t at = 0; at < rows->channels; at += LANES) {
            ptrdiff_t n = least(LANES, rows->channels - at);
            vec v[POINTS];
            EACH (i, POINTS)
                v[i] = i < count ? load_up_to(from[i] + at, n) : (vec){0};
            along(v, count);
            EACH (i, POINTS)
                store_up_to(to + i * step + at, v[i], n);
        }
    }
}

/* Transform sums (POINTS, tiles, channels) into outputs. */
INLINE void transform_row_sums(const struct correlation *c, const struct row_tiling *t,
                               struct range tiles, const int count, const REAL *sums)
{
    ptrdiff_t channels = c->out_channels, step = (tiles.end - tiles.first) * channels;
    for (ptrdiff_t tile = tiles.first; tile < tiles.end; tile++, sums += channels) {
        ptrdiff_t output = first_output(t, tile % t->in_row);
        REAL *to = c->output + (tile / t->in_row * c->right.outputs + output) * channels;
        ptrdiff_t left = (c->right.outputs - output + t->reach - 1) / t->reach; /* outputs */
        for (ptrdiff_t at = 0; at < channels; at += LANES) {
            ptrdiff_t n = least(LANES, channels - at);
            vec s[POINTS], start = c->bias ? load_up_to(c->bias + at, n) : (vec){0};
            EACH (i, POINTS)
                s[i] = load_up_to(sums + i * step + at, n);
            collect(s, count);
            EACH (i, count)
                if (i < left)
                    store_up_to(to + i * t->reach * channels + at, rectified(s[i] + start, c->relu),
                                n);
        }
    }
}

/* In F(4, 3) the later pixels of a tile take part in every output, and cancel but for rounding. So
 * the outputs of a causal convolution, which depend on no later pixel, are not computed in it. */
static bool in_row_tiles(const struct correlation *c)
{
    const struct side *right = &c->right;
    bool is_causal = right->first + (right->taps - 1) * right->reach <= 0;
    return !(is_causal && right->taps == 3)
           && worth_row_tiling(c->groups, c->in_channels, c->out_channels, &c->down, &c->right);
}

/* Tiles to transform at a time, if the elements of a transformed tile are so many. */
static ptrdiff_t row_tiles_at_once(ptrdiff_t tiles, ptrdiff_t elements)
{
    return least(tiles, greatest(MOST_ROWS, CACHED / elements));
}

/* The rows of the grid are the tiles of all rows. */
static void correlate_row_tiles(const void *job, struct part part)
{
    const struct correlation *c = job;
    const struct row_tiling t = row_tiling_of(&c->right);
    ptrdiff_t in = c->in_channels, out = c->out_channels;
    ptrdiff_t most = row_tiles_at_once(part.rows.end - part.rows.first, POINTS * (in + out));
    REAL *pixels = allocate(POINTS * most * (in + out) + in);
    if (!pixels) {
        *c->enough = false;
        return;
    }
    REAL *sums = pixels + POINTS * most * in, *zeros = sums + POINTS * most * out;
    const struct tiled_rows rows = {c->input, c->right.inputs, in, c->right.first, zeros};
    memset(zeros, 0, (size_t)in * sizeof(REAL));
    for (ptrdiff_t first = part.rows.first; first < part.rows.end; first += most) {
        struct range tiles = {first, least(first + most, part.rows.end)};
        ptrdiff_t count = tiles.end - tiles.first;
        transform_tiles(&t, &rows, tiles, POINTS, transform_row, pixels);
        multiply_tiles(pixels, c->transformed, count, POINTS, in, out, sums);
        if (t.outputs == 4)
            transform_row_sums(c, &t, tiles, 4, sums);
        else
            transform_row_sums(c, &t, tiles, 2, sums);
    }
    free(pixels);
}

static struct grid row_tile_grid(const struct correlation *c)
{
    ptrdiff_t tiles = c->samples * c->down.outputs * row_tiling_of(&c->right).in_row;
    return (struct grid){
        .run = correlate_row_tiles,
        .job = c,
        .rows = tiles,
        .columns = 1,
        .row_step = MOST_ROWS,
        .work = tiles * POINTS * c->out_channels * (1 + c->in_channels / PRODUCTS_PER_ELEMENT),
    };
}

/* The gradient of a weight in tiles. */
struct row_tile_gradients {
    const struct conv2d *args;
    struct side right;
    struct shares shares; /* of the tiles; their sums are (POINTS, channels, filters) */
    atomic_bool *enough;  /* set to false if memory runs out */
};

/* The gradient of a weight, before its sums are computed. */
static struct row_tile_gradients row_tile_gradients_of(const struct conv2d *args,
                                                       atomic_bool *enough)
{
    struct side right = forward_side(&args->right);
    ptrdiff_t tiles = args->samples * args->down.windows * row_tiling_of(&right).in_row;
    ptrdiff_t size = POINTS * args->channels * args->filters;
    return (struct row_tile_gradients){args, right, shares_of(tiles, 1, size), enough};
}

/* The sums over some tiles; `pixels` has room for `most` transformed tiles and for zeros. */
static void sum_row_tiles(const struct row_tile_gradients *job, struct range tiles, ptrdiff_t most,
                          REAL *pixels, REAL *sums)
{
    const struct conv2d *args = job->args;
    const struct row_tiling t = row_tiling_of(&job->right);
    ptrdiff_t in = args->channels, out = args->filters;
    REAL *gradients = pixels + POINTS * most * in, *zeros = gradients + POINTS * most * out;
    const struct tiled_rows x = {args->x, args->right.pixels, in, job->right.first, zeros};
    const struct tiled_rows dy = {args->dy, args->right.windows, out, 0, zeros};
    memset(zeros, 0, (size_t)greatest(in, out) * sizeof(REAL));
    for (ptrdiff_t first = tiles.first; first < tiles.end; first += most) {
        struct range some = {first, least(first + most, tiles.end)};
        ptrdiff_t count = some.end - some.first;
        transform_tiles(&t, &x, some, POINTS, transform_row, pixels);
        if (t.outputs == 4)
            transform_tiles(&t, &dy, some, 4, evaluate, gradients);
        else
            transform_tiles(&t, &dy, some, 2, evaluate, gradients);
        add_tile_products(pixels, gradients, count, POINTS, in, out, first == tiles.first, sums);
    }
}

/* The rows of the grid are shares. */
static void sum_shares(const void *given, struct part part)
{
    const struct row_tile_gradients *job = given;
    ptrdiff_t in = job->args->channels, out = job->args->filters;
    ptrdiff_t most = row_tiles_at_once(job->shares.rows, POINTS * (in + out) / 2);
    REAL *pixels = allocate(POINTS * most * (in + out) + greatest(in, out));
    if (!pixels) {
        *job->enough = false;
        return;
    }
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++) {
        sum_row_tiles(job, share_of(&job->shares, i), most, pixels,
                      job->shares.sums + i * job->shares.size);
    }
    free(pixels);
}

/* Transform the sums into the gradient of the weight. */
static void finish_row_tiles(const struct row_tile_gradients *job)
{
    ptrdiff_t size = job->args->channels * job->args->filters;
    int taps = (int)job->right.taps;
    add_shares(&job->shares);
    for (ptrdiff_t at = 0; at < size; at += LANES) {
        ptrdiff_t n = least(LANES, size - at);
        vec s[POINTS];
        EACH (i, POINTS)
            s[i] = load_up_to(job->shares.sums + i * size + at, n) * point_factors[i];
        collect(s, taps);
        EACH (i, POINTS)
            if (i < taps)
                store_up_to(job->args->dweight + i * size + at, s[i], n);
    }
}

static bool gradients_in_row_tiles(const struct conv2d *args)
{
    const struct side down = forward_side(&args->down), right = forward_side(&args->right);
    return args->dweight && args->samples > 0
           && worth_row_tiling(args->groups, args->channels, args->filters, &down, &right);
}

static struct grid row_gradient_grid(const struct row_tile_gradients *job)
{
    const struct conv2d *args = job->args;
    return (struct grid){
        .run = sum_shares,
        .job = job,
        .rows = job->shares.count,
        .columns = 1,
        .row_step = 1,
        .work =
            job->shares.rows * POINTS * args->filters * (1 + args->channels / PRODUCTS_PER_ELEMENT),
    };
}

#endif
