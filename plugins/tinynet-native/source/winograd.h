/* Convolution with kernels of 3 x 3 in tiles of 2 x 2 outputs, with 16 products for 36: F(2x2, 3x3)
 * of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, after Winograd.
 *
 *     y = A^T [(G w G^T) * (B^T x B)] A,    dw = G^T [sum over tiles of (B^T x B) * (A dy A^T)] G
 *
 * A tile reads 4 x 4 pixels. Each of the 16 elements of the transformed tiles is a matrix product
 * of its own: over the channels for y, and over the tiles for dw. The gradient of the input is such
 * a correlation, too. Tiles belong to one image, so a sample does not depend on its batch.
 */
#ifndef TINYNET_NATIVE_WINOGRAD_H
#define TINYNET_NATIVE_WINOGRAD_H

#include "geometry.h"
#include "product.h"

enum {
    PLACES = 16, /* elements of a transformed tile */
    /* With fewer, the transforms take longer than they save: */
    FEWEST_CHANNELS = 16,
    FEWEST_CELLS = 512, /* channels of the input times channels of the output */
    FEWEST_OUTPUTS = 8, /* along each axis */
};

/* The tiles of the images of a correlation. */
struct tiling {
    const struct side *down, *right;
    ptrdiff_t in_row, rows; /* numbers of tiles along a row of an image, and of such rows */
};

static struct tiling tiling_of(const struct side *down, const struct side *right)
{
    return (struct tiling){down, right, (right->outputs + 1) / 2, (down->outputs + 1) / 2};
}

static bool fits_tiles(const struct side *s)
{
    return s->taps == 3 && s->step == 1 && s->reach == 1 && s->spread == 1
           && s->outputs >= FEWEST_OUTPUTS;
}

static bool worth_tiling(ptrdiff_t groups, ptrdiff_t in, ptrdiff_t out, const struct side *down,
                         const struct side *right)
{
    return groups == 1 && in >= FEWEST_CHANNELS && out >= FEWEST_CHANNELS
           && in * out >= FEWEST_CELLS && fits_tiles(down) && fits_tiles(right);
}

/* Rows of tiles to transform at a time. */
static ptrdiff_t tile_rows_at_once(const struct tiling *t, ptrdiff_t channels)
{
    return rows_at_once(PLACES * t->in_row * channels);
}

/* B^T, A^T, A, G and G^T along one axis. */
INLINE void transform_pixels(vec d[4])
{
    vec first = d[0] - d[2], second = d[1] + d[2], third = d[2] - d[1], last = d[1] - d[3];
    d[0] = first, d[1] = second, d[2] = third, d[3] = last;
}

INLINE void transform_sums(vec m[4])
{
    vec first = m[0] + m[1] + m[2], second = m[1] - m[2] - m[3];
    m[0] = first, m[1] = second;
}

INLINE void transform_gradients(vec dy[4])
{
    vec first = dy[0], second = dy[1];
    dy[1] = first + second, dy[2] = first - second, dy[3] = -second;
}

INLINE void transform_cells(vec w[4])
{
    vec outer = w[0] + w[2], last = w[2];
    w[2] = (outer - w[1]) * (REAL)0.5;
    w[1] = (outer + w[1]) * (REAL)0.5;
    w[3] = last;
}

INLINE void transform_cell_gradients(vec u[4])
{
    vec sum = (u[1] + u[2]) * (REAL)0.5, difference = (u[1] - u[2]) * (REAL)0.5;
    u[0] = u[0] + sum, u[1] = difference, u[2] = sum + u[3];
}

typedef void transform_function(vec[4]);

/* Transform the first rows and columns of a square along both axes. */
INLINE void transform(vec square[4][4], const int rows, const int from, transform_function *along)
{
    EACH (i, rows)
        along(square[i]);
    EACH (j, from) {
        vec column[4] = {square[0][j], square[1][j], square[2][j], square[3][j]};
        along(column);
        EACH (i, 4)
            square[i][j] = column[i];
    }
}

/* Transform some elements of a square of `size` x `size` vectors into one of `made` x `made`.
 * `from` are the places that are read; those that are written are `step` apart. */
INLINE void transform_vectors(const REAL *const *from, ptrdiff_t at, const int size, REAL *to,
                              ptrdiff_t step, const int made, transform_function *along,
                              ptrdiff_t n, const bool whole)
{
    vec square[4][4];
    EACH (i, 4)
        EACH (j, 4)
            square[i][j] =
                i < size && j < size ? load_n(from[i * size + j] + at, n, whole) : (vec){0};
    transform(square, size, made, along);
    EACH (i, made)
        EACH (j, made)
            store_n(to + (i * made + j) * step, square[i][j], n, whole);
}

INLINE void transform_square(const REAL *const *from, const int size, REAL *to, ptrdiff_t step,
                             const int made, transform_function *along, ptrdiff_t count)
{
    ptrdiff_t at = 0;
    for (; at + LANES <= count; at += LANES)
        transform_vectors(from, at, size, to + at, step, made, along, LANES, true);
    if (at < count)
        transform_vectors(from, at, size, to + at, step, made, along, count - at, false);
}

/* Transform a weight (3, 3, in, out) into (16, in, out). */
static void transform_weight(const REAL *weight, ptrdiff_t size, REAL *transformed)
{
    const REAL *cells[9];
    for (int i = 0; i < 9; i++)
        cells[i] = weight + i * size;
    transform_square(cells, 3, transformed, size, 4, transform_cells, size);
}

struct image {
    const REAL *pixels; /* (height, width, channels) */
    ptrdiff_t height, width, channels;
    const REAL *outside; /* a pixel of zeros */
};

/* Set the addresses of the pixels of a square, which may lie outside of the image. */
INLINE void find_pixels(const struct image *image, ptrdiff_t row, ptrdiff_t column, const int size,
                        const REAL **pixels)
{
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            ptrdiff_t y = row + i, x = column + j;
            bool inside = y >= 0 && y < image->height && x >= 0 && x < image->width;
            pixels[i * size + j] =
                inside ? image->pixels + (y * image->width + x) * image->channels : image->outside;
        }
}

/* Transform the squares of `size` x `size` pixels that some rows of tiles read into (16, tiles,
 * channels). The square of the first tile begins at `row` and `column` of the image. */
INLINE void transform_image(const struct tiling *t, const struct image *image, struct range rows,
                            ptrdiff_t row, ptrdiff_t column, const int size,
                            transform_function *along, REAL *to)
{
    ptrdiff_t step = (rows.end - rows.first) * t->in_row * image->channels;
    for (ptrdiff_t i = rows.first; i < rows.end; i++)
        for (ptrdiff_t j = 0; j < t->in_row; j++, to += image->channels) {
            const REAL *pixels[PLACES];
            find_pixels(image, row + 2 * i, column + 2 * j, size, pixels);
            transform_square(pixels, size, to, step, 4, along, image->channels);
        }
}

/* The pixels of an image that the tiles read. */
static void transform_inputs(const struct tiling *t, const struct image *image, struct range rows,
                             REAL *to)
{
    transform_image(t, image, rows, t->down->first, t->right->first, 4, transform_pixels, to);
}

/* Transform the sums of some rows of tiles (16, tiles, channels) into outputs. */
static void transform_outputs(const struct correlation *c, const struct tiling *t,
                              struct range rows, const REAL *sums, REAL *output)
{
    ptrdiff_t channels = c->out_channels, step = (rows.end - rows.first) * t->in_row * channels;
    for (ptrdiff_t i = rows.first; i < rows.end; i++)
        for (ptrdiff_t j = 0; j < t->in_row; j++, sums += channels) {
            bool below = 2 * i + 1 < c->out_height, beside = 2 * j + 1 < c->out_width;
            REAL *to = output + (2 * i * c->out_width + 2 * j) * channels;
            for (ptrdiff_t at = 0; at < channels; at += LANES) {
                ptrdiff_t n = least(LANES, channels - at);
                vec square[4][4], start = c->bias ? load_up_to(c->bias + at, n) : (vec){0};
                EACH (k, 4)
                    EACH (l, 4)
                        square[k][l] = load_up_to(sums + (k * 4 + l) * step + at, n);
                transform(square, 4, 2, transform_sums);
                EACH (k, 2)
                    EACH (l, 2)
                        if ((k == 0 || below) && (l == 0 || beside))
                            store_up_to(to + (k * c->out_width + l) * channels + at,
                                        rectified(square[k][l] + start, c->relu), n);
            }
        }
}

/* Return true if a correlation is computed in tiles. */
static bool in_tiles(const struct correlation *c)
{
    return worth_tiling(c->groups, c->in_channels, c->out_channels, &c->down, &c->right);
}

/* Sums over tiles, of which threads compute shares, each by itself. They follow from the shapes,
 * and a single thread computes them, too: the bits are the same. */
struct shares {
    ptrdiff_t rows, count; /* of tiles, and of shares */
    ptrdiff_t size;        /* elements of the sums of a share */
    REAL *sums;            /* NULL if memory runs out; the caller frees them */
};

static struct shares shares_of(ptrdiff_t rows, ptrdiff_t tiles_in_row, ptrdiff_t size)
{
    enum { MOST_SHARES = 4, TILES_IN_SHARE = 256 };
    ptrdiff_t count = least(MOST_SHARES, rows * tiles_in_row / TILES_IN_SHARE);
    count = greatest(1, least(count, rows));
    return (struct shares){rows, count, size, allocate(count * size)};
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

/* sums[place] += pixels[place]' gradients[place], products over tiles; = for the first tiles. */
static void add_tile_products(const REAL *pixels, const REAL *gradients, ptrdiff_t tiles,
                              int places, ptrdiff_t in, ptrdiff_t out, bool first, REAL *sums)
{
    for (int place = 0; place < places; place++, sums += in * out) {
        struct product p = {
            .a = pixels + place * tiles * in,
            .b = gradients + place * tiles * out,
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
            .a = pixels + place * tiles * in,
            .b = weight + place * in * out,
            .c = sums + place * tiles * out,
            .a_row = in,
            .c_row = out,
            .outer = {1, 0, 0},
            .middle = {1, 0, 0},
            .inner = {in, 1, out},
        };
        multiply(&p, tiles, out);
    }
}

/* The rows of the grid are those of the tiles of all images. */
static void correlate_tiles(const void *job, struct part part)
{
    const struct correlation *c = job;
    const struct tiling t = tiling_of(&c->down, &c->right);
    ptrdiff_t in = c->in_channels, out = c->out_channels, end;
    ptrdiff_t most = least(t.rows, tile_rows_at_once(&t, in + out)), tiles = most * t.in_row;
    REAL *pixels = allocate(PLACES * tiles * (in + out) + in);
    if (!pixels) {
        *c->enough = false;
        return;
    }
    REAL *sums = pixels + PLACES * tiles * in, *zeros = sums + PLACES * tiles * out;
    struct image image = {NULL, c->down.inputs, c->right.inputs, in, zeros};
    memset(zeros, 0, (size_t)in * sizeof(REAL));
    for (ptrdiff_t row = part.rows.first; row < part.rows.end; row = end) {
        ptrdiff_t n = row / t.rows, top = n * t.rows;
        end = least(least(top + t.rows, part.rows.end), row + most);
        struct range rows = {row - top, end - top};
        image.pixels = c->input + n * image.height * image.width * in;
        tiles = (rows.end - rows.first) * t.in_row;
        transform_inputs(&t, &image, rows, pixels);
        multiply_tiles(pixels, c->transformed, tiles, PLACES, in, out, sums);
        transform_outputs(c, &t, rows, sums, c->output + n * c->out_height * c->out_width * out);
    }
    free(pixels);
}

static struct grid tile_grid(const struct correlation *c)
{
    const struct tiling t = tiling_of(&c->down, &c->right);
    ptrdiff_t rows = c->samples * t.rows;
    return (struct grid){
        .run = correlate_tiles,
        .job = c,
        .rows = rows,
        .columns = 1,
        .row_step = 1,
        .work = rows * t.in_row * PLACES * c->out_channels
                * (1 + c->in_channels / PRODUCTS_PER_ELEMENT),
    };
}

#endif
