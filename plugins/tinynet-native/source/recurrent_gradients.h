/* Backward passes of recurrent layers.
 *
 * A part runs all steps of its samples from the last to the first: it computes the gradients of the
 * gates, and from them those of the inputs and of the state before. The gradients of the weights
 * are products over all samples and steps afterwards.
 */
#ifndef TINYNET_NATIVE_RECURRENT_GRADIENTS_H
#define TINYNET_NATIVE_RECURRENT_GRADIENTS_H

#include "dense.h"
#include "recurrent.h"

/* Samples of one part, at one step. The gradient of the state after the step is `carried`, plus
 * `product` times the factors, plus dy. */
struct gradient_rows {
    const struct backward *pass;
    ptrdiff_t first, count, t;
    REAL *dgates;                    /* (count, dgates_row) */
    REAL *carried, *product, *dcell; /* (count, U) */
};

/* Compute the gradients of n units of one sample. */
typedef void unit_gradients(const struct gradient_rows *, ptrdiff_t row, ptrdiff_t unit,
                            ptrdiff_t n);

/* Sums of products of columns of dgates: the gradient of some columns of a weight, or without rows
 * of a bias. */
struct weight_gradient {
    const REAL *rows; /* (terms, inputs) */
    const REAL *dgates;
    REAL *out;
    ptrdiff_t terms, inputs, columns, dgates_row, out_row;
};

enum { MOST_WEIGHT_GRADIENTS = 8 };

/* A pass over all samples. dgates have columns for x first; those for the state begin at
 * `state_column`. A product with the first columns comes before `reset_step`, if that is set. */
struct backward {
    const struct recurrence_gradients *args;
    unit_gradients *step, *reset_step;
    ptrdiff_t columns, state_column;
    struct gate_columns x_gates, state_gates, reset_gates;
    struct turned x, state, reset;
    REAL *scratch;
    ptrdiff_t scratch_row, dgates_row;
    struct weight_gradient weights[MOST_WEIGHT_GRADIENTS];
    int weight_count;
};

INLINE vec state_gradient(const struct gradient_rows *r, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t n)
{
    const struct recurrence *forward = &r->pass->args->forward;
    const ptrdiff_t i = row * forward->units + unit;
    vec product = load_up_to(r->product + i, n);
    if (forward->factors)
        product *= load_up_to(forward->factors + r->first * forward->units + i, n);
    return load_up_to(r->carried + i, n) + product;
}

/* The gradient of the state after the step, with that of the output. */
INLINE vec output_gradient(const struct gradient_rows *r, ptrdiff_t row, ptrdiff_t unit,
                           ptrdiff_t n)
{
    const struct recurrence *forward = &r->pass->args->forward;
    const REAL *dy = r->pass->args->dy;
    vec gradient = state_gradient(r, row, unit, n);
    if (!dy)
        return gradient;
    const ptrdiff_t at = step_number(forward, r->first + row, r->t);
    return gradient + load_up_to(dy + at * forward->units + unit, n);
}

/* Call a function for all units of the samples that do not skip the step. Returns whether there are
 * any. */
static bool each_unit(const struct gradient_rows *r, unit_gradients *function)
{
    const struct recurrence *forward = &r->pass->args->forward;
    bool any = false;
    for (ptrdiff_t row = 0; row < r->count; row++) {
        if (skips(forward, step_number(forward, r->first + row, r->t)))
            continue;
        any = true;
        for (ptrdiff_t unit = 0; unit < forward->units; unit += LANES)
            function(r, row, unit, least(LANES, forward->units - unit));
    }
    return any;
}

/* Samples that skip the step carry their gradients. */
static void carry_gradients(const struct gradient_rows *r)
{
    const struct recurrence *forward = &r->pass->args->forward;
    const ptrdiff_t units = forward->units;
    for (ptrdiff_t row = 0; row < r->count; row++) {
        if (!skips(forward, step_number(forward, r->first + row, r->t)))
            continue;
        for (ptrdiff_t unit = 0; unit < units; unit += LANES) {
            ptrdiff_t n = least(LANES, units - unit);
            store_up_to(r->carried + row * units + unit, output_gradient(r, row, unit, n), n);
        }
        clear(r->dgates + row * r->pass->dgates_row, r->pass->columns);
    }
}

/* The products of a step with the weights. */
static void multiply_gradients(const struct gradient_rows *r)
{
    const struct backward *pass = r->pass;
    const struct recurrence *forward = &pass->args->forward;
    REAL *start = NULL;
    if (pass->reset_step) {
        multiply_turned((struct product){.a = r->dgates,
                                         .a_row = pass->dgates_row,
                                         .c = r->product,
                                         .c_row = forward->units},
                        &pass->reset, r->count);
        each_unit(r, pass->reset_step);
        start = r->product;
    }
    multiply_turned((struct product){.a = r->dgates + pass->state_column,
                                     .a_row = pass->dgates_row,
                                     .start = start,
                                     .start_row = forward->units,
                                     .c = r->product,
                                     .c_row = forward->units},
                    &pass->state, r->count);
    if (!pass->args->dx)
        return;
    const ptrdiff_t at = step_number(forward, r->first, r->t);
    multiply_turned((struct product){.a = r->dgates,
                                     .a_row = pass->dgates_row,
                                     .c = pass->args->dx + at * forward->channels,
                                     .c_row = forward->steps * forward->channels},
                    &pass->x, r->count);
}

static void backward_step(const struct gradient_rows *r)
{
    const struct backward *pass = r->pass;
    const struct recurrence *forward = &pass->args->forward;
    bool any = each_unit(r, pass->step);
    carry_gradients(r);
    if (any)
        multiply_gradients(r);
    else
        clear(r->product, r->count * forward->units);
    for (ptrdiff_t row = 0; row < r->count; row++) {
        const ptrdiff_t at = step_number(forward, r->first + row, r->t);
        copy(pass->args->dgates + at * pass->columns, r->dgates + row * pass->dgates_row,
             pass->columns);
        if (!any && pass->args->dx)
            clear(pass->args->dx + at * forward->channels, forward->channels);
    }
}

/* Copy the gradient of a state, or zeros for NULL. */
static void begin_gradient(REAL *to, const REAL *from, ptrdiff_t first, ptrdiff_t count)
{
    if (from)
        copy(to, from + first, count);
    else
        clear(to, count);
}

static void backward_part(const void *job, struct part part)
{
    const struct backward *pass = job;
    const struct recurrence_gradients *args = pass->args;
    const ptrdiff_t units = args->forward.units, steps = args->forward.steps;
    const ptrdiff_t first = part.rows.first, count = part.rows.end - first, size = count * units;
    struct gradient_rows r = {.pass = pass, .first = first, .count = count};
    r.dgates = pass->scratch + first * pass->scratch_row;
    r.carried = r.dgates + count * pass->dgates_row;
    r.product = r.carried + size;
    r.dcell = r.product + size;
    begin_gradient(r.carried, args->dlast_state, first * units, size);
    begin_gradient(r.dcell, args->dlast_cell, first * units, size);
    clear(r.product, size);
    for (ptrdiff_t i = 0; i < steps; i++) {
        r.t = args->forward.reverse ? i : steps - 1 - i;
        backward_step(&r);
    }
    for (ptrdiff_t row = 0; row < count; row++)
        for (ptrdiff_t unit = 0; unit < units; unit += LANES) {
            ptrdiff_t n = least(LANES, units - unit);
            store_up_to(args->dstate + (first + row) * units + unit,
                        state_gradient(&r, row, unit, n), n);
        }
    if (args->dcell)
        copy(args->dcell + first * units, r.dcell, size);
}

static void weight_gradient_part(const void *job, struct part part)
{
    const struct weight_gradient *g = job;
    const ptrdiff_t width = part.columns.end - part.columns.first;
    const REAL *dgates = g->dgates + part.columns.first;
    REAL *out = g->out + part.columns.first;
    if (!g->rows) {
        clear(out, width);
        add_columns(dgates, g->dgates_row, g->terms, width, out);
        return;
    }
    for (ptrdiff_t i = part.rows.first; i < part.rows.end && g->terms == 0; i++)
        clear(out + i * g->out_row, width);
    struct product p =
        plain_product(g->rows + part.rows.first, dgates, NULL, out + part.rows.first * g->out_row);
    p.a_row = 1;
    p.c_row = g->out_row;
    p.inner = (struct sum_axis){g->terms, g->inputs, g->dgates_row};
    multiply_in_blocks(&p, part.rows.end - part.rows.first, width);
}

static struct grid weight_gradient_grid(const struct weight_gradient *g)
{
    return (struct grid){
        .run = weight_gradient_part,
        .job = g,
        .rows = g->inputs,
        .columns = g->columns,
        .row_step = g->rows ? MOST_OF_2 / 2 : 0,
        .column_step = 2 * LANES,
        .columns_first = true,
        .work = g->inputs * g->columns * (1 + g->terms / PRODUCTS_PER_ELEMENT),
    };
}

/* Add the gradient of `gates` gates of a weight, or of a bias if `inputs` is 0; `out` may be NULL.
 * They begin at gate `from` of dgates, and at gate `to` of the weight. */
static void add_weight_gradient(struct backward *pass, const REAL *rows, ptrdiff_t inputs,
                                REAL *out, int from, int to, int gates)
{
    const struct recurrence *forward = &pass->args->forward;
    if (out)
        pass->weights[pass->weight_count++] = (struct weight_gradient){
            .rows = rows,
            .dgates = pass->args->dgates + from * forward->units,
            .out = out + to * forward->units,
            .terms = forward->samples * forward->steps,
            .inputs = inputs,
            .columns = gates * forward->units,
            .dgates_row = pass->columns,
            .out_row = forward->gate_count * forward->units,
        };
}

static void run_weight_gradients(const struct backward *pass)
{
    struct grid grids[MOST_WEIGHT_GRADIENTS];
    for (int i = 0; i < pass->weight_count; i++)
        grids[i] = weight_gradient_grid(&pass->weights[i]);
    run_grids(grids, pass->weight_count);
}

/* Set where the panels of a transposed weight are. Returns the place after them. */
static REAL *place_turned(struct turned *t, const struct gate_columns *g, REAL *memory)
{
    *t = (struct turned){memory, g->gates * g->units, g->terms};
    return memory + turned_size(t->terms, t->columns);
}

/* Returns false if there is too little memory. */
static bool run_backward(struct backward *pass)
{
    const struct recurrence_gradients *args = pass->args;
    const struct recurrence *forward = &args->forward;
    const ptrdiff_t line = 64 / (ptrdiff_t)sizeof(REAL);
    struct gate_columns *const gates[] = {&pass->x_gates, &pass->state_gates, &pass->reset_gates};
    struct turned *const turned[] = {&pass->x, &pass->state, &pass->reset};
    /* Rows that are powers of 2 apart would meet in the same places of a cache. */
    pass->dgates_row = pass->columns + line;
    pass->scratch_row = (pass->dgates_row + 3 * forward->units + line - 1) / line * line;
    if (!args->dx)
        pass->x_gates.gates = 0;
    ptrdiff_t size = forward->samples * pass->scratch_row;
    EACH (i, 3)
        size += turned_size(gates[i]->gates * gates[i]->units, gates[i]->terms);
    REAL *memory = allocate(size), *next = memory;
    if (!memory)
        return false;
    for (int i = 0; i < 3; i++) {
        next = place_turned(turned[i], gates[i], next);
        turn_gates(gates[i], turned[i]);
    }
    pass->scratch = next;
    run_grids((struct grid[]){recurrent_grid(backward_part, pass, forward)}, 1);
    free(memory);
    run_weight_gradients(pass);
    return true;
}

#endif
