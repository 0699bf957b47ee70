/* The gradient of a weight of 3 x 3 cells in tiles; see winograd.h. */
#ifndef TINYNET_NATIVE_TILE_GRADIENTS_H
#define TINYNET_NATIVE_TILE_GRADIENTS_H

#include "winograd.h"

struct tile_gradients {
    const struct conv2d *args;
    struct side down, right;
    REAL *transformed;   /* the gradient of the transformed weight, (16, channels, filters) */
    atomic_bool *enough; /* set to false if memory runs out */
};

/* Rows of tiles to transform at a time: more than for outputs, since the sums of all places are
 * read and written for each. */
static ptrdiff_t gradient_rows_at_once(const struct tiling *t, const struct conv2d *args)
{
    ptrdiff_t in_row = PLACES * t->in_row * (args->channels + args->filters);
    return least(t->rows, greatest(1, 2 * CACHED / in_row));
}

/* The sums over all tiles. The rows of the grid are places in the transformed weight. */
static void sum_tiles(const void *given, struct part part)
{
    const struct tile_gradients *job = given;
    const struct conv2d *args = job->args;
    const struct tiling t = tiling_of(&job->down, &job->right);
    ptrdiff_t in = args->channels, out = args->filters, most = gradient_rows_at_once(&t, args);
    ptrdiff_t tiles = most * t.in_row, widest = greatest(in, out);
    REAL *pixels = allocate(PLACES * tiles * (in + out) + widest);
    if (!pixels) {
        *job->enough = false;
        return;
    }
    REAL *gradients = pixels + PLACES * tiles * in, *zeros = gradients + PLACES * tiles * out;
    struct image x = {NULL, args->down.pixels, args->right.pixels, in, zeros};
    struct image dy = {NULL, args->down.windows, args->right.windows, out, zeros};
    memset(zeros, 0, (size_t)widest * sizeof(REAL));
    for (ptrdiff_t n = 0; n < args->samples; n++) {
        x.pixels = args->x + n * x.height * x.width * in;
        dy.pixels = args->dy + n * dy.height * dy.width * out;
        for (ptrdiff_t row = 0; row < t.rows; row += most) {
            struct range rows = {row, least(row + most, t.rows)};
            tiles = (rows.end - rows.first) * t.in_row;
            transform_inputs(&t, &x, rows, pixels);
            transform_image(&t, &dy, rows, 0, 0, 2, transform_gradients, gradients);
            for (ptrdiff_t place = part.rows.first; place < part.rows.end; place++) {
                REAL *sum = job->transformed + place * in * out;
                struct product p = {
                    .a = pixels + place * tiles * in,
                    .b = gradients + place * tiles * out,
                    .start = n == 0 && row == 0 ? NULL : sum,
                    .c = sum,
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
    }
    free(pixels);
}

/* Transform the sums into the gradient of the weight. */
static void finish_tile_gradients(const struct tile_gradients *job)
{
    ptrdiff_t size = job->args->channels * job->args->filters;
    const REAL *places[PLACES];
    for (int i = 0; i < PLACES; i++)
        places[i] = job->transformed + i * size;
    transform_square(places, 4, job->args->dweight, size, 3, transform_cell_gradients, size);
}

static bool gradients_in_tiles(const struct conv2d *args)
{
    const struct side down = forward_side(&args->down), right = forward_side(&args->right);
    return args->dweight && args->samples > 0
           && worth_tiling(args->groups, args->channels, args->filters, &down, &right);
}

static struct grid tile_gradient_grid(const struct tile_gradients *job)
{
    const struct conv2d *args = job->args;
    const struct tiling t = tiling_of(&job->down, &job->right);
    return (struct grid){
        .run = sum_tiles,
        .job = job,
        .rows = PLACES,
        .columns = 1,
        .row_step = 1,
        .work = args->samples * t.rows * t.in_row * PLACES * args->filters
                * (1 + args->channels / PRODUCTS_PER_ELEMENT),
    };
}

#endif
