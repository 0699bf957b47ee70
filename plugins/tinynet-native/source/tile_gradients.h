/* The gradient of a weight of 3 x 3 cells in tiles; see winograd.h. */
#ifndef TINYNET_NATIVE_TILE_GRADIENTS_H
#define TINYNET_NATIVE_TILE_GRADIENTS_H

#include "winograd.h"

struct tile_gradients {
    const struct conv2d *args;
    struct side down, right;
    struct shares shares; /* of the rows of tiles; their sums are (16, channels, filters) */
    atomic_bool *enough;  /* set to false if memory runs out */
};

/* The gradient of a weight, before its sums are computed. */
static struct tile_gradients tile_gradients_of(const struct conv2d *args, atomic_bool *enough)
{
    struct tile_gradients job = {
        .args = args,
        .down = forward_side(&args->down),
        .right = forward_side(&args->right),
        .enough = enough,
    };
    const struct tiling t = tiling_of(&job.down, &job.right);
    job.shares =
        shares_of(args->samples * t.rows, t.in_row, PLACES * args->channels * args->filters);
    return job;
}

/* Rows of tiles to transform at a time: more than for outputs, since the sums of all places are
 * read and written for each. */
static ptrdiff_t gradient_rows_at_once(const struct tiling *t, const struct conv2d *args)
{
    ptrdiff_t in_row = PLACES * t->in_row * (args->channels + args->filters);
    return least(t->rows, greatest(1, 2 * CACHED / in_row));
}

/* Memory for the tiles of some rows: transformed pixels and gradients, and a pixel of zeros. */
struct transformed_tiles {
    REAL *pixels, *gradients, *zeros;
    ptrdiff_t most; /* rows */
};

/* The sums over some rows of tiles of all images. */
static void sum_tile_rows(const struct tile_gradients *job, struct range share,
                          const struct transformed_tiles *memory, REAL *sums)
{
    const struct conv2d *args = job->args;
    const struct tiling t = tiling_of(&job->down, &job->right);
    ptrdiff_t in = args->channels, out = args->filters, end;
    struct image x = {NULL, args->down.pixels, args->right.pixels, in, memory->zeros};
    struct image dy = {NULL, args->down.windows, args->right.windows, out, memory->zeros};
    for (ptrdiff_t row = share.first; row < share.end; row = end) {
        ptrdiff_t n = row / t.rows, top = n * t.rows;
        end = least(least(top + t.rows, share.end), row + memory->most);
        struct range rows = {row - top, end - top};
        ptrdiff_t tiles = (end - row) * t.in_row;
        x.pixels = args->x + n * x.height * x.width * in;
        dy.pixels = args->dy + n * dy.height * dy.width * out;
        transform_inputs(&t, &x, rows, memory->pixels);
        transform_image(&t, &dy, rows, 0, 0, 2, transform_gradients, memory->gradients);
        add_tile_products(memory->pixels, memory->gradients, tiles, PLACES, in, out,
                          row == share.first, sums);
    }
}

/* The rows of the grid are shares. */
static void sum_tiles(const void *given, struct part part)
{
    const struct tile_gradients *job = given;
    const struct conv2d *args = job->args;
    const struct tiling t = tiling_of(&job->down, &job->right);
    ptrdiff_t in = args->channels, out = args->filters;
    struct transformed_tiles memory = {.most = gradient_rows_at_once(&t, args)};
    ptrdiff_t places = PLACES * memory.most * t.in_row, widest = greatest(in, out);
    memory.pixels = allocate(places * (in + out) + widest);
    if (!memory.pixels) {
        *job->enough = false;
        return;
    }
    memory.gradients = memory.pixels + places * in;
    memory.zeros = memory.gradients + places * out;
    memset(memory.zeros, 0, (size_t)widest * sizeof(REAL));
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        sum_tile_rows(job, share_of(&job->shares, i), &memory,
                      job->shares.sums + i * job->shares.size);
    free(memory.pixels);
}

/* Transform the sums into the gradient of the weight. */
static void finish_tile_gradients(const struct tile_gradients *job)
{
    ptrdiff_t size = job->args->channels * job->args->filters;
    const REAL *places[PLACES];
    add_shares(&job->shares);
    for (int i = 0; i < PLACES; i++)
        places[i] = job->shares.sums + i * size;
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
        .rows = job->shares.count,
        .columns = 1,
        .row_step = 1,
        .work = args->samples * t.rows * t.in_row * PLACES * args->filters
                * (1 + args->channels / PRODUCTS_PER_ELEMENT),
    };
}

#endif
