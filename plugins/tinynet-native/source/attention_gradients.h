/* The gradients of attention. One thread sums those of a head of the keys and values of a sample,
 * over its heads of the query in order, so that no bit depends on the number of threads. */
#ifndef TINYNET_NATIVE_ATTENTION_GRADIENTS_H
#define TINYNET_NATIVE_ATTENTION_GRADIENTS_H

#include "attention.h"

static REAL dot(const REAL *a, const REAL *b, ptrdiff_t n)
{
    vec sum = {0};
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        ptrdiff_t lanes = least(LANES, n - i);
        sum = fused(load_first(a + i, lanes), load_first(b + i, lanes), sum);
    }
    return lane_sum(sum);
}

/* Replace the scores of query t by the weights, times the factors of dropout, and the gradients of
 * the weights by those of the products of query and key: weight * (gradient - mean) * scale. The
 * mean gradient, by the weights, is the product of the output and its gradient. */
static void differentiate_row(const struct attention *args, const struct shared_head *h,
                              const struct query_block *b, ptrdiff_t t)
{
    REAL *row = h->scores + t * h->width, *gradient = h->dscores + t * h->width;
    ptrdiff_t end = hide_keys(args, b, t, row), query = by_head(args, b) + t;
    ptrdiff_t at = (by_step(args, b) + t * args->heads) * args->value_size;
    const REAL *factors = dropout_factors(args, h, b, t);
    const REAL mean = dot(args->dy + at, args->y + at, args->value_size);
    const REAL top = args->top[query], inverse = args->inverse[query], scale = (REAL)args->scale;
    for (ptrdiff_t s = 0; s < end; s += LANES) {
        vec weight = exp_negative(load(row + s) - top) * inverse, factor = splat(1);
        if (factors)
            factor = load(factors + s);
        store(row + s, weight * factor);
        store(gradient + s, weight * (load(gradient + s) * factor - mean) * scale);
    }
    ptrdiff_t rest = whole_vectors(b->keys) - end;
    clear(row + end, rest);
    clear(gradient + end, rest);
}

static void differentiate_block(const struct attention *args, const struct shared_head *h,
                                const struct query_block *b)
{
    ptrdiff_t step = args->heads * args->size, value_step = args->heads * args->value_size;
    const REAL *query = args->query + by_step(args, b) * args->size;
    const REAL *dy = args->dy + by_step(args, b) * args->value_size;
    multiply_keys(args, h, b);
    multiply_block(b, dy, value_step, h->turned_values, h->width, args->value_size, h->dscores,
                   h->width, whole_vectors(b->keys));
    for (ptrdiff_t t = 0; t < b->count; t++)
        differentiate_row(args, h, b, t);
    if (args->dvalue)
        add_products(b, h->scores, h->width, dy, value_step, args->value_size, h->dvalues);
    if (args->dkey)
        add_products(b, h->dscores, h->width, query, step, args->size, h->dkeys);
    if (args->dquery)
        multiply_block(b, h->dscores, h->width, h->keys, args->size, b->keys,
                       args->dquery + by_step(args, b) * args->size, step, args->size);
}

/* Store the gradients of shared head `number` of all samples. */
static void store_head(const struct attention *args, const struct shared_head *h, ptrdiff_t number)
{
    ptrdiff_t sample = number / args->groups, group = number % args->groups;
    ptrdiff_t first = sample * args->keys * args->groups + group;
    if (args->dkey)
        copy_rows(h->dkeys, args->size, args->dkey + first * args->size, args->groups * args->size,
                  args->keys, args->size);
    if (args->dvalue)
        copy_rows(h->dvalues, args->value_size, args->dvalue + first * args->value_size,
                  args->groups * args->value_size, args->keys, args->value_size);
}

/* Rows of the grid are shared heads of samples. */
static void attention_gradients_part(const void *given, struct part part)
{
    const struct attention_job *job = given;
    const struct attention *args = job->args;
    struct shared_head h = allocate_head(args, true);
    if (!h.turned_keys) {
        *job->enough = false;
        return;
    }
    ptrdiff_t shared = args->heads / args->groups;
    for (ptrdiff_t number = part.rows.first; number < part.rows.end; number++) {
        load_head(args, &h, number);
        clear(h.dkeys, args->keys * args->size);
        clear(h.dvalues, args->keys * args->value_size);
        ptrdiff_t sample = number / args->groups, head = number % args->groups * shared;
        for (ptrdiff_t g = 0; g < shared; g++) {
            for (ptrdiff_t t = 0; t < args->queries; t += BLOCK_QUERIES) {
                struct query_block b = query_block(args, sample, head + g, t);
                differentiate_block(args, &h, &b);
            }
        }
        store_head(args, &h, number);
    }
    free(h.turned_keys);
}

static bool attention_backward(const struct attention *args)
{
    atomic_bool enough = true;
    struct attention_job job = {args, &enough};
    run_grids(
        &(struct grid){
            .run = attention_gradients_part,
            .job = &job,
            .rows = args->samples * args->groups,
            .row_step = 1,
            .work = attention_work(args) * 5 / 2,
        },
        1);
    return enough;
}

#endif
