/* Convolution with kernels of 3 x 3 cells in tiles of 4 x 4 outputs, with 36 products for 144; see
 * winograd.h. The rows of pixels that a row of tiles reads are transformed into POINTS lines,
 * element by element, and these along the row like other rows. Tiles belong to one image, so a
 * sample does not depend on its batch.
 */
#ifndef TINYNET_NATIVE_SQUARE_TILES_H
#define TINYNET_NATIVE_SQUARE_TILES_H

#include "row_tiles.h"

enum {
    SQUARE = 4,               /* outputs of a tile along each axis */
    PLACES = POINTS * POINTS, /* elements of a transformed tile */
    ROWS_IN_GROUP = 4,        /* rows of tiles that are looked at together */
    FEWEST_OUTPUTS = 8,       /* along each axis, so that few tiles reach beyond an image */
};

static bool fits_squares(const struct side *s)
{
    return s->taps == 3 && s->step == 1 && s->reach == 1 && s->spread == 1
           && s->outputs >= FEWEST_OUTPUTS;
}

static bool worth_squares(ptrdiff_t groups, ptrdiff_t in, ptrdiff_t out, const struct side *down,
                          const struct side *right)
{
    return groups == 1 && in >= FEWEST_CHANNELS && out >= FEWEST_CHANNELS && fits_squares(down)
           && fits_squares(right);
}

/* Return true if a correlation is computed in squares. */
static bool in_squares(const struct correlation *c)
{
    return worth_squares(c->groups, c->in_channels, c->out_channels, &c->down, &c->right);
}

/* The tiles of images, and the lines of one row of tiles. */
struct squares {
    struct row_tiling right;
    ptrdiff_t rows; /* of tiles, in an image */
    ptrdiff_t most; /* rows to transform at a time */
    REAL *lines;
};

static struct squares squares_of(const struct side *down, const struct side *right)
{
    return (struct squares){row_tiling_of(right), (down->outputs + SQUARE - 1) / SQUARE, 0, NULL};
}

/* Elements of the lines of images with so many elements in a row. */
static ptrdiff_t line_elements(ptrdiff_t row) { return POINTS * row; }

static void find_lines(const struct squares *s, ptrdiff_t row, REAL **lines)
{
    for (int i = 0; i < POINTS; i++)
        lines[i] = s->lines + i * row;
}

/* Images (samples, height, width, channels) that are read in squares. */
struct scenery {
    const REAL *pixels;
    ptrdiff_t height, width, channels;
    ptrdiff_t top, left; /* the pixel where the first square begins, maybe outside of the image */
    const REAL *outside; /* a row of zeros */
};

/* Transform `count` x `count` pixels of each tile of some rows into PLACES places. */
INLINE void transform_squares(const struct squares *s, const struct scenery *images,
                              struct range rows, const int count, transform_function *along,
                              REAL *to)
{
    ptrdiff_t line = images->width * images->channels;
    ptrdiff_t step = place_step((rows.end - rows.first) * s->right.in_row, images->channels);
    const struct range tiles = {0, s->right.in_row};
    struct tiled_rows r = {NULL, images->width, images->channels, images->left, images->outside};
    REAL *lines[POINTS];
    find_lines(s, line, lines);
    for (ptrdiff_t row = rows.first; row < rows.end; row++, to += tiles.end * images->channels) {
        const REAL *image = images->pixels + row / s->rows * images->height * line;
        const REAL *from[POINTS];
        for (int i = 0; i < POINTS; i++) {
            ptrdiff_t y = row % s->rows * SQUARE + images->top + i;
            from[i] = y >= 0 && y < images->height ? image + y * line : images->outside;
        }
        transform_arrays(from, line, count, false, along, lines);
        for (int i = 0; i < POINTS; i++) {
            r.pixels = lines[i];
            transform_tiles(&s->right, &r, tiles, count, along, to + i * POINTS * step, step);
        }
    }
}

/* The pixels of the first tile of a row of tiles, `count` along each axis; half of them are those
 * of a window. */
INLINE struct tile_pixels square_pixels(const struct squares *s, const struct scenery *images,
                                        ptrdiff_t row, int count)
{
    ptrdiff_t top = row % s->rows * SQUARE + images->top;
    return (struct tile_pixels){
        images->pixels + row / s->rows * images->height * images->width * images->channels,
        images->width,
        images->channels,
        span_of(top, 1, count, count / 2, images->height),
        span_of(images->left, 1, count, count / 2, images->width),
    };
}

/* Go on to the next tile of the row. */
INLINE void next_square(struct tile_pixels *t)
{
    t->right = span_of(t->right.first + SQUARE, 1, t->right.count, t->right.window, t->width);
}

/* The square of bright pixels among all that a row of tiles reads; `t` is one of its tiles. */
static REAL bright_square_of_row(const struct tile_pixels *t)
{
    ptrdiff_t line = t->width * t->channels, first = t->down.first + t->down.inside.first;
    ptrdiff_t lines = t->down.inside.end - t->down.inside.first;
    return bright_square(sum_of_squares(t->image + first * line, lines * line));
}

/* Return true if pixels in every window of some rows of tiles are bright even beside the norm of
 * all pixels. Tiles have `count` of them along each axis, and windows `window`. */
static bool rows_are_even(const struct squares *s, const struct scenery *images, struct range rows,
                          int count, ptrdiff_t window)
{
    ptrdiff_t line = images->width * images->channels;
    ptrdiff_t first = rows.first / s->rows, last = (rows.end - 1) / s->rows; /* images */
    ptrdiff_t top = greatest(0, rows.first % s->rows * SQUARE + images->top);
    ptrdiff_t end = (rows.end - 1) % s->rows * SQUARE + images->top + count;
    end = least(images->height, end) + (last - first) * images->height;
    const REAL *pixels = images->pixels + first * images->height * line;
    REAL square = bright_square(sum_of_squares(pixels + top * line, (end - top) * line));
    for (ptrdiff_t n = 0; n <= last - first; n++) {
        const struct range inside = {n * images->height, (n + 1) * images->height};
        struct range lines = overlap(inside, (struct range){top, end});
        if (lines.first >= lines.end)
            continue;
        for (ptrdiff_t y = lines.first; y < lines.end + window - 1; y += window)
            if (!has_bright_lattice(pixels + least(y, lines.end - 1) * line, images->width,
                                    images->channels, window, square))
                return false;
    }
    return true;
}

/* Return true if all tiles of some rows are surely even. This is asked before they are transformed:
 * they are in the cache then. */
static bool are_even(const struct squares *s, const struct scenery *images, struct range rows,
                     int count, ptrdiff_t window)
{
    struct range some;
    for (ptrdiff_t row = rows.first; row < rows.end; row = some.end) {
        some = (struct range){row, least(row + ROWS_IN_GROUP, rows.end)};
        if (!rows_are_even(s, images, some, count, window))
            return false;
    }
    return true;
}

/* The outputs of a tile. */
static struct outputs square_outputs(const struct squares *s, ptrdiff_t row, ptrdiff_t tile,
                                     ptrdiff_t height, ptrdiff_t width)
{
    ptrdiff_t y = row % s->rows * SQUARE, x = tile * SQUARE;
    return (struct outputs){
        row / s->rows, {y, least(y + SQUARE, height)}, x, 1, least(SQUARE, width - x)};
}

/* Correct the outputs of tiles that are uneven. */
static void correct_squares(const struct squares *s, const struct correlation *c,
                            const struct scenery *images, struct range rows)
{
    for (ptrdiff_t row = rows.first; row < rows.end; row++) {
        struct tile_pixels t = square_pixels(s, images, row, POINTS);
        REAL square = bright_square_of_row(&t);
        for (ptrdiff_t tile = 0; tile < s->right.in_row; tile++, next_square(&t))
            if (!has_bright_pixels(&t, square)) {
                struct outputs o = square_outputs(s, row, tile, c->out_height, c->out_width);
                correct_tile(c, &t, &o);
            }
    }
}

/* Collect lines into the outputs of one row of tiles, of which `left` rows exist. */
static void collect_lines(const struct correlation *c, REAL *const *lines, ptrdiff_t left, REAL *to)
{
    ptrdiff_t channels = c->out_channels, line = c->out_width * channels;
    for (ptrdiff_t x = 0; x < line; x += channels)
        for (ptrdiff_t at = 0; at < channels; at += LANES) {
            ptrdiff_t n = least(LANES, channels - at);
            vec s[POINTS], start = c->bias ? load_up_to(c->bias + at, n) : (vec){0};
            EACH (i, POINTS)
                s[i] = load_up_to(lines[i] + x + at, n);
            collect(s, SQUARE);
            EACH (i, SQUARE)
                if (i < left)
                    store_up_to(to + i * line + x + at, rectified(s[i] + start, c->relu), n);
        }
}

/* Collect the sums of some rows of tiles into outputs. */
static void collect_squares(const struct squares *s, const struct correlation *c, struct range rows,
                            const REAL *sums)
{
    ptrdiff_t channels = c->out_channels, line = c->out_width * channels;
    ptrdiff_t step = place_step((rows.end - rows.first) * s->right.in_row, channels);
    const struct range tiles = {0, s->right.in_row};
    REAL *lines[POINTS];
    find_lines(s, line, lines);
    for (ptrdiff_t row = rows.first; row < rows.end; row++, sums += tiles.end * channels) {
        ptrdiff_t y = row % s->rows * SQUARE;
        for (int i = 0; i < POINTS; i++) {
            struct output_rows r = {lines[i], c->out_width, channels, NULL, false};
            collect_tiles(&s->right, &r, tiles, SQUARE, sums + i * POINTS * step, step);
        }
        collect_lines(c, lines, c->out_height - y,
                      c->output + (row / s->rows * c->out_height + y) * line);
    }
}

/* Transform a weight (3, 3, in, out) into (PLACES, in, out), with room for PLACES / 2 more. */
static void transform_square_weight(const REAL *weight, ptrdiff_t size, REAL *transformed)
{
    REAL *lines[POINTS];
    const REAL *rows[POINTS];
    for (int i = 0; i < 3; i++)
        rows[i] = weight + i * 3 * size;
    for (int i = 0; i < POINTS; i++)
        lines[i] = transformed + (PLACES + i * 3) * size;
    transform_arrays(rows, 3 * size, 3, false, transform_cells, lines);
    for (int i = 0; i < POINTS; i++)
        transform_row_weight(lines[i], 3, size, transformed + i * POINTS * size);
}

/* The rows of the grid are those of the tiles of all images. */
static void correlate_squares(const void *job, struct part part)
{
    const struct correlation *c = job;
    struct squares s = squares_of(&c->down, &c->right);
    ptrdiff_t in = c->in_channels, out = c->out_channels, rows = part.rows.end - part.rows.first;
    s.most = least(rows, rows_at_once(PLACES * s.right.in_row * (in + out)));
    ptrdiff_t tiles = s.most * s.right.in_row, row = c->right.inputs * in;
    ptrdiff_t line = line_elements(greatest(row, c->out_width * out));
    REAL *pixels = allocate(PLACES * (place_step(tiles, in) + place_step(tiles, out)) + line + row);
    if (!pixels) {
        *c->enough = false;
        return;
    }
    REAL *sums = pixels + PLACES * place_step(tiles, in);
    s.lines = sums + PLACES * place_step(tiles, out);
    REAL *zeros = s.lines + line;
    memset(zeros, 0, (size_t)row * sizeof(REAL));
    const struct scenery images = {
        c->input, c->down.inputs, c->right.inputs, in, c->down.first, c->right.first, zeros};
    for (ptrdiff_t first = part.rows.first; first < part.rows.end; first += s.most) {
        struct range some = {first, least(first + s.most, part.rows.end)};
        tiles = (some.end - some.first) * s.right.in_row;
        bool even = are_even(&s, &images, some, POINTS, POINTS / 2);
        transform_squares(&s, &images, some, POINTS, transform_pixels, pixels);
        multiply_tiles(pixels, c->weight, tiles, PLACES, in, out, sums);
        collect_squares(&s, c, some, sums);
        if (!even)
            correct_squares(&s, c, &images, some);
    }
    free(pixels);
}

static struct grid square_grid(const struct correlation *c)
{
    const struct squares s = squares_of(&c->down, &c->right);
    ptrdiff_t rows = c->samples * s.rows;
    return (struct grid){
        .run = correlate_squares,
        .job = c,
        .rows = rows,
        .columns = 1,
        .row_step = 1,
        .work = rows * s.right.in_row * PLACES * c->out_channels
                * (1 + c->in_channels / PRODUCTS_PER_ELEMENT),
    };
}

#endif
