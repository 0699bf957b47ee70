/* The gradient of a convolution's input: a correlation of dy with the reversed kernel, one for each
 * phase of the strides. */
#ifndef TINYNET_NATIVE_INPUT_GRADIENT_H
#define TINYNET_NATIVE_INPUT_GRADIENT_H

#include "columns.h"
#include "geometry.h"

/* The cells of a kernel that meet every `stride`-th pixel from `phase` on, in reverse order. */
struct phase {
    struct side side;
    ptrdiff_t last_cell, cell_step; /* tap t is cell last_cell - t * cell_step */
};

/* Pixel phase + o * stride was met by cell i of window o + (phase + padding - i * dilation) /
 * stride, for those i where that is a whole number: dx is a correlation for each phase. */
static struct phase gradient_phase(const struct axis *a, ptrdiff_t phase)
{
    ptrdiff_t last = 0, step = 1, taps = 0;
    for (ptrdiff_t cell = a->cells - 1; cell >= 0; cell--) {
        if ((phase + a->padding - cell * a->dilation) % a->stride != 0)
            continue;
        if (taps == 1)
            step = last - cell;
        if (taps == 0)
            last = cell;
        taps++;
    }
    ptrdiff_t first = taps ? (phase + a->padding - last * a->dilation) / a->stride : 0;
    ptrdiff_t reach = taps > 1 ? step * a->dilation / a->stride : 1;
    ptrdiff_t outputs = (a->pixels - phase + a->stride - 1) / a->stride;
    return (struct phase){
        {a->windows, outputs, taps, 1, first, reach, phase, a->stride}, last, step};
}

/* Copy the cells of one phase of a weight (kh, kw, C / G, F) as (taps, taps, F / G, C). */
static void turn_weight(const struct conv2d *args, const struct phase *down,
                        const struct phase *right, REAL *turned)
{
    ptrdiff_t groups = args->groups;
    ptrdiff_t channels = args->channels / groups, filters = args->filters / groups;
    for (ptrdiff_t t = 0; t < down->side.taps; t++) {
        for (ptrdiff_t u = 0; u < right->side.taps; u++) {
            ptrdiff_t row = down->last_cell - t * down->cell_step;
            ptrdiff_t column = right->last_cell - u * right->cell_step;
            const REAL *cell =
                args->weight + (row * args->right.cells + column) * channels * args->filters;
            for (ptrdiff_t g = 0; g < groups; g++)
                transpose(cell + g * filters, args->filters, turned + g * channels, args->channels,
                          channels, filters);
            turned += filters * args->channels;
        }
    }
}

static ptrdiff_t weight_size(const struct conv2d *args)
{
    return args->down.cells * args->right.cells * args->channels / args->groups * args->filters;
}

static struct correlation input_gradient_phase(const struct conv2d *args, const struct phase *down,
                                               const struct phase *right)
{
    return (struct correlation){
        .samples = args->samples,
        .groups = args->groups,
        .in_channels = args->filters,
        .out_channels = args->channels,
        .down = down->side,
        .right = right->side,
        .input = args->dy,
        .weight = args->weight,
        .bias = NULL,
        .output = args->dx,
        .out_height = args->down.pixels,
        .out_width = args->right.pixels,
    };
}

#endif
