/* Convolution where every channel is a group of its own, with one filter. It is not a matrix
 * product: the lanes of a vector are channels, which are independent. */
#ifndef TINYNET_NATIVE_DEPTHWISE_H
#define TINYNET_NATIVE_DEPTHWISE_H

#include "columns.h"
#include "geometry.h"

/* Some channels of a row of outputs of one image. */
struct depthwise_row {
    const struct correlation *c;
    const REAL *image;
    REAL *output; /* of the image */
    ptrdiff_t row;
    struct range taps; /* down the image, those inside */
    ptrdiff_t first, lanes;
};

enum { WINDOWS_AT_ONCE = 6 }; /* so that a weight is loaded once for all of them */

/* The outputs of `count` windows from q on, of which only these taps of a row lie inside. Each sum
 * runs over the taps in their order, whatever the number of windows. */
INLINE void depthwise_windows(const struct depthwise_row *r, ptrdiff_t q, struct range across,
                              const int count, bool whole)
{
    const struct correlation *c = r->c;
    const struct side *down = &c->down, *right = &c->right;
    const ptrdiff_t channels = c->in_channels, step = right->step * channels;
    vec sum[WINDOWS_AT_ONCE];
    EACH (i, count)
        sum[i] = c->bias ? load_n(c->bias + r->first, r->lanes, whole) : (vec){0};
    for (ptrdiff_t t = r->taps.first; t < r->taps.end; t++) {
        ptrdiff_t line = (r->row * down->step + down->first + t * down->reach) * right->inputs;
        ptrdiff_t pixel = line + q * right->step + right->first + across.first * right->reach;
        const REAL *x = r->image + pixel * channels + r->first;
        const REAL *weight = c->weight + (t * right->taps + across.first) * channels + r->first;
        for (ptrdiff_t u = across.first; u < across.end; u++) {
            vec factor = load_n(weight, r->lanes, whole);
            EACH (i, count)
                sum[i] = fused(load_n(x + i * step, r->lanes, whole), factor, sum[i]);
            x += right->reach * channels;
            weight += channels;
        }
    }
    REAL *output = r->output + output_at(c, r->row, q) + r->first;
    EACH (i, count) {
        vec y = rectified(sum[i], c->relu);
        store_n(output + i * right->spread * channels, y, r->lanes, whole);
    }
}

/* Windows [first, end) of a row, all of whose taps lie inside. */
static struct range whole_windows(const struct side *s)
{
    ptrdiff_t room = s->inputs - 1 - s->first - (s->taps - 1) * s->reach;
    struct range r = {s->first < 0 ? (-s->first + s->step - 1) / s->step : 0,
                      room < 0 ? 0 : least(s->outputs, room / s->step + 1)};
    return r.first < r.end ? r : (struct range){0, 0};
}

INLINE void depthwise_row(const struct depthwise_row *r, struct range inner, bool whole)
{
    const struct side *right = &r->c->right;
    struct range all = {0, right->taps};
    ptrdiff_t q = 0;
    for (; q < inner.first; q++)
        depthwise_windows(r, q, taps_inside(right, q), 1, whole);
    for (; q + WINDOWS_AT_ONCE <= inner.end; q += WINDOWS_AT_ONCE)
        depthwise_windows(r, q, all, WINDOWS_AT_ONCE, whole);
    for (; q + 2 <= inner.end; q += 2)
        depthwise_windows(r, q, all, 2, whole);
    for (; q < right->outputs; q++)
        depthwise_windows(r, q, taps_inside(right, q), 1, whole);
}

/* The rows of the grid are rows of outputs of all images. */
static void correlate_depthwise(const void *job, struct part part)
{
    const struct correlation *c = job;
    ptrdiff_t channels = c->in_channels, image_size = c->down.inputs * c->right.inputs * channels;
    ptrdiff_t output_size = c->out_height * c->out_width * channels;
    struct range inner = whole_windows(&c->right);
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++) {
        ptrdiff_t n = i / c->down.outputs;
        struct depthwise_row r = {.c = c,
                                  .image = c->input + n * image_size,
                                  .output = c->output + n * output_size,
                                  .row = i % c->down.outputs,
                                  .lanes = LANES};
        r.taps = taps_inside(&c->down, r.row);
        for (; r.first + LANES <= channels; r.first += LANES)
            depthwise_row(&r, inner, true);
        r.lanes = channels - r.first;
        if (r.lanes > 0)
            depthwise_row(&r, inner, false);
    }
}

enum { CELLS_AT_ONCE = 3 }; /* of a row of the kernel, so that dy is loaded once for all of them */

/* Some cells of a row of the kernel, side by side, and up to LANES channels. */
struct depthwise_cells {
    const struct conv2d *args;
    ptrdiff_t row, column; /* of the first cell */
    ptrdiff_t first, lanes;
    struct range inner, each[CELLS_AT_ONCE]; /* windows that all cells meet, or each of them */
};

static void set_windows(struct depthwise_cells *d, int cells)
{
    d->inner = (struct range){0, d->args->right.windows};
    for (int j = 0; j < cells; j++) {
        d->each[j] = windows_inside(&d->args->right, d->column + j);
        d->inner = overlap(d->inner, d->each[j]);
    }
    d->inner.end = greatest(d->inner.first, d->inner.end);
}

/* sum[j] += the products of windows `columns` of row `o` with cell `column` + j of the kernel. */
INLINE void add_window_products(const struct depthwise_cells *d, ptrdiff_t column, ptrdiff_t n,
                                ptrdiff_t o, struct range columns, vec *sum, const int cells,
                                bool whole)
{
    const struct axis *down = &d->args->down, *right = &d->args->right;
    const ptrdiff_t channels = d->args->channels, reach = right->dilation * channels;
    const ptrdiff_t step = right->stride * channels;
    ptrdiff_t y = o * down->stride + d->row * down->dilation - down->padding;
    ptrdiff_t left = columns.first * right->stride + column * right->dilation - right->padding;
    const REAL *x =
        d->args->x + ((n * down->pixels + y) * right->pixels + left) * channels + d->first;
    const REAL *dy = d->args->dy
                     + ((n * down->windows + o) * right->windows + columns.first) * channels
                     + d->first;
    vec more[CELLS_AT_ONCE] = {{0}};
    ptrdiff_t q = columns.first;
    for (; q + 2 <= columns.end; q += 2, x += 2 * step, dy += 2 * channels) {
        vec here = load_n(dy, d->lanes, whole), next = load_n(dy + channels, d->lanes, whole);
        EACH (j, cells) {
            sum[j] = fused(here, load_n(x + j * reach, d->lanes, whole), sum[j]);
            more[j] = fused(next, load_n(x + step + j * reach, d->lanes, whole), more[j]);
        }
    }
    if (q < columns.end) {
        vec here = load_n(dy, d->lanes, whole);
        EACH (j, cells)
            sum[j] = fused(here, load_n(x + j * reach, d->lanes, whole), sum[j]);
    }
    EACH (j, cells)
        sum[j] += more[j];
}

/* Add the products of row `o` of windows to cells of dweight. Windows that not all of the cells meet
 * inside the image are summed for each cell by itself. */
INLINE void add_cells(const struct depthwise_cells *d, ptrdiff_t n, ptrdiff_t o, const int cells,
                      bool whole)
{
    vec sum[CELLS_AT_ONCE] = {{0}};
    add_window_products(d, d->column, n, o, d->inner, sum, cells, whole);
    EACH (j, cells) {
        struct range before = {d->each[j].first, least(d->each[j].end, d->inner.first)};
        struct range after = {greatest(d->each[j].first, d->inner.end), d->each[j].end};
        add_window_products(d, d->column + j, n, o, before, sum + j, 1, whole);
        add_window_products(d, d->column + j, n, o, after, sum + j, 1, whole);
    }
    ptrdiff_t channels = d->args->channels;
    REAL *cell = d->args->dweight
                 + (d->row * d->args->right.cells + d->column) * channels + d->first;
    EACH (j, cells)
        store_n(cell + j * channels, load_n(cell + j * channels, d->lanes, whole) + sum[j],
                d->lanes, whole);
}

/* Add the products of all windows to some cells of some rows of dweight, for some channels. Windows
 * are read row by row, as they lie in memory. */
INLINE void add_columns_of_cells(struct depthwise_cells d, struct part part, const int cells)
{
    const struct axis *down = &d.args->down;
    set_windows(&d, cells);
    for (ptrdiff_t row = 0; row < d.args->samples * down->windows; row++) {
        ptrdiff_t n = row / down->windows, o = row % down->windows;
        for (d.row = part.rows.first; d.row < part.rows.end; d.row++) {
            ptrdiff_t y = o * down->stride + d.row * down->dilation - down->padding;
            if (y < 0 || y >= down->pixels)
                continue;
            d.lanes = LANES;
            for (d.first = part.columns.first; d.first + LANES <= part.columns.end;
                 d.first += LANES)
                add_cells(&d, n, o, cells, true);
            d.lanes = part.columns.end - d.first;
            if (d.lanes > 0)
                add_cells(&d, n, o, cells, false);
        }
    }
}

/* Rows of the kernel, for some channels. */
static void depthwise_weight_gradient(const struct conv2d *args, struct part part)
{
    const ptrdiff_t first = part.columns.first, cells = args->right.cells;
    for (ptrdiff_t cell = part.rows.first * cells; cell < part.rows.end * cells; cell++)
        clear(args->dweight + cell * args->channels + first, part.columns.end - first);
    struct depthwise_cells d = {.args = args};
    for (; d.column + CELLS_AT_ONCE <= cells; d.column += CELLS_AT_ONCE)
        add_columns_of_cells(d, part, CELLS_AT_ONCE);
    for (; d.column < cells; d.column++)
        add_columns_of_cells(d, part, 1);
}

#endif
