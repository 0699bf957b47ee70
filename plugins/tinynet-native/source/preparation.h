/* Weights of correlations in the form in which they are read: reversed for the gradient of an
 * input, and transformed for tiles.
 *
 * Each thread prepares a weight for itself. Memory that one thread writes and others read passes
 * from cache to cache line by line, and again when it is next written, which takes several times as
 * long as the preparation where processors share no cache.
 */
#ifndef TINYNET_NATIVE_PREPARATION_H
#define TINYNET_NATIVE_PREPARATION_H

#include "input_gradient.h"
#include "square_tiles.h"
#include "thread_pool.h"

struct preparation {
    const struct conv2d *args;
    const struct phase *down, *right; /* if it is the gradient of an input; else NULL */
    part_function *run;               /* computes a part from the prepared weight */
    REAL *own[MOST_THREADS];          /* the weight of each thread that prepared it */
};

/* Elements of a transformed weight, and room to transform it. */
static ptrdiff_t transformed_size(const struct correlation *c)
{
    ptrdiff_t places = in_squares(c) ? PLACES + PLACES / 2 : in_row_tiles(c) ? POINTS : 0;
    return places * c->in_channels * c->out_channels;
}

/* Return the prepared weight, and then the reversed one, in new memory; NULL if there is too
 * little. */
static REAL *prepare(const struct preparation *p, const struct correlation *c)
{
    ptrdiff_t size = c->in_channels * c->out_channels, turned = p->down ? weight_size(p->args) : 0;
    bool squares = in_squares(c), rows = in_row_tiles(c);
    REAL *prepared = allocate(transformed_size(c) + turned);
    const REAL *weight = c->weight;
    if (prepared && turned) {
        turn_weight(p->args, p->down, p->right, prepared + transformed_size(c));
        weight = prepared + transformed_size(c);
    }
    if (prepared && squares)
        transform_square_weight(weight, size, prepared);
    else if (prepared && rows)
        transform_row_weight(weight, (int)c->right.taps, size, prepared);
    return prepared;
}

static void correlate_prepared(const void *job, struct part part)
{
    struct correlation c = *(const struct correlation *)job;
    struct preparation *p = c.preparation;
    REAL **own = &p->own[thread_number()];
    if (!*own)
        *own = prepare(p, &c);
    if (!*own) {
        *c.enough = false;
        return;
    }
    c.untransformed = p->down ? *own + transformed_size(&c) : c.weight;
    c.weight = *own;
    p->run(&c, part);
}

/* The grid of a correlation, in tiles if it is worth it. */
static struct grid tiled_grid(const struct correlation *c)
{
    if (in_squares(c))
        return square_grid(c);
    return in_row_tiles(c) ? row_tile_grid(c) : correlation_grid(c);
}

/* The grid of a correlation whose weight is prepared if that is needed. */
static struct grid prepared_grid(struct correlation *c, struct preparation *p)
{
    struct grid grid = tiled_grid(c);
    grid.shared = weight_size(p->args);
    if (p->down || in_squares(c) || in_row_tiles(c)) {
        c->preparation = p;
        p->run = grid.run;
        grid.run = correlate_prepared;
    }
    return grid;
}

static void free_weights(const struct preparation *p)
{
    for (int i = 0; i < MOST_THREADS; i++)
        if (p->own[i])
            free(p->own[i]);
}

#endif
