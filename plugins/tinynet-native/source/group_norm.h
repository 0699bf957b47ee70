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
        .relu = args->relu,
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
            scale_channels(&one, &s, c, one.rows);
        }
    }
}

static void group_norm(const struct group_norm *args)
{
    run_grids((struct grid[]){group_grid(group_norm_part, args)}, 1);
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

static void group_norm_backward_part(const void *job, struct part part)
{
    const struct group_norm *args = job;
    for (ptrdiff_t n = part.rows.first; n < part.rows.end; n++) {
        struct norm one = norm_of_sample(args, n);
        ptrdiff_t at = n * args->channels;
        sum_channels(&one, part.columns, args->sums + at, args->products + at);
        if (!args->dx)
            continue;
        average_gradients(args, at, part.columns);
        for (ptrdiff_t c = part.columns.first; c < part.columns.end; c += LANES) {
            struct channel_scale s = channel_scale(&one, c, part.columns.end);
            vec inverse = load_first(one.inverse + c, s.lanes);
            vec offset = inverse * load_first(args->offset + at + c, s.lanes);
            vec slope = inverse * inverse * load_first(args->slope + at + c, s.lanes);
            channel_gradients(&one, &s, offset, slope, c, one.rows, false);
        }
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
