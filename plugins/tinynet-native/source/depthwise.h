/* Convolution where every channel is a group of its own, with one filter. It is not a matrix
 * product: the lanes of a vector are channels, which are independent. Some windows are computed
 * together, for one vector of channels after the other, as they lie in memory. */
#ifndef TINYNET_NATIVE_DEPTHWISE_H
#define TINYNET_NATIVE_DEPTHWISE_H

#include "columns.h"
#include "geometry.h"
#include "input_gradient.h"

/* Windows that are computed together, so that a weight is loaded once for all of them. */
#if WIDTH == 64 || defined(__aarch64__)
enum { WINDOWS_AT_ONCE = 8 };
#else
enum { WINDOWS_AT_ONCE = 4 };
#endif

/* Windows whose taps lie side by side share pixels in registers: with up to 3 taps and steps of up
 * to 2, which are constants. */
enum { MOST_TAPS = 3, MOST_PIXELS = WINDOWS_AT_ONCE + MOST_TAPS - 1 };

/* A row of outputs of one image. */
struct depthwise_row {
    const struct correlation *c;
    const REAL *weight;           /* of tap (0, 0) */
    ptrdiff_t weight_t, weight_u; /* steps of the weight from tap to tap, down and right */
    const REAL *image, *dy;       /* dy is that of the row, for the gradient of the weight */
    REAL *output;                 /* of the image */
    REAL *sums;                   /* the gradient of the weight */
    const REAL *outside;          /* a pixel of zeros */
    ptrdiff_t row;
    struct range taps; /* down the image, those inside */
    struct range channels;
};

/* Up to LANES channels of some windows of a row, from q on, and the taps of a row of the kernel
 * that lie inside. */
struct depthwise_windows {
    ptrdiff_t q;
    struct range across;
    ptrdiff_t at, lanes; /* channels */
};

typedef void windows_function(const struct depthwise_row *, const struct depthwise_windows *,
                              const int count, const bool whole);
typedef void neighbors_function(const struct depthwise_row *, const struct depthwise_windows *,
                                const int count, const int taps, const int step, const bool whole);

/* The pixel that tap (t, u) of window q meets. */
INLINE const REAL *pixel_of(const struct depthwise_row *r, ptrdiff_t t, ptrdiff_t q, ptrdiff_t u)
{
    const struct side *down = &r->c->down, *right = &r->c->right;
    ptrdiff_t line = (r->row * down->step + down->first + t * down->reach) * right->inputs;
    ptrdiff_t column = q * right->step + right->first + u * right->reach;
    return r->image + (line + column) * r->c->in_channels;
}

/* The weights of tap (t, u). */
INLINE const REAL *weight_of(const struct depthwise_row *r, ptrdiff_t t, ptrdiff_t u)
{
    return r->weight + t * r->weight_t + u * r->weight_u;
}

/* Load `count` pixels from the first one of window q on, which are zeros beside the image. */
INLINE void load_pixels(const struct depthwise_row *r, const struct depthwise_windows *w,
                        ptrdiff_t t, const int count, const bool whole, vec *pixels)
{
    const struct side *right = &r->c->right;
    const ptrdiff_t first = w->q * right->step + right->first, channels = r->c->in_channels;
    const REAL *x = pixel_of(r, t, w->q, 0);
    EACH (i, count) {
        bool inside = first + i >= 0 && first + i < right->inputs;
        pixels[i] = load_n((inside ? x + i * channels : r->outside) + w->at, w->lanes, whole);
    }
}

/* Where to prefetch: into the second cache, to which more lines can be on their way at once than to
 * the first. */
enum { SECOND_CACHE = 1 };

/* Prefetch the pixels that the same windows of the next row are the first to read. The processor
 * does not prefetch them itself: few channels of few pixels lie side by side. */
INLINE void prefetch_pixels(const struct depthwise_row *r, const struct depthwise_windows *w,
                            const int count)
{
    const ptrdiff_t channels = r->c->in_channels, line = r->c->right.inputs * channels;
    const REAL *x = pixel_of(r, r->taps.end, w->q, 0) + w->at;
    for (ptrdiff_t row = 0; row < r->c->down.step; row++, x += line)
        EACH (i, count)
            __builtin_prefetch(x + i * channels, 0, SECOND_CACHE);
}

/* The same for what these windows write, since a store waits for the rest of its line. */
INLINE void prefetch_outputs(const struct depthwise_row *r, const struct depthwise_windows *w,
                             const int count)
{
    const ptrdiff_t channels = r->c->in_channels, line = r->c->out_width * channels;
    const REAL *output = r->output + output_at(r->c, r->row, w->q) + line + w->at;
    EACH (i, count)
        __builtin_prefetch(output + i * r->c->right.spread * channels, 1, SECOND_CACHE);
}

/* The same for their dy. */
INLINE void prefetch_gradients(const struct depthwise_row *r, const struct depthwise_windows *w,
                               const int count)
{
    const ptrdiff_t channels = r->c->in_channels;
    const REAL *dy = r->dy + (r->c->right.outputs + w->q) * channels + w->at;
    EACH (i, count)
        __builtin_prefetch(dy + i * channels, 0, SECOND_CACHE);
}

INLINE void store_windows(const struct depthwise_row *r, const struct depthwise_windows *w,
                          const vec *sum, const int count, const bool whole)
{
    const struct side *right = &r->c->right;
    REAL *output = r->output + output_at(r->c, r->row, w->q) + w->at;
    EACH (i, count)
        if (w->q + i < right->outputs)
            store_n(output + i * right->spread * r->c->in_channels, rectified(sum[i], r->c->relu),
                    w->lanes, whole);
}

INLINE void start_windows(const struct depthwise_row *r, const struct depthwise_windows *w,
                          vec *sum, const int count, const bool whole)
{
    EACH (i, count)
        sum[i] = r->c->bias ? load_n(r->c->bias + w->at, w->lanes, whole) : (vec){0};
}

/* Outputs. Each sum runs over the taps in their order, whatever the number of windows. */
INLINE void sum_windows(const struct depthwise_row *r, const struct depthwise_windows *w,
                        const int count, const bool whole)
{
    const struct correlation *c = r->c;
    const ptrdiff_t channels = c->in_channels, step = c->right.step * channels;
    vec sum[WINDOWS_AT_ONCE];
    start_windows(r, w, sum, count, whole);
    for (ptrdiff_t t = r->taps.first; t < r->taps.end; t++) {
        const REAL *x = pixel_of(r, t, w->q, w->across.first) + w->at;
        const REAL *weight = weight_of(r, t, w->across.first) + w->at;
        for (ptrdiff_t u = w->across.first; u < w->across.end; u++) {
            vec factor = load_n(weight, w->lanes, whole);
            EACH (i, count)
                sum[i] = fused(load_n(x + i * step, w->lanes, whole), factor, sum[i]);
            x += c->right.reach * channels;
            weight += r->weight_u;
        }
    }
    store_windows(r, w, sum, count, whole);
}

/* The same for taps and windows side by side. */
INLINE void sum_neighbors(const struct depthwise_row *r, const struct depthwise_windows *w,
                          const int count, const int taps, const int step, const bool whole)
{
    vec sum[WINDOWS_AT_ONCE], pixels[MOST_PIXELS];
    prefetch_pixels(r, w, count * step);
    prefetch_outputs(r, w, count);
    start_windows(r, w, sum, count, whole);
    for (ptrdiff_t t = r->taps.first; t < r->taps.end; t++) {
        const REAL *weight = weight_of(r, t, 0) + w->at;
        load_pixels(r, w, t, (count - 1) * step + taps, whole, pixels);
        EACH (u, taps) {
            vec factor = load_n(weight + u * r->weight_u, w->lanes, whole);
            EACH (i, count)
                sum[i] = fused(pixels[i * step + u], factor, sum[i]);
        }
    }
    store_windows(r, w, sum, count, whole);
}

/* Load dy of some windows, which is 0 beside the row. */
INLINE void load_gradients(const struct depthwise_row *r, const struct depthwise_windows *w,
                           const int count, const bool whole, vec *dy)
{
    const ptrdiff_t channels = r->c->in_channels;
    EACH (i, count) {
        bool inside = w->q + i < r->c->right.outputs;
        const REAL *from = inside ? r->dy + (w->q + i) * channels : r->outside;
        dy[i] = load_n(from + w->at, w->lanes, whole);
    }
}

/* The gradient of the weight. */
INLINE void add_windows(const struct depthwise_row *r, const struct depthwise_windows *w,
                        const int count, const bool whole)
{
    const struct side *right = &r->c->right;
    const ptrdiff_t channels = r->c->in_channels, step = right->step * channels;
    vec dy[WINDOWS_AT_ONCE];
    load_gradients(r, w, count, whole, dy);
    for (ptrdiff_t t = r->taps.first; t < r->taps.end; t++) {
        const REAL *x = pixel_of(r, t, w->q, w->across.first) + w->at;
        REAL *cell = r->sums + (t * right->taps + w->across.first) * channels + w->at;
        for (ptrdiff_t u = w->across.first; u < w->across.end; u++) {
            vec sum = load_n(cell, w->lanes, whole);
            EACH (i, count)
                sum = fused(dy[i], load_n(x + i * step, w->lanes, whole), sum);
            store_n(cell, sum, w->lanes, whole);
            x += right->reach * channels;
            cell += channels;
        }
    }
}

/* The same for taps and windows side by side. */
INLINE void add_neighbors(const struct depthwise_row *r, const struct depthwise_windows *w,
                          const int count, const int taps, const int step, const bool whole)
{
    const ptrdiff_t channels = r->c->in_channels;
    vec dy[WINDOWS_AT_ONCE], pixels[MOST_PIXELS];
    prefetch_pixels(r, w, count * step);
    prefetch_gradients(r, w, count);
    load_gradients(r, w, count, whole, dy);
    for (ptrdiff_t t = r->taps.first; t < r->taps.end; t++) {
        REAL *cells = r->sums + t * taps * channels + w->at;
        load_pixels(r, w, t, (count - 1) * step + taps, whole, pixels);
        EACH (u, taps) {
            vec sum = load_n(cells + u * channels, w->lanes, whole);
            EACH (i, count)
                sum = fused(dy[i], pixels[i * step + u], sum);
            store_n(cells + u * channels, sum, w->lanes, whole);
        }
    }
}

/* Compute windows for all channels. */
INLINE void for_channels(const struct depthwise_row *r, ptrdiff_t q, struct range across,
                         const int count, windows_function *compute)
{
    struct depthwise_windows w = {q, across, r->channels.first, LANES};
    for (; w.at + LANES <= r->channels.end; w.at += LANES)
        compute(r, &w, count, true);
    w.lanes = r->channels.end - w.at;
    if (w.lanes > 0)
        compute(r, &w, count, false);
}

/* Windows [first, end) of a row, all of whose taps lie inside. */
static struct range whole_windows(const struct side *s)
{
    ptrdiff_t room = s->inputs - 1 - s->first - (s->taps - 1) * s->reach;
    struct range r = {s->first < 0 ? (-s->first + s->step - 1) / s->step : 0,
                      room < 0 ? 0 : least(s->outputs, room / s->step + 1)};
    return r.first < r.end ? r : (struct range){0, 0};
}

/* Compute windows of a row whose taps lie side by side, `count` at a time. Returns the first window
 * that is left: with `partly`, the last ones may be fewer than `count`. */
INLINE ptrdiff_t for_neighbors(const struct depthwise_row *r, const bool partly, const int count,
                               const int taps, const int step, neighbors_function *compute)
{
    const ptrdiff_t end = r->channels.end, outputs = r->c->right.outputs;
    ptrdiff_t q = 0;
    for (; partly ? q < outputs : q + count <= outputs; q += count) {
        struct depthwise_windows w = {.q = q, .at = r->channels.first, .lanes = LANES};
        for (; w.at + LANES <= end; w.at += LANES)
            compute(r, &w, count, taps, step, true);
        w.lanes = end - w.at;
        if (w.lanes > 0)
            compute(r, &w, count, taps, step, false);
    }
    return q;
}

/* Compute all windows of a row. Without `partly`, no pixel is read for a window beyond its end. */
INLINE void for_windows(const struct depthwise_row *r, const bool partly, windows_function *compute,
                        neighbors_function *compute_neighbors)
{
    const struct side *right = &r->c->right;
    const struct range all = {0, right->taps}, inner = whole_windows(right);
    ptrdiff_t q = 0;
    if (right->reach == 1 && right->taps == 3 && right->step == 1)
        q = for_neighbors(r, partly, WINDOWS_AT_ONCE, 3, 1, compute_neighbors);
    else if (right->reach == 1 && right->taps == 3 && right->step == 2)
        q = for_neighbors(r, partly, WINDOWS_AT_ONCE / 2, 3, 2, compute_neighbors);
    else if (right->reach == 1 && right->taps == 2 && right->step == 1)
        q = for_neighbors(r, partly, WINDOWS_AT_ONCE, 2, 1, compute_neighbors);
    else if (right->reach == 1 && right->taps == 1 && right->step == 1)
        q = for_neighbors(r, partly, WINDOWS_AT_ONCE, 1, 1, compute_neighbors);
    for (; q < inner.first; q++)
        for_channels(r, q, taps_inside(right, q), 1, compute);
    for (; q + WINDOWS_AT_ONCE <= inner.end; q += WINDOWS_AT_ONCE)
        for_channels(r, q, all, WINDOWS_AT_ONCE, compute);
    for (; q + 2 <= inner.end; q += 2)
        for_channels(r, q, all, 2, compute);
    for (; q < right->outputs; q++)
        for_channels(r, q, taps_inside(right, q), 1, compute);
}

/* Memory for zeros beside the image. */
static REAL *allocate_zeros(ptrdiff_t count)
{
    REAL *zeros = allocate(count);
    if (zeros)
        clear(zeros, count);
    return zeros;
}

/* Compute a row of outputs of image n. */
static void depthwise_outputs(struct depthwise_row *r, ptrdiff_t n, ptrdiff_t row)
{
    const struct correlation *c = r->c;
    r->image = c->input + n * c->down.inputs * c->right.inputs * c->in_channels;
    r->output = c->output + n * c->out_height * c->out_width * c->out_channels;
    r->row = row;
    r->taps = taps_inside(&c->down, row);
    r->channels = (struct range){0, c->in_channels};
    for_windows(r, true, sum_windows, sum_neighbors);
}

/* The rows of the grid are rows of outputs of all images. */
static void correlate_depthwise(const void *job, struct part part)
{
    const struct correlation *c = job;
    REAL *zeros = allocate_zeros(c->in_channels);
    if (!zeros) {
        *c->enough = false;
        return;
    }
    struct depthwise_row r = {.c = c,
                              .weight = c->weight,
                              .weight_t = c->right.taps * c->in_channels,
                              .weight_u = c->in_channels,
                              .outside = zeros};
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        depthwise_outputs(&r, i / c->down.outputs, i % c->down.outputs);
    free(zeros);
}

struct depthwise_gradient {
    const struct conv2d *args;
    atomic_bool *enough; /* set to false if memory runs out */
};

/* A row of dx in image n. All phases of a row are computed while it is in the cache. */
static void depthwise_gradient_row(const struct conv2d *args, ptrdiff_t n, ptrdiff_t row,
                                   const REAL *zeros)
{
    const ptrdiff_t channels = args->channels, line = args->right.cells * channels;
    const struct phase down = gradient_phase(&args->down, row % args->down.stride);
    for (ptrdiff_t j = 0; j < least(args->right.stride, args->right.pixels); j++) {
        const struct phase right = gradient_phase(&args->right, j);
        const struct correlation c = input_gradient_phase(args, &down, &right);
        struct depthwise_row r = {
            .c = &c,
            .weight = args->weight + down.last_cell * line + right.last_cell * channels,
            .weight_t = -down.cell_step * line,
            .weight_u = -right.cell_step * channels,
            .outside = zeros,
        };
        depthwise_outputs(&r, n, row / args->down.stride);
    }
}

/* The rows of the grid are rows of dx of all images. */
static void depthwise_input_gradient(const void *given, struct part part)
{
    const struct depthwise_gradient *job = given;
    const struct conv2d *args = job->args;
    REAL *zeros = allocate_zeros(args->channels);
    if (!zeros) {
        *job->enough = false;
        return;
    }
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        depthwise_gradient_row(args, i / args->down.pixels, i % args->down.pixels, zeros);
    free(zeros);
}

static struct grid depthwise_input_grid(const struct depthwise_gradient *job)
{
    const struct conv2d *args = job->args;
    const ptrdiff_t rows = args->samples * args->down.pixels;
    const ptrdiff_t cells = args->down.cells * args->right.cells;
    return (struct grid){
        .run = depthwise_input_gradient,
        .job = job,
        .rows = rows,
        .row_step = 1,
        .work = rows * args->right.pixels * args->channels * (1 + cells / PRODUCTS_PER_ELEMENT),
    };
}

/* Some channels of dweight. The sums of an image are added to those of the images before. */
static bool depthwise_weight_gradient(const struct conv2d *args, struct range channels)
{
    ptrdiff_t count = args->channels, size = args->down.cells * args->right.cells * count;
    const struct correlation c = {.in_channels = count,
                                  .down = forward_side(&args->down),
                                  .right = forward_side(&args->right)};
    REAL *zeros = allocate_zeros(count + size);
    if (!zeros)
        return false;
    struct depthwise_row r = {
        .c = &c, .sums = zeros + count, .outside = zeros, .channels = channels};
    for (ptrdiff_t n = 0; n < args->samples; n++) {
        r.image = args->x + n * args->down.pixels * args->right.pixels * count;
        for (r.row = 0; r.row < args->down.windows; r.row++) {
            r.dy = args->dy + (n * args->down.windows + r.row) * args->right.windows * count;
            r.taps = taps_inside(&c.down, r.row);
            for_windows(&r, false, add_windows, add_neighbors);
        }
        for (ptrdiff_t cell = 0; cell < size; cell += count)
            for (ptrdiff_t j = channels.first; j < channels.end; j++) {
                REAL sum = r.sums[cell + j];
                args->dweight[cell + j] = n == 0 ? sum : args->dweight[cell + j] + sum;
                r.sums[cell + j] = 0;
            }
    }
    free(zeros);
    return true;
}

#endif
