/* Gated recurrent units. Gates are ordered z, r, h.
 *
 * The gradients of the gates are ordered h, z, r; with `reset_after` that of `inner`, the product
 * within h, follows. So those for x, and those for the state, lie side by side.
 */
#ifndef TINYNET_NATIVE_GRU_H
#define TINYNET_NATIVE_GRU_H

#include "recurrent_gradients.h"

/* Places of sums in a tile: the sum of h over x, and that over the state. */
enum { SUM_X_H, SUM_Z, SUM_R, SUM_STATE_H };

/* sum[i] = the biases, plus x weight, plus the products of the first gates with the state. */
INLINE void gru_sums(vec sum[][4], const struct rows *r, ptrdiff_t row, ptrdiff_t unit,
                     const int rows, const int state_gates)
{
    const struct recurrence *args = r->pass->args;
    const ptrdiff_t units = args->units, n = least(LANES, units - unit);
    const REAL *second = args->bias && args->reset_after ? args->bias + 3 * units : NULL;
    EACH (i, rows) {
        sum[i][SUM_X_H] = bias_of(args->bias, 2 * units + unit, n);
        sum[i][SUM_Z] = bias_of(args->bias, unit, n) + bias_of(second, unit, n);
        sum[i][SUM_R] = bias_of(args->bias, units + unit, n) + bias_of(second, units + unit, n);
        sum[i][SUM_STATE_H] = bias_of(second, 2 * units + unit, n);
    }
    add_input(sum, SUM_X_H, r, row, unit, rows, 3);
    add_state(sum, SUM_Z, r, row, unit, rows, state_gates);
}

/* Store the new state and z and h of n units of a sample. */
static void gru_finish(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, vec z, vec h)
{
    const struct recurrence *args = r->pass->args;
    const ptrdiff_t units = args->units, n = least(LANES, units - unit);
    const vec old = load_up_to(r->state + row * units + unit, n);
    store_state(r, row, unit, fused(z, old - h, h), n);
    if (args->gates) {
        REAL *gates = args->gates + step_number(args, r->first + row, r->t) * 3 * units + unit;
        store_up_to(gates, z, n);
        store_up_to(gates + 2 * units, h, n);
    }
}

static void gru_cell(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, const vec *sum)
{
    const struct recurrence *args = r->pass->args;
    const ptrdiff_t units = args->units, n = least(LANES, units - unit);
    const ptrdiff_t at = step_number(args, r->first + row, r->t);
    if (skips(args, at))
        return;
    const vec reset = sigmoid_of(sum[SUM_R]), inner = sum[SUM_STATE_H];
    gru_finish(r, row, unit, sigmoid_of(sum[SUM_Z]), tanh_of(fused(reset, inner, sum[SUM_X_H])));
    if (args->gates) {
        store_up_to(args->gates + at * 3 * units + units + unit, reset, n);
        store_up_to(args->inner + at * units + unit, inner, n);
    }
}

INLINE void gru_tile(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, const int rows)
{
    vec sum[MOST_OF_4][4], done[MOST_OF_4][4];
    gru_sums(sum, r, row, unit, rows, 3);
    EACH (i, rows)
        EACH (g, 4)
            done[i][g] = sum[i][g];
    for (int i = 0; i < rows; i++)
        gru_cell(r, row + i, unit, done[i]);
}

/* Without `reset_after`: z, and the factor of the product within h, for which all units are needed.
 * z and the sum of h over x are kept in `spare`, and the factor in `multiplied`. */
static void gru_gates(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, const vec *sum)
{
    const struct recurrence *args = r->pass->args;
    const ptrdiff_t units = args->units, n = least(LANES, units - unit);
    const ptrdiff_t at = step_number(args, r->first + row, r->t), place = row * units + unit;
    const vec reset = sigmoid_of(sum[SUM_R]);
    const vec inner = reset * load_up_to(r->operand + place, n);
    store_up_to(r->spare + place, sigmoid_of(sum[SUM_Z]), n);
    store_up_to(r->spare + r->count * units + place, sum[SUM_X_H], n);
    store_up_to(r->spare + 2 * r->count * units + place, inner, n);
    if (args->gates && !skips(args, at)) {
        store_up_to(args->gates + at * 3 * units + units + unit, reset, n);
        store_up_to(args->inner + at * units + unit, inner, n);
    }
}

INLINE void gru_gates_tile(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, const int rows)
{
    vec sum[MOST_OF_4][4], done[MOST_OF_4][4];
    gru_sums(sum, r, row, unit, rows, 2);
    EACH (i, rows)
        EACH (g, 3)
            done[i][g] = sum[i][g];
    for (int i = 0; i < rows; i++)
        gru_gates(r, row + i, unit, done[i]);
}

static void gru_reset_cell(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, vec sum)
{
    const struct recurrence *args = r->pass->args;
    const ptrdiff_t units = args->units;
    if (!skips(args, step_number(args, r->first + row, r->t)))
        gru_finish(r, row, unit,
                   load_up_to(r->spare + row * units + unit, least(LANES, units - unit)),
                   tanh_of(sum));
}

INLINE void gru_reset_tile(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, const int rows)
{
    const ptrdiff_t units = r->pass->args->units, n = least(LANES, units - unit);
    const REAL *sum_x_h = r->spare + (r->count + row) * units, *inner = sum_x_h + r->count * units;
    vec sum[MOST_OF_1][4], done[MOST_OF_1];
    EACH (i, rows)
        sum[i][0] = load_up_to(sum_x_h + i * units + unit, n);
    add_product(sum, 0, inner, units, r->pass->inner_panels + unit * units, units, rows, 1);
    EACH (i, rows)
        done[i] = sum[i][0];
    for (int i = 0; i < rows; i++)
        gru_reset_cell(r, row + i, unit, done[i]);
}

#define GRU_TILE(ROWS) CELL_TILE(gru_tile, ROWS)
#define GRU_GATES_TILE(ROWS) CELL_TILE(gru_gates_tile, ROWS)
#define GRU_RESET_TILE(ROWS) CELL_TILE(gru_reset_tile, ROWS)
#define GRU_ENTRY(ROWS) gru_tile_##ROWS,
#define GRU_GATES_ENTRY(ROWS) gru_gates_tile_##ROWS,
#define GRU_RESET_ENTRY(ROWS) gru_reset_tile_##ROWS,
ROWS_OF_4(GRU_TILE)
ROWS_OF_4(GRU_GATES_TILE)
ROWS_OF_1(GRU_RESET_TILE)

static void gru_step(const struct rows *r)
{
    static cell_tile *const tiles[] = {ROWS_OF_4(GRU_ENTRY)};
    static cell_tile *const gate_tiles[] = {ROWS_OF_4(GRU_GATES_ENTRY)};
    static cell_tile *const reset_tiles[] = {ROWS_OF_1(GRU_RESET_ENTRY)};
    if (r->pass->args->reset_after) {
        run_tiles(r, tiles, MOST_OF_4);
    } else {
        run_tiles(r, gate_tiles, MOST_OF_4);
        run_tiles(r, reset_tiles, MOST_OF_1);
    }
}

static bool gru(const struct recurrence *args)
{
    const bool after = args->reset_after;
    struct forward pass = {
        .args = args,
        .step = gru_step,
        .x_gates = gates_of(args, args->weight, args->channels, 3, (int[]){2, 0, 1, 0}),
        .state_gates =
            gates_of(args, args->recurrent_weight, args->units, after ? 3 : 2, (int[]){0, 1, 2, 0}),
        .inner_gates =
            gates_of(args, args->recurrent_weight, args->units, after ? 0 : 1, (int[]){2, 0, 0, 0}),
    };
    return run_forward(&pass);
}

static void gru_unit_gradients(const struct gradient_rows *r, ptrdiff_t row, ptrdiff_t unit,
                               ptrdiff_t n)
{
    const struct recurrence *forward = &r->pass->args->forward;
    const ptrdiff_t units = forward->units;
    const ptrdiff_t at = step_number(forward, r->first + row, r->t);
    const REAL *gates = forward->gates + at * 3 * units + unit;
    const vec z = load_up_to(gates, n), h = load_up_to(gates + 2 * units, n);
    const vec before = load_up_to(forward->before + at * units + unit, n);
    const vec dstate = output_gradient(r, row, unit, n);
    const vec dh = dstate * (1 - z) * (1 - h * h);
    REAL *dgates = r->dgates + row * r->pass->dgates_row + unit;
    store_up_to(dgates, dh, n);
    store_up_to(dgates + units, (before - h) * dstate * (z * (1 - z)), n);
    store_up_to(r->carried + row * units + unit, dstate * z, n);
    if (forward->reset_after) {
        const vec reset = load_up_to(gates + units, n);
        const vec inner = load_up_to(forward->inner + at * units + unit, n);
        store_up_to(dgates + 2 * units, dh * inner * (reset * (1 - reset)), n);
        store_up_to(dgates + 3 * units, dh * reset, n);
    }
}

/* Without `reset_after`: the product is the gradient of r * state. */
static void gru_reset_gradients(const struct gradient_rows *r, ptrdiff_t row, ptrdiff_t unit,
                                ptrdiff_t n)
{
    const struct recurrence *forward = &r->pass->args->forward;
    const ptrdiff_t units = forward->units;
    const ptrdiff_t at = step_number(forward, r->first + row, r->t);
    const vec reset = load_up_to(forward->gates + (at * 3 + 1) * units + unit, n);
    const vec state = load_up_to(r->pass->args->state_rows + at * units + unit, n);
    REAL *product = r->product + row * units + unit;
    const vec dinner = load_up_to(product, n);
    store_up_to(r->dgates + row * r->pass->dgates_row + 2 * units + unit,
                dinner * state * (reset * (1 - reset)), n);
    store_up_to(product, dinner * reset, n);
}

static void add_gru_weights(struct backward *pass)
{
    const struct recurrence_gradients *args = pass->args;
    const struct recurrence *forward = &args->forward;
    const ptrdiff_t channels = forward->channels, units = forward->units;
    add_weight_gradient(pass, forward->x, channels, args->dweight, 1, 0, 2);
    add_weight_gradient(pass, forward->x, channels, args->dweight, 0, 2, 1);
    add_weight_gradient(pass, NULL, 1, args->dbias, 1, 0, 2);
    add_weight_gradient(pass, NULL, 1, args->dbias, 0, 2, 1);
    if (forward->reset_after) {
        add_weight_gradient(pass, args->state_rows, units, args->drecurrent_weight, 1, 0, 3);
        add_weight_gradient(pass, NULL, 1, args->dbias, 1, 3, 3);
    } else {
        add_weight_gradient(pass, args->state_rows, units, args->drecurrent_weight, 1, 0, 2);
        add_weight_gradient(pass, forward->inner, units, args->drecurrent_weight, 0, 2, 1);
    }
}

static bool gru_backward(const struct recurrence_gradients *args)
{
    const struct recurrence *forward = &args->forward;
    const REAL *recurrent_weight = forward->recurrent_weight;
    const ptrdiff_t units = forward->units;
    const bool after = forward->reset_after;
    struct backward pass = {
        .args = args,
        .step = gru_unit_gradients,
        .reset_step = after ? NULL : gru_reset_gradients,
        .columns = (after ? 4 : 3) * units,
        .state_column = units,
        .x_gates = gates_of(forward, forward->weight, forward->channels, 3, (int[]){2, 0, 1, 0}),
        .state_gates =
            gates_of(forward, recurrent_weight, units, after ? 3 : 2, (int[]){0, 1, 2, 0}),
        .reset_gates =
            gates_of(forward, recurrent_weight, units, after ? 0 : 1, (int[]){2, 0, 0, 0}),
    };
    add_gru_weights(&pass);
    return run_backward(&pass);
}

#endif
