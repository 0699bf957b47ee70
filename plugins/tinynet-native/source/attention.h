/* Scaled dot-product attention.
 *
 * The heads of the query that share a head of the keys and values of one sample are computed by one
 * thread, a block of queries at a time, whose scores stay in a near cache. The weights are not kept
 * for the backward, which computes them again from the maximum of the scores of each query and the
 * sum of its exponentials.
 */
#ifndef TINYNET_NATIVE_ATTENTION_H
#define TINYNET_NATIVE_ATTENTION_H

#include "dense.h"
#include "exponential.h"

enum { BLOCK_QUERIES = 2 * MOST_OF_2 /* whole tiles */ };

struct attention_job {
    const struct attention *args;
    atomic_bool *enough; /* becomes false if there is too little memory */
};

/* The keys and values of one head of one sample, and memory for a block of its queries. Rows of
 * `width` elements are whole vectors. */
struct shared_head {
    ptrdiff_t width;
    REAL *turned_keys;   /* times the scale, (D, width) */
    REAL *turned_values; /* (V, width) */
    REAL *keys, *values; /* (S, D), (S, V) */
    REAL *dkeys, *dvalues;
    REAL *scores, *dscores; /* (BLOCK_QUERIES, width) */
    REAL *factors;          /* of the weights of one query with dropout, (width) */
};

/* Consecutive queries of one head of one sample, which use the first `keys` keys at most. */
struct query_block {
    ptrdiff_t sample, head, first, count, keys;
};

static ptrdiff_t whole_vectors(ptrdiff_t n) { return (n + LANES - 1) / LANES * LANES; }

/* Memory for a shared head; that of the backward only if it is `backward`. The caller frees
 * turned_keys, which is NULL if there is too little. */
static struct shared_head allocate_head(const struct attention *args, bool backward)
{
    struct shared_head h = {.width = whole_vectors(args->keys)};
    ptrdiff_t sizes[] = {
        args->size * h.width,
        args->keys * args->value_size,
        BLOCK_QUERIES * h.width,
        h.width,
        /* for the backward */
        args->keys * args->size,
        args->value_size * h.width,
        args->keys * args->size,
        args->keys * args->value_size,
        BLOCK_QUERIES * h.width,
    };
    REAL **arrays[] = {
        &h.turned_keys,   &h.values, &h.scores,  &h.factors, &h.keys,
        &h.turned_values, &h.dkeys,  &h.dvalues, &h.dscores,
    };
    int count = backward ? 9 : 4;
    ptrdiff_t total = 0;
    for (int i = 0; i < count; i++)
        total += whole_vectors(sizes[i]);
    REAL *memory = allocate(total);
    for (int i = 0; memory && i < count; i++) {
        *arrays[i] = memory;
        memory += whole_vectors(sizes[i]);
    }
    return h;
}

/* to[d][s] = from[s][d] * scale, and 0 in the rest of its last vector. */
static void turn_rows(const REAL *from, ptrdiff_t step, ptrdiff_t rows, ptrdiff_t columns,
                      REAL scale, REAL *to, ptrdiff_t width)
{
    transpose(from, step, to, width, rows, columns);
    for (ptrdiff_t d = 0; d < columns; d++) {
        for (ptrdiff_t s = 0; s < rows; s++)
            to[d * width + s] *= scale;
        clear(to + d * width + rows, width - rows);
    }
}

/* The block of queries from `first` on. */
static struct query_block query_block(const struct attention *args, ptrdiff_t sample,
                                      ptrdiff_t head, ptrdiff_t first)
{
    ptrdiff_t count = least(BLOCK_QUERIES, args->queries - first);
    return (struct query_block){
        .sample = sample,
        .head = head,
        .first = first,
        .count = count,
        .keys = args->causal ? least(first + count, args->keys) : args->keys,
    };
}

/* The number of keys that query t of a block may use, but for the mask. */
INLINE ptrdiff_t usable_keys(const struct attention *args, const struct query_block *b, ptrdiff_t t)
{
    return args->causal ? least(b->first + t + 1, args->keys) : args->keys;
}

/* The first query of a block among all queries of (N, T, H), and of (N, H, T). */
static ptrdiff_t by_step(const struct attention *args, const struct query_block *b)
{
    return (b->sample * args->queries + b->first) * args->heads + b->head;
}
static ptrdiff_t by_head(const struct attention *args, const struct query_block *b)
{
    return (b->sample * args->heads + b->head) * args->queries + b->first;
}

/* c = a b for the rows of a block: `a` has `terms` columns, and b and c `columns`. */
static void multiply_block(const struct query_block *b, const REAL *a, ptrdiff_t a_row,
                           const REAL *right, ptrdiff_t right_row, ptrdiff_t terms, REAL *c,
                           ptrdiff_t c_row, ptrdiff_t columns)
{
    struct product p = plain_product(a, right, NULL, c);
    p.a_row = a_row;
    p.c_row = c_row;
    p.inner = (struct sum_axis){terms, 1, right_row};
    multiply(&p, b->count, columns);
}

/* sums += weights' rows, over the queries of a block: weights (count, width), rows (count, size)
 * that lie `step` elements apart. */
static void add_products(const struct query_block *b, const REAL *weights, ptrdiff_t width,
                         const REAL *rows, ptrdiff_t step, ptrdiff_t size, REAL *sums)
{
    struct product p = plain_product(weights, rows, sums, sums);
    p.a_row = 1;
    p.start_row = p.c_row = size;
    p.inner = (struct sum_axis){b->count, width, step};
    multiply(&p, b->keys, size);
}

static void multiply_keys(const struct attention *args, const struct shared_head *h,
                          const struct query_block *b)
{
    multiply_block(b, args->query + by_step(args, b) * args->size, args->heads * args->size,
                   h->turned_keys, h->width, args->size, h->scores, h->width,
                   whole_vectors(b->keys));
}

/* Set the scores of keys that query t may not use to -inf, up to a whole vector, where it ends. */
static ptrdiff_t hide_keys(const struct attention *args, const struct query_block *b, ptrdiff_t t,
                           REAL *restrict scores)
{
    ptrdiff_t count = usable_keys(args, b, t), end = whole_vectors(count);
    if (args->mask) {
        const REAL *restrict mask = args->mask + b->sample * args->mask_rows * args->keys
                                    + (args->mask_rows > 1 ? (b->first + t) * args->keys : 0);
        for (ptrdiff_t s = 0; s < count; s++)
            scores[s] = mask[s] == 0 ? (REAL)-INFINITY : scores[s];
    }
    for (ptrdiff_t s = count; s < end; s++)
        scores[s] = (REAL)-INFINITY;
    return end;
}

/* The factors of the weights of query t, up to a whole vector; NULL without dropout. */
static const REAL *dropout_factors(const struct attention *args, const struct shared_head *h,
                                   const struct query_block *b, ptrdiff_t t)
{
    if (!args->uniform)
        return NULL;
    const float *restrict uniform = args->uniform + (by_head(args, b) + t) * args->keys;
    const float rate = (float)args->rate;
    const REAL kept = (REAL)(1 / (1 - args->rate));
    ptrdiff_t count = usable_keys(args, b, t);
    REAL *restrict factors = h->factors;
    for (ptrdiff_t s = 0; s < count; s++)
        factors[s] = uniform[s] >= rate ? kept : (REAL)0;
    clear(factors + count, whole_vectors(count) - count);
    return factors;
}

/* Replace the scores of query t by exponentials, times the factors of dropout. */
static void exponentiate_row(const struct attention *args, const struct shared_head *h,
                             const struct query_block *b, ptrdiff_t t)
{
    REAL *row = h->scores + t * h->width;
    ptrdiff_t end = hide_keys(args, b, t, row);
    const REAL *factors = dropout_factors(args, h, b, t);
    REAL top = row_max(row, end);
    if (top == (REAL)-INFINITY)
        top = 0; /* a query without any key: -inf minus itself would be NaN */
    vec totals = {0};
    for (ptrdiff_t s = 0; s < end; s += LANES) {
        vec e = exp_negative(load(row + s) - top);
        totals += e;
        store(row + s, factors ? e * load(factors + s) : e);
    }
    clear(row + end, whole_vectors(b->keys) - end);
    const REAL total = lane_sum(totals);
    args->top[by_head(args, b) + t] = top;
    args->inverse[by_head(args, b) + t] = total != 0 ? 1 / total : 0;
}

static void attend_block(const struct attention *args, const struct shared_head *h,
                         const struct query_block *b)
{
    ptrdiff_t step = args->heads * args->value_size;
    REAL *y = args->y + by_step(args, b) * args->value_size;
    multiply_keys(args, h, b);
    for (ptrdiff_t t = 0; t < b->count; t++)
        exponentiate_row(args, h, b, t);
    multiply_block(b, h->scores, h->width, h->values, args->value_size, b->keys, y, step,
                   args->value_size);
    for (ptrdiff_t t = 0; t < b->count; t++)
        for (ptrdiff_t v = 0; v < args->value_size; v++)
            y[t * step + v] *= args->inverse[by_head(args, b) + t];
}

/* Load shared head `number` of all samples. */
static void load_head(const struct attention *args, struct shared_head *h, ptrdiff_t number)
{
    ptrdiff_t sample = number / args->groups, group = number % args->groups;
    ptrdiff_t first = sample * args->keys * args->groups + group;
    const REAL *key = args->key + first * args->size;
    const REAL *value = args->value + first * args->value_size;
    ptrdiff_t key_step = args->groups * args->size, value_step = args->groups * args->value_size;
    turn_rows(key, key_step, args->keys, args->size, (REAL)args->scale, h->turned_keys, h->width);
    copy_rows(value, value_step, h->values, args->value_size, args->keys, args->value_size);
    if (h->keys) {
        copy_rows(key, key_step, h->keys, args->size, args->keys, args->size);
        turn_rows(value, value_step, args->keys, args->value_size, 1, h->turned_values, h->width);
    }
}

/* Rows of the grid are shared heads of samples, its columns queries. */
static void attention_part(const void *given, struct part part)
{
    const struct attention_job *job = given;
    const struct attention *args = job->args;
    struct shared_head h = allocate_head(args, false);
    if (!h.turned_keys) {
        *job->enough = false;
        return;
    }
    ptrdiff_t shared = args->heads / args->groups;
    for (ptrdiff_t number = part.rows.first; number < part.rows.end; number++) {
        load_head(args, &h, number);
        ptrdiff_t sample = number / args->groups, head = number % args->groups * shared;
        for (ptrdiff_t g = 0; g < shared; g++) {
            for (ptrdiff_t t = part.columns.first; t < part.columns.end; t += BLOCK_QUERIES) {
                struct query_block b = query_block(args, sample, head + g, t);
                attend_block(args, &h, &b);
            }
        }
    }
    free(h.turned_keys);
}

static ptrdiff_t attention_work(const struct attention *args)
{
    ptrdiff_t terms = (args->size + args->value_size) / PRODUCTS_PER_ELEMENT + 1;
    return args->samples * args->heads * args->queries * args->keys * terms;
}

static bool attention(const struct attention *args)
{
    atomic_bool enough = true;
    struct attention_job job = {args, &enough};
    run_grids(
        &(struct grid){
            .run = attention_part,
            .job = &job,
            .rows = args->samples * args->groups,
            .columns = args->queries,
            .row_step = 1,
            .column_step = BLOCK_QUERIES,
            .work = attention_work(args),
        },
        1);
    return enough;
}

#endif
