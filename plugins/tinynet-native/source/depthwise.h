/* Convolution where every channel is a group of its own, with one filter. It is not a matrix
 * product: the lanes of a vector are channels, which are independent. */
#ifndef TINYNET_NATIVE_DEPTHWISE_H
#define TINYNET_NATIVE_DEPTHWISE_H

#include "columns.h"
#include "geometry.h"

/* Output `o`, `q` of one image, of up to LANES channels from c on. */
INLINE vec depthwise_window(const struct correlation *c, const REAL *image, ptrdiff_t o,
                            ptrdiff_t q, ptrdiff_t first, ptrdiff_t lanes, bool whole)
{
    const struct side *down = &c->down, *right = &c->right;
    ptrdiff_t channels = c->in_channels;
    struct range rows = taps_inside(down, o), columns = taps_inside(right, q);
    vec sum = c->bias ? load_n(c->bias + first, lanes, whole) : (vec){0};
    for (ptrdiff_t t = rows.first; t < rows.end; t++) {
        ptrdiff_t line = (o * down->step + down->first + t * down->reach) * right->inputs;
        for (ptrdiff_t u = columns.first; u < columns.end; u++) {
            ptrdiff_t pixel = line + q * right->step + right->first + u * right->reach;
            const REAL *weight = c->weight + (t * right->taps + u) * channels + first;
            sum = fused(load_n(image + pixel * channels + first, lanes, whole),
                        load_n(weight, lanes, whole), sum);
        }
    }
    return rectified(sum, c->relu);
}

/* The rows of the grid are rows of outputs of all images. */
static void correlate_depthwise(const void *job, struct part part)
{
    const struct correlation *c = job;
    ptrdiff_t channels = c->in_channels, image_size = c->down.inputs * c->right.inputs * channels;
    ptrdiff_t output_size = c->out_height * c->out_width * channels;
    ptrdiff_t end = part.rows.end * c->right.outputs;
    for (ptrdiff_t i = part.rows.first * c->right.outputs; i < end; i++) {
        ptrdiff_t q = i % c->right.outputs, row = i / c->right.outputs;
        ptrdiff_t o = row % c->down.outputs, n = row / c->down.outputs;
        const REAL *image = c->input + n * image_size;
        REAL *output = c->output + n * output_size + output_at(c, o, q);
        ptrdiff_t first = 0;
        for (; first + LANES <= channels; first += LANES)
            store(output + first, depthwise_window(c, image, o, q, first, LANES, true));
        if (first < channels)
            store_first(output + first,
                        depthwise_window(c, image, o, q, first, channels - first, false),
                        channels - first);
    }
}

/* The gradient of cell (i, j) of dweight from image n, for up to LANES channels from `first` on. */
static vec depthwise_cell_gradient(const struct conv2d *args, ptrdiff_t n, ptrdiff_t i, ptrdiff_t j,
                                   ptrdiff_t first)
{
    const struct axis *down = &args->down, *right = &args->right;
    struct range rows = windows_inside(down, i), columns = windows_inside(right, j);
    ptrdiff_t channels = args->channels;
    struct column c = {.step = right->stride * channels,
                       .dy_step = channels,
                       .lanes = least(LANES, channels - first)};
    vec sum = {0};
    for (ptrdiff_t o = rows.first; o < rows.end; o++) {
        ptrdiff_t y = n * down->pixels + o * down->stride + i * down->dilation - down->padding;
        ptrdiff_t x = columns.first * right->stride + j * right->dilation - right->padding;
        ptrdiff_t window = (n * down->windows + o) * right->windows + columns.first;
        c.x = args->x + (y * right->pixels + x) * channels + first;
        c.dy = args->dy + window * channels + first;
        sum += sum_rows(&c, 0, columns.end - columns.first, term_product);
    }
    return sum;
}

/* Compute some cells of dweight, one image after the other. */
static void depthwise_weight_gradient(const struct conv2d *args, struct range cells)
{
    ptrdiff_t channels = args->channels;
    clear(args->dweight + cells.first * channels, (cells.end - cells.first) * channels);
    for (ptrdiff_t n = 0; n < args->samples; n++) {
        for (ptrdiff_t cell = cells.first; cell < cells.end; cell++) {
            ptrdiff_t i = cell / args->right.cells, j = cell % args->right.cells;
            for (ptrdiff_t first = 0; first < channels; first += LANES) {
                REAL *dweight = args->dweight + cell * channels + first;
                ptrdiff_t lanes = least(LANES, channels - first);
                vec sum = load_first(dweight, lanes);
                sum += depthwise_cell_gradient(args, n, i, j, first);
                store_first(dweight, sum, lanes);
            }
        }
    }
}

#endif
