/* The gradient of a weight of 3 x 3 cells in tiles; see square_tiles.h. */
#ifndef TINYNET_NATIVE_SQUARE_GRADIENTS_H
#define TINYNET_NATIVE_SQUARE_GRADIENTS_H

#include "square_tiles.h"

struct square_gradients {
    const struct conv2d *args;
    struct side down, right;
    struct shares shares; /* of the rows of tiles; their sums are (PLACES, channels, filters) */
    atomic_bool *enough;  /* set to false if memory runs out */
};

/* The gradient of a weight, before its sums are computed. */
static struct square_gradients square_gradients_of(const struct conv2d *args, atomic_bool *enough)
{
    struct square_gradients job = {
        .args = args,
        .down = forward_side(&args->down),
        .right = forward_side(&args->right),
        .enough = enough,
    };
    const struct squares s = squares_of(&job.down, &job.right);
    job.shares = shares_of(args->samples * s.rows, s.right.in_row * SQUARE * SQUARE,
                           PLACES * args->channels * args->filters, weight_size(args));
    return job;
}

/* Rows of tiles to transform at a time: more than for outputs, since the sums of all places are
 * read and written for each. */
static ptrdiff_t gradient_rows_at_once(const struct squares *s, const struct conv2d *args)
{
    ptrdiff_t in_row = PLACES * s->right.in_row * (args->channels + args->filters);
    return greatest(1, 2 * CACHED / in_row);
}

/* Leave uneven tiles out of the transformed ones, and add to `share` what they give. */
static void move_uneven_squares(struct square_gradients *job, ptrdiff_t share,
                                const struct squares *s, const struct scenery *x,
                                const struct scenery *dy, struct range rows, REAL *pixels,
                                REAL *gradients)
{
    ptrdiff_t tiles = (rows.end - rows.first) * s->right.in_row;
    for (ptrdiff_t row = rows.first; row < rows.end; row++) {
        struct tile_pixels a = square_pixels(s, x, row, POINTS);
        struct tile_pixels b = square_pixels(s, dy, row, SQUARE);
        REAL a_square = bright_square_of_row(&a), b_square = bright_square_of_row(&b);
        for (ptrdiff_t tile = 0; tile < s->right.in_row; tile++) {
            struct outputs o = square_outputs(s, row, tile, dy->height, dy->width);
            if (is_uneven_gradient(a, b, &o, a_square, b_square)) {
                add_directly(job->args, &o, direct_sums(&job->shares, share));
                clear_tile(pixels, PLACES, place_step(tiles, x->channels), x->channels);
                clear_tile(gradients, PLACES, place_step(tiles, dy->channels), dy->channels);
            }
            next_square(&a), next_square(&b);
            pixels += x->channels, gradients += dy->channels;
        }
    }
}

/* Return true if all tiles of some rows are surely even. */
static bool are_even_gradients(const struct squares *s, const struct scenery *x,
                               const struct scenery *dy, struct range rows)
{
    ptrdiff_t fewest = least((dy->height - 1) % SQUARE, (dy->width - 1) % SQUARE) + 1;
    return fewest > TOO_FEW_OUTPUTS && are_even(s, x, rows, POINTS, least(POINTS / 2, fewest))
           && are_even(s, dy, rows, SQUARE, least(SQUARE / 2, fewest - 1));
}

/* The rows of the grid are shares. */
static void sum_squares(const void *given, struct part part)
{
    struct square_gradients *job = (struct square_gradients *)given; /* with shares of its own */
    const struct conv2d *args = job->args;
    struct squares s = squares_of(&job->down, &job->right);
    ptrdiff_t in = args->channels, out = args->filters;
    s.most = least(job->shares.rows, gradient_rows_at_once(&s, args));
    ptrdiff_t tiles = s.most * s.right.in_row;
    ptrdiff_t row = greatest(args->right.pixels * in, args->right.windows * out);
    ptrdiff_t places = PLACES * (place_step(tiles, in) + place_step(tiles, out));
    REAL *pixels = allocate(places + line_elements(row) + row);
    if (!pixels) {
        *job->enough = false;
        return;
    }
    REAL *gradients = pixels + PLACES * place_step(tiles, in);
    s.lines = pixels + places;
    REAL *zeros = s.lines + line_elements(row);
    memset(zeros, 0, (size_t)row * sizeof(REAL));
    const struct scenery x = {args->x, args->down.pixels, args->right.pixels,
                              in,      job->down.first,   job->right.first,
                              zeros};
    const struct scenery dy = {args->dy, args->down.windows, args->right.windows, out, 0, 0, zeros};
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++) {
        struct range share = share_of(&job->shares, i);
        for (ptrdiff_t first = share.first; first < share.end; first += s.most) {
            struct range some = {first, least(first + s.most, share.end)};
            bool even = are_even_gradients(&s, &x, &dy, some);
            transform_squares(&s, &x, some, POINTS, transform_pixels, pixels);
            transform_squares(&s, &dy, some, SQUARE, evaluate, gradients);
            if (!even)
                move_uneven_squares(job, i, &s, &x, &dy, some, pixels, gradients);
            add_tile_products(pixels, gradients, (some.end - some.first) * s.right.in_row, PLACES,
                              in, out, first == share.first,
                              job->shares.sums + i * job->shares.size);
        }
    }
    free(pixels);
}

/* Transform the sums into the gradient of the weight. */
static void finish_squares(const struct square_gradients *job)
{
    ptrdiff_t size = job->args->channels * job->args->filters;
    const REAL *from[POINTS];
    REAL *to[POINTS];
    add_shares(&job->shares);
    for (int line = 0; line < POINTS; line++) {
        for (int i = 0; i < POINTS; i++)
            from[i] = to[i] = job->shares.sums + (line * POINTS + i) * size;
        transform_arrays(from, size, 3, true, collect_cells, to);
    }
    for (int i = 0; i < POINTS; i++)
        from[i] = job->shares.sums + i * POINTS * size;
    for (int i = 0; i < 3; i++)
        to[i] = job->args->dweight + i * 3 * size;
    transform_arrays(from, 3 * size, 3, true, collect_cells, to);
    add_direct_sums(&job->shares, job->args->dweight);
}

static bool gradients_in_squares(const struct conv2d *args)
{
    const struct side down = forward_side(&args->down), right = forward_side(&args->right);
    return args->dweight && args->samples > 0
           && worth_squares(args->groups, args->channels, args->filters, &down, &right);
}

static struct grid square_gradient_grid(const struct square_gradients *job)
{
    const struct conv2d *args = job->args;
    const struct squares s = squares_of(&job->down, &job->right);
    return (struct grid){
        .run = sum_squares,
        .job = job,
        .rows = job->shares.count,
        .columns = 1,
        .row_step = 1,
        .work = args->samples * s.rows * s.right.in_row * PLACES * args->filters
                * (1 + args->channels / PRODUCTS_PER_ELEMENT),
    };
}

#endif
