/* Forward passes of recurrent layers.
 *
 * Samples do not depend on each other, so a part runs all steps of its samples. Each step is
 * computed in tiles of some samples and LANES units: the sums of the gates stay in registers until
 * the new state is there. The rows of all samples lie side by side, whatever the arrays' layout.
 */
#ifndef TINYNET_NATIVE_RECURRENT_H
#define TINYNET_NATIVE_RECURRENT_H

#include "panels.h"
#include "sigmoid.h"
#include "thread_pool.h"

/* Samples of one part, at one step. The arrays are (count, C) or (count, U). */
struct rows {
    const struct forward *pass;
    ptrdiff_t first, count, t;
    REAL *x, *state, *next, *cell, *multiplied, *spare;
    const REAL *operand; /* the state, as products take it */
};

/* A pass over all samples: the function for one step, and the weights in panels. */
struct forward {
    const struct recurrence *args;
    void (*step)(const struct rows *);
    struct gate_columns x_gates, state_gates, inner_gates;
    REAL *x_panels, *state_panels, *inner_panels;
    REAL *scratch; /* (N, scratch_row) */
    ptrdiff_t scratch_row;
};

static void copy(REAL *to, const REAL *from, ptrdiff_t count)
{
    memcpy(to, from, (size_t)count * sizeof(REAL));
}

/* The number of a sample's step among those of all samples. */
INLINE ptrdiff_t step_number(const struct recurrence *args, ptrdiff_t sample, ptrdiff_t t)
{
    return sample * args->steps + t;
}

INLINE bool skips(const struct recurrence *args, ptrdiff_t step)
{
    return args->skipped && args->skipped[step];
}

/* Gates of a weight with `terms` rows, in the order of their places. */
static struct gate_columns gates_of(const struct recurrence *args, const REAL *weight,
                                    ptrdiff_t terms, int gates, const int *places)
{
    struct gate_columns g = {
        .weight = weight,
        .terms = terms,
        .units = args->units,
        .row = args->units * args->gate_count,
        .gates = gates,
    };
    for (int i = 0; i < gates; i++)
        g.order[i] = places[i];
    return g;
}

/* Lay out the inputs of the products of a step, and give samples that skip it their results.
 * Returns whether there are others. */
static bool begin_step(struct rows *r)
{
    const struct recurrence *args = r->pass->args;
    const ptrdiff_t units = args->units, channels = args->channels;
    bool any = false;
    for (ptrdiff_t i = 0; i < r->count; i++) {
        const ptrdiff_t at = step_number(args, r->first + i, r->t);
        const REAL *state = r->state + i * units;
        if (args->before)
            copy(args->before + at * units, state, units);
        if (args->cells)
            copy(args->cells + at * units, r->cell + i * units, units);
        if (skips(args, at)) {
            copy(r->next + i * units, state, units);
            copy(args->y + at * units, state, units);
            if (args->inner) /* a factor in the gradient of the weight */
                clear(args->inner + at * units, units);
            continue;
        }
        any = true;
        copy(r->x + i * channels, args->x + at * channels, channels);
        if (args->factors)
            for (ptrdiff_t u = 0; u < units; u++)
                r->multiplied[i * units + u] = state[u] * args->factors[(r->first + i) * units + u];
    }
    r->operand = args->factors ? r->multiplied : r->state;
    return any;
}

static void forward_part(const void *job, struct part part)
{
    const struct forward *pass = job;
    const struct recurrence *args = pass->args;
    const ptrdiff_t first = part.rows.first, count = part.rows.end - first;
    const ptrdiff_t size = count * args->units;
    struct rows r = {.pass = pass, .first = first, .count = count};
    r.x = pass->scratch + first * pass->scratch_row;
    r.state = r.x + count * args->channels;
    r.next = r.state + size;
    r.cell = r.next + size;
    r.multiplied = r.cell + size;
    r.spare = r.multiplied + size;
    copy(r.state, args->state + first * args->units, size);
    if (args->cell)
        copy(r.cell, args->cell + first * args->units, size);
    for (ptrdiff_t i = 0; i < args->steps; i++) {
        r.t = args->reverse ? args->steps - 1 - i : i;
        if (begin_step(&r))
            pass->step(&r);
        REAL *state = r.state;
        r.state = r.next;
        r.next = state;
    }
    copy(args->last_state + first * args->units, r.state, size);
    if (args->cell)
        copy(args->last_cell + first * args->units, r.cell, size);
}

/* Parts of about as many samples as there are for each thread, or half as many, so that threads
 * that begin late have less to do. */
static ptrdiff_t samples_in_part(ptrdiff_t samples)
{
    ptrdiff_t parts = 2 * threads_in_use();
    return greatest(MOST_OF_4, (samples + parts - 1) / parts);
}

static struct grid recurrent_grid(part_function *run, const void *job,
                                  const struct recurrence *args)
{
    const ptrdiff_t terms = args->channels + args->units;
    return (struct grid){
        .run = run,
        .job = job,
        .rows = args->samples,
        .row_step = samples_in_part(args->samples),
        .work = args->samples * args->steps * args->gate_count * args->units
                * (1 + terms / PRODUCTS_PER_ELEMENT),
    };
}

enum { SPARE_ARRAYS = 3 };

/* Returns false if there is too little memory. */
static bool run_forward(struct forward *pass)
{
    const struct recurrence *args = pass->args;
    const ptrdiff_t line = 64 / (ptrdiff_t)sizeof(REAL);
    const ptrdiff_t row = args->channels + (4 + SPARE_ARRAYS) * args->units;
    pass->scratch_row = (row + line - 1) / line * line;
    const ptrdiff_t sizes[] = {
        gate_panels_size(&pass->x_gates),
        gate_panels_size(&pass->state_gates),
        gate_panels_size(&pass->inner_gates),
    };
    REAL *memory = allocate(sizes[0] + sizes[1] + sizes[2] + args->samples * pass->scratch_row);
    if (!memory)
        return false;
    pass->x_panels = memory;
    pass->state_panels = pass->x_panels + sizes[0];
    pass->inner_panels = pass->state_panels + sizes[1];
    pass->scratch = pass->inner_panels + sizes[2];
    pack_gates(&pass->x_gates, pass->x_panels);
    pack_gates(&pass->state_gates, pass->state_panels);
    pack_gates(&pass->inner_gates, pass->inner_panels);
    run_grids((struct grid[]){recurrent_grid(forward_part, pass, args)}, 1);
    free(memory);
    return true;
}

/* A tile of a fixed number of samples from `row` on, and of LANES units. */
typedef void cell_tile(const struct rows *, ptrdiff_t row, ptrdiff_t unit);

/* Compute a step in tiles; entry `rows - 1` of the table is for `rows` samples. */
static void run_tiles(const struct rows *r, cell_tile *const *table, ptrdiff_t most)
{
    for (ptrdiff_t unit = 0; unit < r->pass->args->units; unit += LANES) {
        ptrdiff_t tiles = (r->count + most - 1) / most;
        for (ptrdiff_t row = 0; tiles > 0; tiles--) {
            ptrdiff_t height = (r->count - row + tiles - 1) / tiles;
            table[height - 1](r, row, unit);
            row += height;
        }
    }
}

/* Define the tiles of a function whose last argument is their number of rows, a constant. */
#define CELL_TILE(FUNCTION, ROWS)                                                                  \
    static void FUNCTION##_##ROWS(const struct rows *r, ptrdiff_t row, ptrdiff_t unit)             \
    {                                                                                              \
        FUNCTION(r, row, unit, ROWS);                                                              \
    }

/* n biases, or zeros without any. */
INLINE vec bias_of(const REAL *bias, ptrdiff_t first, ptrdiff_t n)
{
    return bias ? load_up_to(bias + first, n) : (vec){0};
}

/* sum[i][v + first] += x weight, and += state recurrent_weight, for the gates in the panels. */
INLINE void add_input(vec sum[][4], const int first, const struct rows *r, ptrdiff_t row,
                      ptrdiff_t unit, const int rows, const int gates)
{
    const ptrdiff_t channels = r->pass->args->channels;
    add_product(sum, first, r->x + row * channels, channels,
                r->pass->x_panels + unit * channels * gates, channels, rows, gates);
}
INLINE void add_state(vec sum[][4], const int first, const struct rows *r, ptrdiff_t row,
                      ptrdiff_t unit, const int rows, const int gates)
{
    const ptrdiff_t units = r->pass->args->units;
    add_product(sum, first, r->operand + row * units, units,
                r->pass->state_panels + unit * units * gates, units, rows, gates);
}

/* The new state of n units of a sample. */
INLINE void store_state(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, vec state, ptrdiff_t n)
{
    const struct recurrence *args = r->pass->args;
    const ptrdiff_t at = step_number(args, r->first + row, r->t);
    store_up_to(r->next + row * args->units + unit, state, n);
    store_up_to(args->y + at * args->units + unit, state, n);
}

#endif
