/* Correlation: a kernel slides over a stack of images. Convolution is one, and so is the gradient
 * of its input.
 *
 * Neighboring windows of a row begin some pixels apart in the image, so they are the rows of a
 * matrix product that runs over the image itself. Cells above or below the image are left out of
 * the sums; for those to its left or right, one image at a time is copied between columns of zeros.
 * Where rows are short, the same window of all images makes the rows of a product instead.
 */
#ifndef TINYNET_NATIVE_CORRELATION_H
#define TINYNET_NATIVE_CORRELATION_H

#include "depthwise.h"
#include "product.h"

/* The product for the windows in row o of the output and the channels of group g. It sums the
 * columns of taps in `taps`, of which the first meets `column` of an image with `columns` columns.
 * The caller sets c and the steps from window to window. */
static struct product window_sums(const struct correlation *c, const REAL *image, ptrdiff_t columns,
                                  ptrdiff_t o, ptrdiff_t column, struct range taps, ptrdiff_t g)
{
    const struct side *down = &c->down, *right = &c->right;
    ptrdiff_t in = c->in_channels / c->groups, out = c->out_channels / c->groups;
    ptrdiff_t line = columns * c->in_channels; /* of the input */
    ptrdiff_t tap = in * c->out_channels;      /* of the weight */
    struct range rows = taps_inside(down, o);
    ptrdiff_t top = rows.end ? o * down->step + down->first + rows.first * down->reach : 0;
    ptrdiff_t count = taps.end - taps.first;
    bool joined = right->reach == 1 && c->groups == 1; /* taps lie side by side in the input */
    return (struct product){
        .a = image + top * line + column * c->in_channels + g * in,
        .b = c->weight + (rows.first * right->taps + taps.first) * tap + g * out,
        .start = c->bias ? c->bias + g * out : NULL,
        .start_row = 0,
        .outer = {rows.end - rows.first, down->reach * line, right->taps * tap},
        .middle = {joined ? 1 : count, right->reach * c->in_channels, tap},
        .inner = {joined ? count * in : in, 1, c->out_channels},
        .relu = c->relu,
    };
}

/* Some rows of one image, and some channels of each group; the rows of tiles are windows. `column`
 * is where the first tap begins. */
static void correlate_rows(const struct correlation *c, struct range rows, struct range channels,
                           const REAL *image, REAL *output, ptrdiff_t columns, ptrdiff_t column)
{
    ptrdiff_t at_once =
        rows_at_once(c->right.outputs * c->out_channels + c->down.step * columns * c->in_channels);
    struct range taps = {0, c->right.taps};
    for (ptrdiff_t begin = rows.first; begin < rows.end; begin += at_once) {
        ptrdiff_t end = least(begin + at_once, rows.end);
        for (ptrdiff_t g = 0; g < c->groups; g++) {
            struct strip s;
            for (ptrdiff_t f = channels.first; f < channels.end; f += s.count) {
                s = next_strip(c->right.outputs, channels.end, f);
                for (ptrdiff_t o = begin; o < end; o++) {
                    struct product p = window_sums(c, image, columns, o, column, taps, g);
                    p.c = output + output_at(c, o, 0) + g * (c->out_channels / c->groups);
                    p.a_row = c->right.step * c->in_channels;
                    p.c_row = c->right.spread * c->out_channels;
                    multiply_strip(&p, c->right.outputs, &s);
                }
            }
        }
    }
}

/* The rows of the input that rows of the output meet. */
static struct range rows_met(const struct side *down, struct range rows)
{
    ptrdiff_t first = rows.first * down->step + down->first;
    ptrdiff_t last = (rows.end - 1) * down->step + down->first + (down->taps - 1) * down->reach;
    return overlap((struct range){first, last + 1}, (struct range){0, down->inputs});
}

/* The rows of the grid are those of all images. */
static void correlate_images(const void *job, struct part part)
{
    const struct correlation *c = job;
    ptrdiff_t height = c->down.inputs, width = c->right.inputs, end;
    struct padding padding = padding_of(&c->right);
    REAL *padded = NULL;
    if (padding.needed) {
        padded = allocate(height * padding.width * c->in_channels);
        if (!padded) {
            *c->enough = false;
            return;
        }
    }
    for (ptrdiff_t row = part.rows.first; row < part.rows.end; row = end) {
        ptrdiff_t n = row / c->down.outputs, top = n * c->down.outputs;
        const REAL *image = c->input + n * height * width * c->in_channels;
        REAL *output = c->output + n * c->out_height * c->out_width * c->out_channels;
        end = least(top + c->down.outputs, part.rows.end);
        struct range rows = {row - top, end - top};
        if (padding.needed) {
            pad(image, padded, rows_met(&c->down, rows), width, c->in_channels, &padding);
            image = padded;
        }
        correlate_rows(c, rows, part.columns, image, output, padding.width,
                       c->right.first + padding.left);
    }
    free(padded);
}

/* Small images: the rows of a tile are images, and only taps inside them are summed. The rows of
 * the grid are windows. */
static void correlate_windows(const void *job, struct part part)
{
    const struct correlation *c = job;
    const struct side *right = &c->right;
    const struct range channels = part.columns;
    for (ptrdiff_t g = 0; g < c->groups; g++) {
        struct strip s;
        for (ptrdiff_t f = channels.first; f < channels.end; f += s.count) {
            s = next_strip(c->samples, channels.end, f);
            for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++) {
                ptrdiff_t o = i / right->outputs, q = i % right->outputs;
                struct range taps = taps_inside(right, q);
                ptrdiff_t column = q * right->step + right->first + taps.first * right->reach;
                struct product p =
                    window_sums(c, c->input, right->inputs, o, taps.end ? column : 0, taps, g);
                p.c = c->output + output_at(c, o, q) + g * (c->out_channels / c->groups);
                p.a_row = c->down.inputs * right->inputs * c->in_channels;
                p.c_row = c->out_height * c->out_width * c->out_channels;
                multiply_strip(&p, c->samples, &s);
            }
        }
    }
}

/* Return true if tiles should hold images instead of the windows in a row: where rows are too short
 * for a tile, or many of their terms would be zeros beside the image. */
static bool short_rows(const struct side *right, ptrdiff_t samples)
{
    enum { ENOUGH_SAMPLES = 8, SHORT = 8, SHORT_WITH_PADDING = 16 };
    ptrdiff_t limit = padding_of(right).needed ? SHORT_WITH_PADDING : SHORT;
    return right->outputs < limit && samples >= ENOUGH_SAMPLES;
}

static bool depthwise(ptrdiff_t groups, ptrdiff_t channels, ptrdiff_t filters)
{
    return groups == channels && groups == filters;
}

/* The columns of the grid are the channels of a group; a part computes them for all groups. */
static struct grid correlation_grid(const struct correlation *c)
{
    ptrdiff_t rows = c->samples * c->down.outputs, outputs = rows * c->right.outputs;
    ptrdiff_t terms = c->down.taps * c->right.taps * (c->in_channels / c->groups);
    struct grid grid = {
        .run = correlate_images,
        .job = c,
        .rows = rows,
        .columns = c->out_channels / c->groups,
        .row_step = 1,
        .column_step = 2 * LANES,
        .work = outputs * c->out_channels * (1 + terms / PRODUCTS_PER_ELEMENT),
    };
    if (depthwise(c->groups, c->in_channels, c->out_channels)) {
        grid.run = correlate_depthwise;
    } else if (short_rows(&c->right, c->samples)) {
        grid.run = correlate_windows;
        grid.rows = c->down.outputs * c->right.outputs;
    }
    return grid;
}

#endif
