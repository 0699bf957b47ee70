/* Normalization of each sample over groups of its channels, with an optional ReLU.
 *
 * A part has whole groups of some samples. It reads a sample a second time while that is in the
 * cache. */
#ifndef TINYNET_NATIVE_GROUP_NORM_H
#define TINYNET_NATIVE_GROUP_NORM_H

#include "columns.h"
#include "normalization.h"

/* The arrays of one sample, whose rows are its positions. */
static struct norm norm_of_sample(const struct group_norm *args, ptrdiff_t n)
{
    ptrdiff_t channels = args->channels, at = n * channels;
    return (struct norm){
        .rows = args->positions,
        .channels = channels,
        .x = args->x + at * args->positions,
        .dy = args->dy ? args->dy + at * args->positions : NULL,
        .y = args->y ? args->y + at * args->positions : NULL,
        .dx = args->dx ? args->dx + at * args->positions : NULL,
        .gamma = args->gamma,
        .beta = args->beta,
        .mean = args->mean + at,
        .inverse = args->inverse + at,
    };
}

/* Samples, and channels of which a part takes whole groups. */
static struct grid group_grid(part_function *run, const struct group_norm *args)
{
    ptrdiff_t size = args->channels / args->groups;
    return (struct grid){.run = run,
                         .job = args,
                         .rows = args->samples,
                         .columns = args->channels,
                         .row_step = 1,
                         .column_step = (LANES + size - 1) / size * size,
                         .work = args->samples * args->positions * args->channels};
}

/* From the moments of each channel to those of its group; `inverse` has the squares before. Chan,
 * Golub and LeVeque, as in `moments_part`. */
static void merge_channels(const struct group_norm *args, const struct norm *one,
                           struct range channels)
{
    const ptrdiff_t size = args->channels / args->groups;
    for (ptrdiff_t first = channels.first; first < channels.end; first += size) {
        double mean = 0, squares = 0;
        for (ptrdiff_t c = first; c < first + size; c++)
            mean += (double)one->mean[c];
        mean /= (double)size;
        for (ptrdiff_t c = first; c < first + size; c++) {
            double apart = (double)one->mean[c] - mean;
            squares += (double)one->inverse[c] + apart * apart * (double)one->rows;
        }
        double variance = squares / ((double)size * (double)one->rows);
        for (ptrdiff_t c = first; c < first + size; c++) {
            one->mean[c] = (REAL)mean;
            one->inverse[c] = (REAL)(1 / sqrt(variance + args->epsilon));
        }
    }
}

INLINE void group_norm_rows(const struct norm *one, const struct channel_scale *s, ptrdiff_t at,
                            bool relu, bool whole)
{
    const REAL *x = one->x + at;
    REAL *y = one->y + at;
    for (ptrdiff_t r = 0; r < one->rows; r++, x += one->channels, y += one->channels)
        store_n(y, rectified(scaled(load_n(x, s->lanes, whole), s), relu), s->lanes, whole);
}

static void group_norm_part(const void *job, struct part part)
{
    const struct group_norm *args = job;
    for (ptrdiff_t n = part.rows.first; n < part.rows.end; n++) {
        struct norm one = norm_of_sample(args, n);
        one.squares = one.inverse;
        moments_part(&one, (struct part){.columns = part.columns});
        merge_channels(args, &one, part.columns);
        for (ptrdiff_t c = part.columns.first; c < part.columns.end; c += LANES) {
            struct channel_scale s = channel_scale(&one, c, part.columns.end);
            if (s.lanes < LANES)
                group_norm_rows(&one, &s, c, args->relu, false);
            else if (args->relu)
                group_norm_rows(&one, &s, c, true, true);
            else
                group_norm_rows(&one, &s, c, false, true);
        }
    }
}

static void group_norm(const struct group_norm *args)
{
    run_grids((struct grid[]){group_grid(group_norm_part, args)}, 1);
}

/* dy, or 0 where the ReLU has given 0. */
INLINE vec through_relu(vec dy, vec x, const struct channel_scale *s, bool relu)
{
    return relu ? dy * where(scaled(x, s) > (vec){0}, splat(1), (vec){0}) : dy;
}

/* Sums over the positions of dy and of dy * (x - mean), up to LANES channels from `first` on. */
INLINE void sum_gradients(const struct norm *one, const struct channel_scale *s, ptrdiff_t first,
                          REAL *sums, REAL *products, bool relu, bool whole)
{
    wide total_sum = {0}, total_product = {0};
    for (ptrdiff_t begin = 0; begin < one->rows; begin += ROWS_AT_ONCE) {
        ptrdiff_t end = least(begin + ROWS_AT_ONCE, one->rows), r = begin;
        vec sum[2] = {{0}}, product[2] = {{0}};
        for (; r + 2 <= end; r += 2)
            EACH (i, 2) {
                ptrdiff_t at = (r + i) * one->channels + first;
                vec x = load_n(one->x + at, s->lanes, whole);
                vec dy = through_relu(load_n(one->dy + at, s->lanes, whole), x, s, relu);
                sum[i] += dy;
                product[i] += dy * (x - s->mean);
            }
        if (r < end) {
            ptrdiff_t at = r * one->channels + first;
            vec x = load_n(one->x + at, s->lanes, whole);
            vec dy = through_relu(load_n(one->dy + at, s->lanes, whole), x, s, relu);
            sum[0] += dy;
            product[0] += dy * (x - s->mean);
        }
        total_sum += __builtin_convertvector(sum[0] + sum[1], wide);
        total_product += __builtin_convertvector(product[0] + product[1], wide);
    }
    vec inverse = load_n(one->inverse + first, s->lanes, whole);
    store_n(sums + first, __builtin_convertvector(total_sum, vec), s->lanes, whole);
    store_n(products + first, __builtin_convertvector(total_product, vec) * inverse, s->lanes,
            whole);
}

/* The means over each group of dn and of dn * normal, where dn = dy * gamma, for each channel. */
static void average_gradients(const struct group_norm *args, ptrdiff_t at, struct range channels)
{
    const ptrdiff_t size = args->channels / args->groups;
    for (ptrdiff_t first = channels.first; first < channels.end; first += size) {
        double sum = 0, product = 0, count = (double)size * (double)args->positions;
        for (ptrdiff_t c = first; c < first + size; c++) {
            double gamma = args->gamma ? (double)args->gamma[c] : 1;
            sum += gamma * (double)args->sums[at + c];
            product += gamma * (double)args->products[at + c];
        }
        for (ptrdiff_t c = first; c < first + size; c++) {
            args->offset[at + c] = (REAL)(sum / count);
            args->slope[at + c] = (REAL)(product / count);
        }
    }
}

/* dx = dy * scale - offset - (x - mean) * slope */
INLINE void group_gradient_rows(const struct norm *one, const struct channel_scale *s, vec offset,
                                vec slope, ptrdiff_t first, bool relu, bool whole)
{
    for (ptrdiff_t r = 0; r < one->rows; r++) {
        ptrdiff_t at = r * one->channels + first;
        vec x = load_n(one->x + at, s->lanes, whole);
        vec dy = through_relu(load_n(one->dy + at, s->lanes, whole), x, s, relu);
        store_n(one->dx + at, dy * s->scale - offset - (x - s->mean) * slope, s->lanes, whole);
    }
}

INLINE void group_gradients(const struct group_norm *args, ptrdiff_t n, struct range channels,
                            bool relu)
{
    struct norm one = norm_of_sample(args, n);
    ptrdiff_t at = n * args->channels;
    for (ptrdiff_t c = channels.first; c < channels.end; c += LANES) {
        struct channel_scale s = channel_scale(&one, c, channels.end);
        if (s.lanes == LANES)
            sum_gradients(&one, &s, c, args->sums + at, args->products + at, relu, true);
        else
            sum_gradients(&one, &s, c, args->sums + at, args->products + at, relu, false);
    }
    if (!args->dx)
        return;
    average_gradients(args, at, channels);
    for (ptrdiff_t c = channels.first; c < channels.end; c += LANES) {
        struct channel_scale s = channel_scale(&one, c, channels.end);
        vec inverse = load_first(one.inverse + c, s.lanes);
        vec offset = inverse * load_first(args->offset + at + c, s.lanes);
        vec slope = inverse * inverse * load_first(args->slope + at + c, s.lanes);
        if (s.lanes == LANES)
            group_gradient_rows(&one, &s, offset, slope, c, relu, true);
        else
            group_gradient_rows(&one, &s, offset, slope, c, relu, false);
    }
}

static void group_norm_backward_part(const void *job, struct part part)
{
    const struct group_norm *args = job;
    for (ptrdiff_t n = part.rows.first; n < part.rows.end; n++) {
        if (args->relu)
            group_gradients(args, n, part.columns, true);
        else
            group_gradients(args, n, part.columns, false);
    }
}

static void group_norm_backward(const struct group_norm *args)
{
    run_grids((struct grid[]){group_grid(group_norm_backward_part, args)}, 1);
    ptrdiff_t channels = args->channels;
    if (args->dgamma) {
        clear(args->dgamma, channels);
        add_columns(args->products, channels, args->samples, channels, args->dgamma);
    }
    if (args->dbeta) {
        clear(args->dbeta, channels);
        add_columns(args->sums, channels, args->samples, channels, args->dbeta);
    }
}

#endif
