/* Tiles of convolutions whose pixels are too uneven for them.
 *
 * Every output of a tile is a sum over all of its pixels, of which those outside of the output's
 * own window cancel but for rounding: errors are relative to the norm of the whole tile, as in the
 * bounds of Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for
 * Deep Neural Networks", 2020. That shows where the pixels of a window are much smaller than others
 * of the tile: beside -9999 for missing data, or infinity. So a tile is computed directly if one of
 * its windows is dark, which means that no channel (or no sum of every LANES-th) of its pixels is
 * larger than 1 / CONTRAST of the norm of the tile. Outputs of windows that are all zeros need no
 * sums; if they were dark, few tiles of sparse images would be left.
 *
 * The tile alone decides, so its outputs depend on no other sample, and on no thread. In nearly all
 * tiles, a few pixels of which every window has one are bright even beside the norm of some rows of
 * tiles; only in the others is every pixel looked at.
 */
#ifndef TINYNET_NATIVE_UNEVEN_TILES_H
#define TINYNET_NATIVE_UNEVEN_TILES_H

#include "parameter_gradients.h"
#include "winograd.h"

#define CONTRAST ((REAL)256)

/* The pixels of a tile along an axis: `count` of them, `reach` apart. No window, of which each has
 * `window` pixels, may be dark. */
struct span {
    ptrdiff_t first, reach;
    int count, window;
    struct range inside; /* pixels on the image */
};

INLINE struct span span_of(ptrdiff_t first, ptrdiff_t reach, int count, int window,
                           ptrdiff_t pixels)
{
    struct span s = {first, reach, count, window, {0, count}};
    while (s.inside.first < count && first + s.inside.first * reach < 0)
        s.inside.first++;
    while (s.inside.end > s.inside.first && first + (s.inside.end - 1) * reach >= pixels)
        s.inside.end--;
    return s;
}

/* One row of pixels. */
static const struct span one_row = {0, 1, 1, 1, {0, 1}};

/* The pixels of a tile of an image (height, width, channels). */
struct tile_pixels {
    const REAL *image;
    ptrdiff_t width, channels;
    struct span down, right;
};

INLINE const REAL *tile_pixel(const struct tile_pixels *t, ptrdiff_t i, ptrdiff_t j)
{
    ptrdiff_t y = t->down.first + i * t->down.reach, x = t->right.first + j * t->right.reach;
    return t->image + (y * t->width + x) * t->channels;
}

INLINE vec squares_of_pixel(const REAL *pixel, ptrdiff_t channels)
{
    vec sum = {0};
    for (ptrdiff_t at = 0; at < channels; at += LANES) {
        vec v = load_up_to(pixel + at, least(LANES, channels - at));
        sum = fused(v, v, sum);
    }
    return sum;
}

static REAL sum_of_squares(const REAL *x, ptrdiff_t count)
{
    vec sum[4] = {{0}};
    ptrdiff_t at = 0;
    for (; at + 4 * LANES <= count; at += 4 * LANES)
        EACH (i, 4) {
            vec v = load(x + at + i * LANES);
            sum[i] = fused(v, v, sum[i]);
        }
    for (; at < count; at += LANES) {
        vec v = load_up_to(x + at, least(LANES, count - at));
        sum[0] = fused(v, v, sum[0]);
    }
    return lane_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

INLINE bool is_zero_pixel(const REAL *pixel, ptrdiff_t channels)
{
    for (ptrdiff_t at = 0; at < channels; at += LANES)
        if (any(load_up_to(pixel + at, least(LANES, channels - at)) != (vec){0}))
            return false;
    return true;
}

/* The square that a channel of a bright pixel exceeds, among pixels with this sum of squares. */
INLINE REAL bright_square(REAL squares) { return squares / (CONTRAST * CONTRAST); }

/* Return true if some pixels are bright of which every window has one. */
INLINE bool has_bright_pixels(const struct tile_pixels *t, REAL square)
{
    const struct span *down = &t->down, *right = &t->right;
    if (down->inside.first == down->inside.end || right->inside.first == right->inside.end)
        return true;
    for (int i = down->window - 1; i < down->count; i += down->window)
        for (int j = right->window - 1; j < right->count; j += right->window) {
            /* A window that reaches beyond the image has the pixel at its edge. */
            ptrdiff_t y = greatest(down->inside.first, least(i, down->inside.end - 1));
            ptrdiff_t x = greatest(right->inside.first, least(j, right->inside.end - 1));
            if (!any(squares_of_pixel(tile_pixel(t, y, x), t->channels) > splat(square)))
                return false;
        }
    return true;
}

/* Return true if every `step`-th pixel of a row is bright, and the last one. */
INLINE bool has_bright_lattice(const REAL *row, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t step,
                               REAL square)
{
    for (ptrdiff_t x = 0; x < width + step - 1; x += step)
        if (!any(squares_of_pixel(row + least(x, width - 1) * channels, channels) > splat(square)))
            return false;
    return true;
}

/* A set of pixels or windows of a tile, in which (i, j) is bit AXIS * i + j. */
typedef uint64_t tile_set;
enum { AXIS = 8 };

INLINE bool has(tile_set set, ptrdiff_t i, ptrdiff_t j) { return set >> (AXIS * i + j) & 1; }

/* The windows that have any of these pixels; their first pixels stand for windows. */
INLINE tile_set windows_with(tile_set pixels, int height, int width)
{
    tile_set rows = pixels, windows;
    for (int j = 1; j < width; j++)
        rows |= pixels >> j;
    windows = rows;
    for (int i = 1; i < height; i++)
        windows |= rows >> (AXIS * i);
    return windows;
}

struct shades {
    bool finite;         /* whether the norm is */
    tile_set dark, zero; /* windows */
};

static struct shades shades_of(const struct tile_pixels *t)
{
    const struct range down = t->down.inside, right = t->right.inside;
    const int height = t->down.window, width = t->right.window;
    vec squares[POINTS][POINTS], sum = {0};
    for (ptrdiff_t i = down.first; i < down.end; i++)
        for (ptrdiff_t j = right.first; j < right.end; j++) {
            squares[i][j] = squares_of_pixel(tile_pixel(t, i, j), t->channels);
            sum += squares[i][j];
        }
    REAL square = bright_square(lane_sum(sum));
    tile_set bright = 0, lit = 0, all = 0;
    for (ptrdiff_t i = down.first; i < down.end; i++)
        for (ptrdiff_t j = right.first; j < right.end; j++)
            bright |= (tile_set)any(squares[i][j] > splat(square)) << (AXIS * i + j);
    for (int i = 0; i + height <= t->down.count; i++)
        all |= (((tile_set)1 << (t->right.count - width + 1)) - 1) << (AXIS * i);
    tile_set others = all & ~windows_with(bright, height, width);
    for (ptrdiff_t i = down.first; others && i < down.end; i++)
        for (ptrdiff_t j = right.first; j < right.end; j++)
            /* Not by its squares: those of tiny pixels are 0. */
            lit |= (tile_set)!is_zero_pixel(tile_pixel(t, i, j), t->channels) << (AXIS * i + j);
    tile_set dark = others & windows_with(lit, height, width);
    return (struct shades){square < (REAL)INFINITY, dark, others & ~dark};
}

/* Return true if a tile must not be computed as such. The square may be that of bright pixels of
 * more tiles. */
static bool is_uneven(const struct tile_pixels *t, REAL square)
{
    if (has_bright_pixels(t, square))
        return false;
    struct shades shades = shades_of(t);
    return !shades.finite || shades.dark;
}

/* Outputs of one image: `count` in each of some rows, from `first` on and `reach` apart. */
struct outputs {
    ptrdiff_t sample;
    struct range rows;
    ptrdiff_t first, reach, count;
};

/* With so few outputs in the last tile of an axis, the weight of a cell may meet no pixel of it. */
enum { TOO_FEW_OUTPUTS = 1 };

/* Return true if a tile of a gradient is uneven: its pixels `x`, or the gradients `dy` of its
 * outputs. The gradient of a weight is a sum over as many pixels as the tile has outputs, or over
 * one less where the window of an output begins or ends beyond the image. */
static bool is_uneven_gradient(struct tile_pixels x, struct tile_pixels dy, const struct outputs *o,
                               REAL x_square, REAL dy_square)
{
    const ptrdiff_t counts[] = {o->rows.end - o->rows.first, o->count};
    struct span *of_x[] = {&x.down, &x.right}, *of_dy[] = {&dy.down, &dy.right};
    EACH (i, 2) {
        if (of_x[i]->count == one_row.count)
            continue;
        if (counts[i] <= TOO_FEW_OUTPUTS)
            return true;
        of_x[i]->window = (int)least(of_x[i]->window, counts[i]);
        of_dy[i]->window = (int)least(of_dy[i]->window, counts[i] - 1);
    }
    return is_uneven(&x, x_square) || is_uneven(&dy, dy_square);
}

/* Compute some outputs of a correlation, whose steps are 1, as if there were no tiles. */
static void correlate_directly(const struct correlation *c, const struct outputs *o)
{
    struct correlation part = *c;
    struct side *down = &part.down, *right = &part.right;
    down->outputs = o->rows.end - o->rows.first;
    down->first += o->rows.first;
    down->place = o->rows.first;
    right->outputs = o->count;
    right->first += o->first;
    right->step = right->spread = o->reach;
    right->place = o->first;
    struct range met = rows_met(down, (struct range){0, down->outputs});
    part.samples = 1;
    part.input += (o->sample * down->inputs + met.first) * right->inputs * c->in_channels;
    part.output += o->sample * c->out_height * c->out_width * c->out_channels;
    part.weight = c->untransformed;
    down->first -= met.first; /* only the rows that are met may be copied */
    down->inputs = met.end - met.first;
    correlate_images(&part, (struct part){{0, down->outputs}, {0, c->out_channels}});
}

/* Set output (y, x) of an image to its value for a window of zeros, unless that of a filter is not
 * finite, as its weight is not. */
static void set_to_bias(const struct correlation *c, ptrdiff_t sample, ptrdiff_t y, ptrdiff_t x)
{
    REAL *to = c->output + ((sample * c->out_height + y) * c->out_width + x) * c->out_channels;
    for (ptrdiff_t at = 0; at < c->out_channels; at += LANES) {
        ptrdiff_t n = least(LANES, c->out_channels - at);
        vec bias = c->bias ? load_up_to(c->bias + at, n) : (vec){0}, y = load_up_to(to + at, n);
        store_up_to(to + at, where(y - y == (vec){0}, rectified(bias, c->relu), y), n);
    }
}

/* Correct the outputs of a tile, of which some may lie beyond the image: all of them,
 * or those of windows of zeros. */
static void correct_tile(const struct correlation *c, const struct tile_pixels *t,
                         const struct outputs *o)
{
    const struct shades shades = shades_of(t);
    if (!shades.finite || shades.dark)
        correlate_directly(c, o);
    else if (shades.zero)
        for (ptrdiff_t i = 0; i < o->rows.end - o->rows.first; i++)
            for (ptrdiff_t j = 0; j < o->count; j++)
                if (has(shades.zero, i, j))
                    set_to_bias(c, o->sample, o->rows.first + i, o->first + j * o->reach);
}

/* Add what some outputs give to the gradient of the weight, (taps, taps, channels, filters). */
static void add_directly(const struct conv2d *args, const struct outputs *o, REAL *dweight)
{
    struct conv2d copy = *args;
    copy.dweight = dweight;
    const struct parameter_gradients job = {.args = &copy};
    const struct axis *down = &args->down, *right = &args->right;
    const struct scene scene = {
        .images = args->x + o->sample * down->pixels * right->pixels * args->channels,
        .dy = args->dy + o->sample * down->windows * right->windows * args->filters,
        .samples = 1,
        .width = right->pixels,
        .origin = -right->padding,
    };
    const struct range filters = {0, args->filters};
    ptrdiff_t at_once = o->reach == 1 ? o->count : 1;
    for (ptrdiff_t cell = 0; cell < down->cells * right->cells; cell++) {
        ptrdiff_t i = cell / right->cells, j = cell % right->cells;
        struct range rows = overlap(o->rows, windows_inside(down, i));
        for (ptrdiff_t k = 0; k < o->count; k += at_once) {
            ptrdiff_t first = o->first + k * o->reach;
            struct range columns = {first, first + at_once};
            add_cell_gradient(&job, &scene, i, j, rows, overlap(columns, windows_inside(right, j)),
                              filters);
        }
    }
}

#endif
