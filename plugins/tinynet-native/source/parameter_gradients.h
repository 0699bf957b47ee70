/* The gradients of a convolution's weight and bias: products that sum over windows. */
#ifndef TINYNET_NATIVE_PARAMETER_GRADIENTS_H
#define TINYNET_NATIVE_PARAMETER_GRADIENTS_H

#include "correlation.h"
#include "input_gradient.h"

struct parameter_gradients {
    const struct conv2d *args;
    bool joined;         /* the cells of a row of the kernel are computed together */
    atomic_bool *enough; /* set to false if memory runs out */
};

enum { FEW_CHANNELS = MOST_OF_2 /* fewer rows than a tile can have */ };

/* The images that windows lie on, and their dy. */
struct scene {
    const REAL *images, *dy;
    ptrdiff_t samples;
    ptrdiff_t width,
        origin; /* of an image, and the column where window 0 begins, maybe before it */
    bool first; /* nothing has been summed before */
};

/* Add the sums over these rows and columns of windows to some filters of cell (i, j) of dweight; if
 * cells are joined, to all cells of row i from j on, whose pixels lie side by side. */
static void add_cell_gradient(const struct parameter_gradients *job, const struct scene *scene,
                              ptrdiff_t i, ptrdiff_t j, struct range rows, struct range columns,
                              struct range filters)
{
    const struct conv2d *args = job->args;
    const struct axis *down = &args->down, *right = &args->right;
    ptrdiff_t channels = args->channels / args->groups, in_group = args->filters / args->groups;
    ptrdiff_t line = scene->width * args->channels, dy_line = right->windows * args->filters;
    ptrdiff_t y = rows.first * down->stride + i * down->dilation - down->padding;
    ptrdiff_t x = columns.first * right->stride + j * right->dilation + scene->origin;
    bool none = rows.first >= rows.end || columns.first >= columns.end;
    if (none && !scene->first)
        return;
    for (ptrdiff_t g = 0; g < args->groups; g++) {
        ptrdiff_t f = g * in_group + filters.first;
        REAL *c = args->dweight + (i * right->cells + j) * channels * args->filters + f;
        struct product p = {
            .a = scene->images + y * line + x * args->channels + g * channels,
            .b = scene->dy + rows.first * dy_line + columns.first * args->filters + f,
            .start = scene->first ? NULL : c,
            .c = c,
            .a_row = 1,
            .start_row = args->filters,
            .c_row = args->filters,
            .outer = {none ? 0 : scene->samples, down->pixels * line, down->windows * dy_line},
            .middle = {rows.end - rows.first, down->stride * line, dy_line},
            .inner = {columns.end - columns.first, right->stride * args->channels, args->filters},
        };
        multiply(&p, job->joined ? right->cells * channels : channels, filters.end - filters.first);
    }
}

/* Add the sums over so many windows to dbias. `filters` are some of those of a group; dbias has
 * `groups` times as many elements for them. */
static void add_bias_gradient(const struct conv2d *args, const REAL *dy, ptrdiff_t windows,
                              struct range filters)
{
    ptrdiff_t first = filters.first * args->groups, end = filters.end * args->groups;
    add_columns(dy + first, args->filters, windows, end - first, args->dbias + first);
}

/* One image, as many rows at a time as stay in the cache. */
static void add_gradient_of_one(const struct parameter_gradients *job, struct scene scene,
                                struct part part)
{
    const struct axis *down = &job->args->down, *right = &job->args->right;
    ptrdiff_t at_once = rows_at_once(right->windows * job->args->filters
                                     + down->stride * scene.width * job->args->channels);
    ptrdiff_t in_row = job->joined ? 1 : right->cells;
    for (ptrdiff_t begin = 0; begin < down->windows; begin += at_once) {
        for (ptrdiff_t cell = part.rows.first; cell < part.rows.end; cell++) {
            ptrdiff_t i = cell / in_row, j = cell % in_row;
            struct range some = {begin, begin + at_once}, all = {0, right->windows};
            add_cell_gradient(job, &scene, i, j, overlap(some, windows_inside(down, i)),
                              job->joined ? all : windows_inside(right, j), part.columns);
        }
        scene.first = false;
    }
}

/* One image after the other, so that dbias finds in the cache what dweight has read. If cells are
 * joined, an image lies between columns of zeros; else sums run only over pixels inside. */
static void gradients_of_each(const void *given, struct part part)
{
    const struct parameter_gradients *job = given;
    const struct conv2d *args = job->args;
    const struct axis *down = &args->down, *right = &args->right;
    struct side side = forward_side(right);
    struct padding padding = padding_of(&side);
    ptrdiff_t windows = down->windows * right->windows, pixels = down->pixels * right->pixels;
    struct scene scene = {.samples = 1, .width = right->pixels, .origin = -right->padding};
    REAL *padded = NULL;
    if (job->joined && padding.needed) {
        padded = allocate(down->pixels * padding.width * args->channels);
        if (!padded) {
            *job->enough = false;
            return;
        }
        scene.width = padding.width;
        scene.origin = side.first + padding.left;
    }
    for (ptrdiff_t n = 0; n < args->samples; n++) {
        scene.images = args->x + n * pixels * args->channels;
        scene.dy = args->dy + n * windows * args->filters;
        scene.first = n == 0;
        if (padded) {
            struct range all = {0, down->pixels};
            pad(scene.images, padded, all, right->pixels, args->channels, &padding);
            scene.images = padded;
        }
        add_gradient_of_one(job, scene, part);
        if (args->dbias && part.rows.first == 0)
            add_bias_gradient(args, scene.dy, windows, part.columns);
    }
    free(padded);
}

static void bias_gradient(const void *given, struct part part)
{
    const struct conv2d *args = ((const struct parameter_gradients *)given)->args;
    ptrdiff_t windows = args->samples * args->down.windows * args->right.windows;
    add_bias_gradient(args, args->dy, windows, part.columns);
}

/* Short rows of windows: sums run over all images, and only over pixels inside. */
static void gradients_of_all(const void *given, struct part part)
{
    const struct parameter_gradients *job = given;
    const struct conv2d *args = job->args;
    const struct axis *down = &args->down, *right = &args->right;
    struct scene scene = {args->x, args->dy, args->samples, right->pixels, -right->padding, true};
    for (ptrdiff_t cell = part.rows.first; cell < part.rows.end; cell++) {
        ptrdiff_t i = cell / right->cells, j = cell % right->cells;
        add_cell_gradient(job, &scene, i, j, windows_inside(down, i), windows_inside(right, j),
                          part.columns);
    }
    if (args->dbias && part.rows.first == 0)
        bias_gradient(given, part);
}

static void depthwise_gradients(const void *given, struct part part)
{
    const struct parameter_gradients *job = given;
    const struct conv2d *args = job->args;
    if (!depthwise_weight_gradient(args, part.columns))
        *job->enough = false;
    if (args->dbias) {
        ptrdiff_t windows = args->samples * args->down.windows * args->right.windows;
        ptrdiff_t first = part.columns.first, count = part.columns.end - first;
        add_columns(args->dy + first, args->channels, windows, count, args->dbias + first);
    }
}

/* The rows of the grid are cells of the kernel, or its rows if cells are joined; its columns are
 * the filters of a group, or all channels if each is a group. With few channels, joined cells make
 * higher tiles. */
static struct grid parameter_grid(struct parameter_gradients *job)
{
    const struct conv2d *args = job->args;
    const struct side right = forward_side(&args->right);
    ptrdiff_t cells = args->down.cells * args->right.cells,
              in_group = args->channels / args->groups;
    ptrdiff_t windows = args->samples * args->down.windows * args->right.windows;
    struct grid grid = {
        .run = gradients_of_each,
        .job = job,
        .rows = cells,
        .columns = args->filters / args->groups,
        .row_step = 1,
        .column_step = 2 * LANES,
        .work = windows * args->filters
                * (1 + (args->dweight ? cells * in_group / PRODUCTS_PER_ELEMENT : 0)),
    };
    job->joined = false;
    if (args->dbias)
        clear(args->dbias, args->filters);
    if (!args->dweight) {
        grid.run = bias_gradient;
        grid.row_step = 0;
    } else if (windows == 0) {
        clear(args->dweight, weight_size(args));
        grid.rows = 0;
    } else if (depthwise(args->groups, args->channels, args->filters)) {
        grid.run = depthwise_gradients;
        grid.rows = 1;
        grid.columns = args->channels;
        grid.column_step = LANES;
    } else if (short_rows(&right, args->samples)) {
        grid.run = gradients_of_all;
    } else if (args->right.dilation == 1 && args->groups == 1 && in_group < FEW_CHANNELS) {
        job->joined = true;
        grid.rows = args->down.cells;
    }
    return grid;
}

#endif
