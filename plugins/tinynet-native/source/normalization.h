/* Normalization of channels over a batch, and of rows by themselves. */
#ifndef TINYNET_NATIVE_NORMALIZATION_H
#define TINYNET_NATIVE_NORMALIZATION_H

#include "columns.h"

/* Rows whose channels are computed vector after vector. So few lie close together in memory: the
 * processor fetches what follows before it is read. */
enum { ROWS_IN_ORDER = 8 };

enum {
    TOGETHER = 4,     /* vectors of channels that are summed together: they lie side by side */
    MOMENT_ROWS = 64, /* whose moments are computed at a time: rows of them stay in the cache */
};

/* Sums over some rows of x, or of its squared distances from `center`, for neighboring vectors of
 * channels. Rows of even and of odd number have sums of their own, because each addition waits for
 * the one before it. */
INLINE void sum_vectors(const REAL *x, ptrdiff_t step, ptrdiff_t rows, const int vectors,
                        ptrdiff_t n, bool whole, const vec *center, vec *total)
{
    vec sum[2][TOGETHER] = {{{0}}};
    for (; rows > 0; rows -= 2, x += 2 * step)
        EACH (k, 2)
            EACH (v, vectors)
                if (k < rows) {
                    vec term = load_n(x + k * step + v * LANES, n, whole);
                    if (center) {
                        term -= center[v];
                        term *= term;
                    }
                    sum[k][v] += term;
                }
    EACH (v, vectors)
        total[v] = sum[0][v] + sum[1][v];
}

/* Mean of some vectors of channels, and squared distances from it. The moments of some rows are
 * computed and merged with those of the rows before: x is read from memory once, and nothing
 * cancels. Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
 * sample variances", 1979. */
INLINE void channel_moments(const struct norm *args, ptrdiff_t first, const int vectors,
                            ptrdiff_t n, bool whole)
{
    wide mean[TOGETHER] = {{0}}, squares[TOGETHER] = {{0}};
    for (ptrdiff_t begin = 0; begin < args->rows; begin += MOMENT_ROWS) {
        ptrdiff_t end = least(begin + MOMENT_ROWS, args->rows), rows = end - begin;
        double share = (double)rows / (double)end;
        const REAL *x = args->x + begin * args->channels + first;
        vec center[TOGETHER], spread[TOGETHER];
        sum_vectors(x, args->channels, rows, vectors, n, whole, NULL, center);
        EACH (v, vectors)
            center[v] /= (REAL)rows;
        sum_vectors(x, args->channels, rows, vectors, n, whole, center, spread);
        EACH (v, vectors) {
            wide apart = __builtin_convertvector(center[v], wide) - mean[v];
            mean[v] += apart * share;
            squares[v] +=
                __builtin_convertvector(spread[v], wide) + apart * apart * (share * (double)begin);
        }
    }
    EACH (v, vectors) {
        ptrdiff_t c = first + v * LANES;
        store_n(args->mean + c, __builtin_convertvector(mean[v], vec), n, whole);
        store_n(args->squares + c, __builtin_convertvector(squares[v], vec), n, whole);
    }
}

static void moments_part(const void *job, struct part part)
{
    const struct norm *args = job;
    ptrdiff_t c = part.columns.first, end = part.columns.end;
    for (; c + TOGETHER * LANES <= end; c += TOGETHER * LANES)
        channel_moments(args, c, TOGETHER, LANES, true);
    for (; c + 2 * LANES <= end; c += 2 * LANES)
        channel_moments(args, c, 2, LANES, true);
    for (; c + LANES <= end; c += LANES)
        channel_moments(args, c, 1, LANES, true);
    if (c < end)
        channel_moments(args, c, 1, end - c, false);
}

enum { MOST_BLOCKS = 16, FEWEST_ROWS = 1024 /* of a block, if there are several */ };

/* The rows in blocks, whose statistics are computed apart, so that threads share few channels, too.
 * The blocks follow from the number of rows alone. */
struct blocks {
    const struct norm *args;
    ptrdiff_t count, rows; /* of blocks, and of each but the last */
    REAL *memory;          /* to be freed; NULL for one block */
    REAL *first, *second;  /* two statistics of each channel, (count, channels) each */
};

/* One block has its statistics where the result is. `memory` is NULL if there is too little. */
static struct blocks blocks_of(const struct norm *args, REAL *first, REAL *second)
{
    ptrdiff_t most = greatest(1, least(MOST_BLOCKS, args->rows / FEWEST_ROWS));
    ptrdiff_t in_each = (args->rows + most - 1) / most;
    ptrdiff_t rows = greatest(1, (in_each + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE) * ROWS_AT_ONCE;
    struct blocks b = {args,  greatest(1, (args->rows + rows - 1) / rows), rows, NULL, first,
                       second};
    if (b.count > 1) {
        b.first = b.memory = allocate(2 * b.count * args->channels);
        b.second = b.memory + b.count * args->channels;
    }
    return b;
}

static struct norm block(const struct blocks *b, ptrdiff_t number)
{
    struct norm one = *b->args;
    ptrdiff_t begin = number * b->rows, at = begin * one.channels;
    one.rows = least(b->rows, one.rows - begin);
    one.x += at;
    one.dy = one.dy ? one.dy + at : NULL;
    return one;
}

static struct grid block_grid(part_function *run, const struct blocks *b)
{
    return (struct grid){.run = run,
                         .job = b,
                         .rows = b->count,
                         .columns = b->args->channels,
                         .row_step = 1,
                         .column_step = LANES,
                         .work = b->args->rows * b->args->channels};
}

static void moments_of_blocks(const void *job, struct part part)
{
    const struct blocks *b = job;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++) {
        struct norm one = block(b, i);
        one.mean = b->first + i * one.channels;
        one.squares = b->second + i * one.channels;
        moments_part(&one, part);
    }
}

/* As in `moments_part`. */
static void merge_moments(const struct blocks *b)
{
    const struct norm *args = b->args;
    for (ptrdiff_t c = 0; c < args->channels; c++) {
        double mean = 0, squares = 0;
        for (ptrdiff_t i = 0, at = c; i < b->count; i++, at += args->channels) {
            ptrdiff_t begin = i * b->rows, end = least(begin + b->rows, args->rows);
            double share = (double)(end - begin) / (double)end;
            double apart = (double)b->first[at] - mean;
            mean += apart * share;
            squares += (double)b->second[at] + apart * apart * (share * (double)begin);
        }
        args->mean[c] = (REAL)mean;
        args->squares[c] = (REAL)squares;
    }
}

static bool moments(const struct norm *args)
{
    struct blocks b = blocks_of(args, args->mean, args->squares);
    if (!b.first)
        return false;
    run_grids((struct grid[]){block_grid(moments_of_blocks, &b)}, 1);
    if (b.memory)
        merge_moments(&b);
    free(b.memory);
    return true;
}

/* The statistics and parameters of up to LANES channels, those from `first` to before `end`. */
struct channel_scale {
    vec mean, scale, shift; /* y = (x - mean) * scale + shift */
    ptrdiff_t lanes;
};

INLINE struct channel_scale channel_scale(const struct norm *args, ptrdiff_t first, ptrdiff_t end)
{
    ptrdiff_t lanes = least(LANES, end - first);
    vec scale = load_first(args->inverse + first, lanes);
    if (args->gamma)
        scale *= load_first(args->gamma + first, lanes);
    return (struct channel_scale){
        .mean = load_first(args->mean + first, lanes),
        .scale = scale,
        .shift = args->beta ? load_first(args->beta + first, lanes) : (vec){0},
        .lanes = lanes,
    };
}

INLINE vec scaled(vec x, const struct channel_scale *s)
{
    return (x - s->mean) * s->scale + s->shift;
}

INLINE void scale_rows(const struct norm *args, const struct channel_scale *s, ptrdiff_t at,
                       ptrdiff_t rows, bool relu, bool whole)
{
    const REAL *x = args->x + at;
    REAL *y = args->y + at;
    for (ptrdiff_t r = 0; r < rows; r++, x += args->channels, y += args->channels)
        store_n(y, rectified(scaled(load_n(x, s->lanes, whole), s), relu), s->lanes, whole);
}

/* Normalize some channels of so many rows, of which the first element is `at`. */
static void scale_channels(const struct norm *args, const struct channel_scale *s, ptrdiff_t at,
                           ptrdiff_t rows)
{
    if (s->lanes < LANES)
        scale_rows(args, s, at, rows, args->relu, false);
    else if (args->relu)
        scale_rows(args, s, at, rows, true, true);
    else
        scale_rows(args, s, at, rows, false, true);
}

/* Rows, of which a part takes multiples of ROWS_AT_ONCE. */
static struct grid row_grid(part_function *run, const struct norm *args)
{
    return (struct grid){.run = run,
                         .job = args,
                         .rows = args->rows,
                         .row_step = ROWS_AT_ONCE,
                         .work = args->rows * args->channels};
}

static void batch_norm_part(const void *job, struct part part)
{
    const struct norm *args = job;
    for (ptrdiff_t begin = part.rows.first; begin < part.rows.end; begin += ROWS_IN_ORDER) {
        ptrdiff_t rows = least(ROWS_IN_ORDER, part.rows.end - begin);
        for (ptrdiff_t c = 0; c < args->channels; c += LANES) {
            struct channel_scale s = channel_scale(args, c, args->channels);
            scale_channels(args, &s, begin * args->channels + c, rows);
        }
    }
}

static void batch_norm(const struct norm *args)
{
    for (ptrdiff_t c = 0; c < args->channels; c++)
        args->inverse[c] = 1 / sqrt(args->variance[c] + (REAL)args->epsilon);
    run_grids((struct grid[]){row_grid(batch_norm_part, args)}, 1);
}

/* The rows of x and dy, from a channel on. */
static struct column rows_from(const struct norm *args, ptrdiff_t channel)
{
    return (struct column){.x = args->x + channel,
                           .dy = args->dy + channel,
                           .step = args->channels,
                           .dy_step = args->channels,
                           .row_center = args->mean,
                           .row_inverse = args->inverse};
}

static void sum_dy(const void *job, struct part part)
{
    const struct norm *args = job;
    ptrdiff_t first = part.columns.first, count = part.columns.end - first;
    clear(args->dbeta + first, count);
    add_columns(args->dy + first, args->channels, args->rows, count, args->dbeta + first);
}

/* dy, or 0 where the ReLU has given 0. */
INLINE vec through_relu(vec dy, vec x, const struct channel_scale *s, bool relu)
{
    return relu ? dy * where(scaled(x, s) > (vec){0}, splat(1), (vec){0}) : dy;
}

/* Sums over the rows of dy and of dy * normal, for some vectors of channels from `first` on. */
INLINE void sum_gradients(const struct norm *args, struct range channels, REAL *sums,
                          REAL *products, const int vectors, bool relu, bool whole)
{
    struct channel_scale s[TOGETHER];
    wide total_sum[TOGETHER] = {{0}}, total_product[TOGETHER] = {{0}};
    EACH (v, vectors)
        s[v] = channel_scale(args, channels.first + v * LANES, channels.end);
    for (ptrdiff_t begin = 0; begin < args->rows; begin += ROWS_AT_ONCE) {
        ptrdiff_t end = least(begin + ROWS_AT_ONCE, args->rows);
        vec sum[TOGETHER] = {{0}}, product[TOGETHER] = {{0}};
        for (ptrdiff_t r = begin; r < end; r++) {
            const REAL *row = args->x + r * args->channels + channels.first;
            const REAL *row_dy = args->dy + r * args->channels + channels.first;
            EACH (v, vectors) {
                vec x = load_n(row + v * LANES, s[v].lanes, whole);
                vec dy = load_n(row_dy + v * LANES, s[v].lanes, whole);
                dy = through_relu(dy, x, &s[v], relu);
                sum[v] += dy;
                product[v] += dy * (x - s[v].mean);
            }
        }
        EACH (v, vectors) {
            total_sum[v] += __builtin_convertvector(sum[v], wide);
            total_product[v] += __builtin_convertvector(product[v], wide);
        }
    }
    EACH (v, vectors) {
        ptrdiff_t c = channels.first + v * LANES;
        vec inverse = load_n(args->inverse + c, s[v].lanes, whole);
        vec product = __builtin_convertvector(total_product[v], vec) * inverse;
        store_n(sums + c, __builtin_convertvector(total_sum[v], vec), s[v].lanes, whole);
        store_n(products + c, product, s[v].lanes, whole);
    }
}

/* The same for any number of channels. */
INLINE void sum_channels_of(const struct norm *args, struct range left, REAL *sums, REAL *products,
                            bool relu)
{
    for (; left.first + TOGETHER * LANES <= left.end; left.first += TOGETHER * LANES)
        sum_gradients(args, left, sums, products, TOGETHER, relu, true);
    for (; left.first + 2 * LANES <= left.end; left.first += 2 * LANES)
        sum_gradients(args, left, sums, products, 2, relu, true);
    for (; left.first < left.end; left.first += LANES)
        sum_gradients(args, left, sums, products, 1, relu, false);
}

static void sum_channels(const struct norm *args, struct range channels, REAL *sums, REAL *products)
{
    if (args->relu)
        sum_channels_of(args, channels, sums, products, true);
    else
        sum_channels_of(args, channels, sums, products, false);
}

static void sums_of_blocks(const void *job, struct part part)
{
    const struct blocks *b = job;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++) {
        struct norm one = block(b, i);
        ptrdiff_t at = i * one.channels;
        sum_channels(&one, part.columns, b->first + at, b->second + at);
    }
}

static bool batch_norm_sums(const struct norm *args)
{
    struct blocks b = blocks_of(args, args->dbeta, args->dgamma);
    if (!b.first)
        return false;
    struct grid grid = block_grid(sums_of_blocks, &b);
    grid.work *= 2;
    run_grids(&grid, 1);
    if (b.memory) {
        clear(args->dbeta, args->channels);
        clear(args->dgamma, args->channels);
        add_columns(b.first, args->channels, b.count, args->channels, args->dbeta);
        add_columns(b.second, args->channels, b.count, args->channels, args->dgamma);
    }
    free(b.memory);
    return true;
}

/* dx = dy * scale - offset - (x - mean) * slope; dy * scale alone if statistics are constant. */
INLINE void gradient_rows(const struct norm *args, const struct channel_scale *s, vec offset,
                          vec slope, ptrdiff_t at, ptrdiff_t rows, bool constant, bool relu,
                          bool whole)
{
    const REAL *x = args->x + at, *dy = args->dy + at;
    REAL *dx = args->dx + at;
    for (ptrdiff_t r = 0; r < rows; r++) {
        vec here = load_n(x, s->lanes, whole);
        vec g = through_relu(load_n(dy, s->lanes, whole), here, s, relu) * s->scale;
        if (!constant)
            g = g - offset - (here - s->mean) * slope;
        store_n(dx, g, s->lanes, whole);
        x += args->channels;
        dy += args->channels;
        dx += args->channels;
    }
}

/* The gradients of some channels of so many rows, of which the first element is `at`. */
static void channel_gradients(const struct norm *args, const struct channel_scale *s, vec offset,
                              vec slope, ptrdiff_t at, ptrdiff_t rows, bool constant)
{
    if (s->lanes < LANES || constant)
        gradient_rows(args, s, offset, slope, at, rows, constant, args->relu, s->lanes == LANES);
    else if (args->relu)
        gradient_rows(args, s, offset, slope, at, rows, false, true, true);
    else
        gradient_rows(args, s, offset, slope, at, rows, false, false, true);
}

static void batch_norm_backward_part(const void *job, struct part part)
{
    const struct norm *args = job;
    bool constant = args->dy_mean == NULL;
    for (ptrdiff_t begin = part.rows.first; begin < part.rows.end; begin += ROWS_IN_ORDER) {
        ptrdiff_t rows = least(ROWS_IN_ORDER, part.rows.end - begin);
        for (ptrdiff_t c = 0; c < args->channels; c += LANES) {
            struct channel_scale s = channel_scale(args, c, args->channels);
            vec offset = {0}, slope = {0};
            if (!constant) {
                offset = s.scale * load_first(args->dy_mean + c, s.lanes);
                slope = s.scale * load_first(args->inverse + c, s.lanes)
                        * load_first(args->product_mean + c, s.lanes);
            }
            channel_gradients(args, &s, offset, slope, begin * args->channels + c, rows, constant);
        }
    }
}

static void batch_norm_backward(const struct norm *args)
{
    run_grids((struct grid[]){row_grid(batch_norm_backward_part, args)}, 1);
}

/* Without a mean, rows are not centered: that is rms_norm. */
static void layer_norm_row(const struct norm *args, ptrdiff_t r)
{
    ptrdiff_t channels = args->channels;
    const REAL *x = args->x + r * channels;
    REAL *y = args->y + r * channels;
    vec sum = {0}, squares = {0};
    for (ptrdiff_t c = 0; c < channels && args->mean; c += LANES)
        sum += load_first(x + c, least(LANES, channels - c));
    const REAL mean = lane_sum(sum) / (REAL)channels;
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
        ptrdiff_t lanes = least(LANES, channels - c);
        vec centered = first_lanes(load_first(x + c, lanes) - mean, lanes, (vec){0});
        squares += centered * centered;
    }
    const REAL variance = lane_sum(squares) / (REAL)channels;
    const REAL inverse = 1 / sqrt(variance + (REAL)args->epsilon);
    if (args->mean)
        args->mean[r] = mean;
    args->inverse[r] = inverse;
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
        ptrdiff_t lanes = least(LANES, channels - c);
        vec normal = (load_first(x + c, lanes) - mean) * inverse;
        if (args->gamma)
            normal *= load_first(args->gamma + c, lanes);
        if (args->beta)
            normal += load_first(args->beta + c, lanes);
        store_first(y + c, normal, lanes);
    }
}

static void layer_norm_part(const void *job, struct part part)
{
    for (ptrdiff_t r = part.rows.first; r < part.rows.end; r++)
        layer_norm_row(job, r);
}

static void layer_norm(const struct norm *args)
{
    run_grids((struct grid[]){row_grid(layer_norm_part, args)}, 1);
}

/* dy * gamma */
INLINE vec scaled_gradient(const struct norm *args, const REAL *dy, ptrdiff_t c, ptrdiff_t lanes)
{
    vec g = load_first(dy + c, lanes);
    return args->gamma ? g * load_first(args->gamma + c, lanes) : g;
}

static void layer_norm_row_gradient(const struct norm *args, ptrdiff_t r)
{
    ptrdiff_t channels = args->channels;
    const REAL *x = args->x + r * channels, *dy = args->dy + r * channels;
    const REAL mean = args->mean ? args->mean[r] : 0, inverse = args->inverse[r];
    REAL *dx = args->dx + r * channels;
    vec sum = {0}, products = {0};
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
        ptrdiff_t lanes = least(LANES, channels - c);
        vec g = scaled_gradient(args, dy, c, lanes);
        sum += g;
        products += g * ((load_first(x + c, lanes) - mean) * inverse);
    }
    const REAL offset = args->mean ? lane_sum(sum) / (REAL)channels : 0;
    const REAL slope = lane_sum(products) / (REAL)channels;
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
        ptrdiff_t lanes = least(LANES, channels - c);
        vec normal = (load_first(x + c, lanes) - mean) * inverse;
        vec g = scaled_gradient(args, dy, c, lanes) - offset - normal * slope;
        store_first(dx + c, g * inverse, lanes);
    }
}

static void layer_norm_input_gradient(const void *job, struct part part)
{
    for (ptrdiff_t r = part.rows.first; r < part.rows.end; r++)
        layer_norm_row_gradient(job, r);
}

static void sum_row_products(const void *job, struct part part)
{
    const struct norm *args = job;
    ptrdiff_t first = part.columns.first, count = part.columns.end - first;
    struct column like = rows_from(args, first);
    clear(args->dgamma + first, count);
    add_terms(&like, NULL, args->rows, count, args->dgamma + first, term_normal);
}

static void layer_norm_backward(const struct norm *args)
{
    struct grid grids[3];
    int count = 0;
    if (args->dbeta)
        grids[count++] = column_grid(sum_dy, args, args->rows, args->channels);
    if (args->dgamma)
        grids[count++] = column_grid(sum_row_products, args, args->rows, args->channels);
    if (args->dx)
        grids[count++] = row_grid(layer_norm_input_gradient, args);
    run_grids(grids, count);
}

#endif
