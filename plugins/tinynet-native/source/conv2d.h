/* Convolution, forward and backward. */
#ifndef TINYNET_NATIVE_CONV2D_H
#define TINYNET_NATIVE_CONV2D_H

#include "correlation.h"
#include "input_gradient.h"
#include "parameter_gradients.h"
#include "preparation.h"
#include "square_gradients.h"

/* Treat an image as one long row where each window is a pixel, so that tiles are full. */
static struct conv2d without_needless_rows(const struct conv2d *args)
{
    struct conv2d flat = *args;
    const struct axis *down = &args->down, *right = &args->right;
    if (down->cells == 1 && down->stride == 1 && down->padding == 0 && right->cells == 1
        && right->stride == 1 && right->padding == 0 && down->windows == down->pixels
        && right->windows == right->pixels) {
        flat.right.pixels = flat.right.windows = right->pixels * down->pixels;
        flat.down.pixels = flat.down.windows = 1;
    }
    return flat;
}

static bool conv2d(const struct conv2d *given)
{
    const struct conv2d copy = without_needless_rows(given), *args = &copy;
    atomic_bool enough = true;
    struct correlation c = {
        .samples = args->samples,
        .groups = args->groups,
        .in_channels = args->channels,
        .out_channels = args->filters,
        .down = forward_side(&args->down),
        .right = forward_side(&args->right),
        .relu = args->relu,
        .input = args->x,
        .weight = args->weight,
        .bias = args->bias,
        .output = args->y,
        .out_height = args->down.windows,
        .out_width = args->right.windows,
        .enough = &enough,
    };
    struct preparation preparation = {.args = args};
    run_grids((struct grid[]){prepared_grid(&c, &preparation)}, 1);
    free_weights(&preparation);
    return enough;
}

/* Run the grids together with the first phase of dx, for which there is room behind them, and then
 * the other phases one by one: each reverses its own cells of the weight. */
static void run_with_input_gradient(const struct conv2d *args, struct grid *grids, int count,
                                    atomic_bool *enough)
{
    for (ptrdiff_t i = 0; i < least(args->down.stride, args->down.pixels); i++) {
        for (ptrdiff_t j = 0; j < least(args->right.stride, args->right.pixels); j++) {
            struct phase down = gradient_phase(&args->down, i);
            struct phase right = gradient_phase(&args->right, j);
            struct correlation c = input_gradient_phase(args, &down, &right);
            struct preparation preparation = {args, &down, &right, NULL, {NULL}};
            c.enough = enough;
            grids[count] = prepared_grid(&c, &preparation);
            run_grids(grids, count + 1);
            free_weights(&preparation);
            count = 0;
        }
    }
}

/* Run some grids, with room for two more behind them, together with those of the gradients. */
static void run_gradients(const struct conv2d *args, struct grid *grids, int count,
                          atomic_bool *enough)
{
    struct parameter_gradients job = {.args = args, .enough = enough};
    if (args->dweight || args->dbias)
        grids[count++] = parameter_grid(&job);
    struct depthwise_gradient of_input = {args, enough};
    if (args->dx && depthwise(args->groups, args->channels, args->filters)) {
        grids[count] = depthwise_input_grid(&of_input);
        run_grids(grids, count + 1);
    } else if (args->dx) {
        run_with_input_gradient(args, grids, count, enough);
    } else {
        run_grids(grids, count);
    }
}

/* All gradients, that of the weight in squares. */
static bool backward_in_squares(const struct conv2d *given)
{
    struct conv2d args = *given;
    atomic_bool enough = true;
    struct square_gradients tiles = square_gradients_of(given, &enough);
    if (!tiles.shares.sums)
        return false;
    args.dweight = NULL;
    run_gradients(&args, (struct grid[3]){square_gradient_grid(&tiles)}, 1, &enough);
    finish_squares(&tiles);
    free(tiles.shares.sums);
    return enough;
}

/* The same in tiles of rows. */
static bool backward_in_row_tiles(const struct conv2d *given)
{
    struct conv2d args = *given;
    atomic_bool enough = true;
    struct row_tile_gradients tiles = row_tile_gradients_of(given, &enough);
    if (!tiles.shares.sums)
        return false;
    args.dweight = NULL;
    run_gradients(&args, (struct grid[3]){row_gradient_grid(&tiles)}, 1, &enough);
    finish_row_tiles(&tiles);
    free(tiles.shares.sums);
    return enough;
}

static bool conv2d_backward(const struct conv2d *given)
{
    const struct conv2d args = without_needless_rows(given);
    atomic_bool enough = true;
    if (gradients_in_squares(&args))
        return backward_in_squares(&args);
    if (gradients_in_row_tiles(&args))
        return backward_in_row_tiles(&args);
    run_gradients(&args, (struct grid[2]){{0}}, 0, &enough);
    return enough;
}

#endif
