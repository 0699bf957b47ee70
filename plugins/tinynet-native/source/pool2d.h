/* Pooling, forward and backward: one pass over the image and one over the output. */
#ifndef TINYNET_NATIVE_POOL2D_H
#define TINYNET_NATIVE_POOL2D_H

#include "geometry.h"

/* Return true if windows lie side by side from the first pixel on. */
INLINE bool tiled(const struct axis *a)
{
    return a->stride == a->cells && a->dilation == 1 && a->padding == 0;
}

_Static_assert(WINNER_STEP % LANES == 0, "winners are written a whole vector at a time");

struct window {
    struct range down, right;  /* its cells on the image */
    ptrdiff_t row_of_cells;    /* all cells in a row of it */
    ptrdiff_t image;           /* where cell (0, 0) is in x or dx, maybe before the image */
    ptrdiff_t line, pixel;     /* steps from cell to cell */
    ptrdiff_t output, winners; /* where it is in y or dy, and in winners */
};

/* Computes up to LANES channels of one window, from channel c on. */
typedef void window_function(const struct pool2d *, const struct window *, ptrdiff_t c,
                             ptrdiff_t lanes, bool whole);

/* Where cell (i, j) is in x or dx. */
INLINE ptrdiff_t cell_at(const struct window *w, ptrdiff_t i, ptrdiff_t j)
{
    return w->image + i * w->line + j * w->pixel;
}

static void zero(const struct pool2d *args, ptrdiff_t sample, ptrdiff_t row, ptrdiff_t column,
                 ptrdiff_t pixels)
{
    ptrdiff_t first = (sample * args->down.pixels + row) * args->right.pixels + column;
    if (pixels > 0)
        memset(args->dx + first * args->channels, 0,
               (size_t)(pixels * args->channels) * sizeof(REAL));
}

/* Zero rows [begin, end) of dx, or, where tiles will cover the others, the columns after them. */
INLINE void zero_rows(const struct pool2d *args, ptrdiff_t sample, ptrdiff_t begin, ptrdiff_t end,
                      bool tiles)
{
    ptrdiff_t width = args->right.pixels, covered = args->right.windows * args->right.cells;
    if (!tiles)
        zero(args, sample, begin, 0, (end - begin) * width);
    else
        for (ptrdiff_t row = begin; row < end; row++)
            zero(args, sample, row, covered, width - covered);
}

INLINE void each_channel(const struct pool2d *args, const struct window *w, window_function *work)
{
    ptrdiff_t c = 0;
    for (; c + LANES <= args->channels; c += LANES)
        work(args, w, c, LANES, true);
    if (c < args->channels)
        work(args, w, c, args->channels - c, false);
}

/* Most windows are 2 x 2; loops over a constant number of cells unroll. */
INLINE void each_channel_of_cells(const struct pool2d *args, const struct window *w,
                                  window_function *work)
{
    struct range two = {0, 2};
    struct window square = *w;
    square.down = square.right = two;
    if (w->down.first == 0 && w->down.end == 2 && w->right.first == 0 && w->right.end == 2)
        each_channel(args, &square, work);
    else
        each_channel(args, w, work);
}

/* Call `work` for all windows in some rows of them. Rows of dx, if there is one, are zeroed just
 * before the first window that adds to them, while they are in the nearest cache; windows that are
 * tiles overwrite dx instead. */
INLINE void each_window(const struct pool2d *given, struct range rows, bool tiles,
                        window_function *work)
{
    const struct pool2d copy = *given, *args = &copy; /* local: no store to memory changes it */
    const struct side down = forward_side(&args->down), right = forward_side(&args->right);
    ptrdiff_t line = right.inputs * args->channels, index = rows.first * right.outputs, zeroed = 0;
    struct window w = {.line = down.reach * line,
                       .pixel = right.reach * args->channels,
                       .row_of_cells = right.taps};
    for (ptrdiff_t row = rows.first; row < rows.end; row++) {
        ptrdiff_t n = row / down.outputs, o = row % down.outputs;
        ptrdiff_t top = o * down.step + down.first;
        w.down = taps_inside(&down, o);
        if (args->dx) {
            ptrdiff_t end = w.down.end ? top + (w.down.end - 1) * down.reach + 1 : 0;
            zeroed = tiles ? top : o > 0 ? zeroed : 0;
            zero_rows(args, n, zeroed, end, tiles);
            zeroed = greatest(zeroed, end);
        }
        for (ptrdiff_t p = 0; p < right.outputs; p++, index++) {
            ptrdiff_t column = p * right.step + right.first;
            w.right = taps_inside(&right, p);
            w.image = (n * down.inputs + top) * line + column * args->channels;
            w.output = index * args->channels;
            w.winners = index * args->winner_step;
            each_channel_of_cells(args, &w, work);
        }
        if (args->dx && o + 1 == down.outputs)
            zero_rows(args, n, zeroed, down.inputs, false);
    }
}

/* The rows of the grid are rows of windows of all images. Where windows of two rows may add to one
 * pixel, all rows of an image are in one part. */
static void run_pool2d(part_function *run, const struct pool2d *args, bool rows_add)
{
    ptrdiff_t rows = args->down.windows;
    run_grids(&(struct grid){.run = run,
                             .job = args,
                             .rows = args->samples * rows,
                             .row_step = rows_add ? rows : 1,
                             .work = args->samples * args->down.pixels * args->right.pixels
                                     * args->channels},
              1);
}

static bool all_tiled(const struct pool2d *args)
{
    return tiled(&args->down) && tiled(&args->right);
}

static void run_pool2d_backward(part_function *run, const struct pool2d *args)
{
    if (args->down.windows > 0)
        run_pool2d(run, args, !all_tiled(args));
    else
        for (ptrdiff_t n = 0; n < args->samples; n++)
            zero_rows(args, n, 0, args->down.pixels, false);
}

INLINE void largest(const struct pool2d *args, const struct window *w, ptrdiff_t c, ptrdiff_t lanes,
                    bool whole, bool keep)
{
    vec best = splat((REAL)-INFINITY);
    mask winner = (mask){0} + (INTEGER)(w->down.first * w->row_of_cells + w->right.first);
    for (ptrdiff_t i = w->down.first; i < w->down.end; i++) {
        for (ptrdiff_t j = w->right.first; j < w->right.end; j++) {
            vec x = load_n(args->x + cell_at(w, i, j) + c, lanes, whole);
            mask leads = (x > best) | (x != x); /* NaN wins, and nothing exceeds it */
            best = where(leads, x, best);
            if (keep) {
                mask number = (mask){0} + (INTEGER)(i * w->row_of_cells + j);
                winner = (leads & number) | (~leads & winner);
            }
        }
    }
    store_n(args->y + w->output + c, best, lanes, whole);
    if (keep)
        store_bytes(args->winners + w->winners + c, winner);
}

INLINE void largest_and_winner(const struct pool2d *args, const struct window *w, ptrdiff_t c,
                               ptrdiff_t lanes, bool whole)
{
    largest(args, w, c, lanes, whole, true);
}

INLINE void largest_alone(const struct pool2d *args, const struct window *w, ptrdiff_t c,
                          ptrdiff_t lanes, bool whole)
{
    largest(args, w, c, lanes, whole, false);
}

static void max_pool2d_part(const void *job, struct part part)
{
    const struct pool2d *args = job;
    if (args->winners)
        each_window(args, part.rows, false, largest_and_winner);
    else
        each_window(args, part.rows, false, largest_alone);
}

static void max_pool2d(const struct pool2d *args) { run_pool2d(max_pool2d_part, args, false); }

INLINE void give(const struct pool2d *args, ptrdiff_t at, vec gradient, ptrdiff_t lanes, bool whole,
                 bool tiles)
{
    REAL *dx = args->dx + at;
    store_n(dx, tiles ? gradient : load_n(dx, lanes, whole) + gradient, lanes, whole);
}

INLINE void give_to_winner(const struct pool2d *args, const struct window *w, ptrdiff_t c,
                           ptrdiff_t lanes, bool whole, bool tiles)
{
    mask winner = load_bytes(args->winners + w->winners + c);
    vec dy = load_n(args->dy + w->output + c, lanes, whole);
    for (ptrdiff_t i = w->down.first; i < w->down.end; i++) {
        for (ptrdiff_t j = w->right.first; j < w->right.end; j++) {
            mask won = winner == (mask){0} + (INTEGER)(i * w->row_of_cells + j);
            give(args, cell_at(w, i, j) + c, where(won, dy, (vec){0}), lanes, whole, tiles);
        }
    }
}

INLINE void give_to_winner_alone(const struct pool2d *args, const struct window *w, ptrdiff_t c,
                                 ptrdiff_t lanes, bool whole)
{
    give_to_winner(args, w, c, lanes, whole, true);
}

INLINE void give_to_winner_among_others(const struct pool2d *args, const struct window *w,
                                        ptrdiff_t c, ptrdiff_t lanes, bool whole)
{
    give_to_winner(args, w, c, lanes, whole, false);
}

static void max_pool2d_backward_part(const void *job, struct part part)
{
    const struct pool2d *args = job;
    if (all_tiled(args))
        each_window(args, part.rows, true, give_to_winner_alone);
    else
        each_window(args, part.rows, false, give_to_winner_among_others);
}

static void max_pool2d_backward(const struct pool2d *args)
{
    run_pool2d_backward(max_pool2d_backward_part, args);
}

INLINE REAL pixels_in(const struct window *w)
{
    return (REAL)((w->down.end - w->down.first) * (w->right.end - w->right.first));
}

INLINE void average(const struct pool2d *args, const struct window *w, ptrdiff_t c, ptrdiff_t lanes,
                    bool whole)
{
    vec sum = {0};
    for (ptrdiff_t i = w->down.first; i < w->down.end; i++)
        for (ptrdiff_t j = w->right.first; j < w->right.end; j++)
            sum += load_n(args->x + cell_at(w, i, j) + c, lanes, whole);
    store_n(args->y + w->output + c, sum / pixels_in(w), lanes, whole);
}

static void avg_pool2d_part(const void *job, struct part part)
{
    each_window(job, part.rows, false, average);
}

static void avg_pool2d(const struct pool2d *args) { run_pool2d(avg_pool2d_part, args, false); }

INLINE void give_shares(const struct pool2d *args, const struct window *w, ptrdiff_t c,
                        ptrdiff_t lanes, bool whole, bool tiles)
{
    vec share = load_n(args->dy + w->output + c, lanes, whole) / pixels_in(w);
    for (ptrdiff_t i = w->down.first; i < w->down.end; i++)
        for (ptrdiff_t j = w->right.first; j < w->right.end; j++)
            give(args, cell_at(w, i, j) + c, share, lanes, whole, tiles);
}

INLINE void give_shares_alone(const struct pool2d *args, const struct window *w, ptrdiff_t c,
                              ptrdiff_t lanes, bool whole)
{
    give_shares(args, w, c, lanes, whole, true);
}

INLINE void give_shares_among_others(const struct pool2d *args, const struct window *w, ptrdiff_t c,
                                     ptrdiff_t lanes, bool whole)
{
    give_shares(args, w, c, lanes, whole, false);
}

static void avg_pool2d_backward_part(const void *job, struct part part)
{
    const struct pool2d *args = job;
    if (all_tiled(args))
        each_window(args, part.rows, true, give_shares_alone);
    else
        each_window(args, part.rows, false, give_shares_among_others);
}

static void avg_pool2d_backward(const struct pool2d *args)
{
    run_pool2d_backward(avg_pool2d_backward_part, args);
}

#endif
