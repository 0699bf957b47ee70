/* Long short-term memory. Gates are ordered i, f, c, o; dgates (N, T, 4 U) too. */
#ifndef TINYNET_NATIVE_LSTM_H
#define TINYNET_NATIVE_LSTM_H

#include "recurrent_gradients.h"

/* The new cell and state of n units of a sample, from the sums of their gates. */
static void lstm_cell(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, const vec *sum)
{
    const struct recurrence *args = r->pass->args;
    const ptrdiff_t units = args->units, n = least(LANES, units - unit);
    const ptrdiff_t at = step_number(args, r->first + row, r->t);
    if (skips(args, at))
        return;
    const vec i = sigmoid_of(sum[0]), f = sigmoid_of(sum[1]), c = tanh_of(sum[2]);
    const vec o = sigmoid_of(sum[3]);
    REAL *place = r->cell + row * units + unit;
    const vec cell = fused(f, load_up_to(place, n), i * c);
    store_up_to(place, cell, n);
    store_state(r, row, unit, o * tanh_of(cell), n);
    if (args->gates) {
        REAL *gates = args->gates + at * 4 * units + unit;
        store_up_to(gates, i, n);
        store_up_to(gates + units, f, n);
        store_up_to(gates + 2 * units, c, n);
        store_up_to(gates + 3 * units, o, n);
    }
}

INLINE void lstm_tile(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, const int rows)
{
    const struct recurrence *args = r->pass->args;
    vec sum[MOST_OF_4][4], done[MOST_OF_4][4];
    EACH (i, rows)
        EACH (g, 4)
            sum[i][g] =
                bias_of(args->bias, g * args->units + unit, least(LANES, args->units - unit));
    add_input(sum, 0, r, row, unit, rows, 4);
    add_state(sum, 0, r, row, unit, rows, 4);
    EACH (i, rows)
        EACH (g, 4)
            done[i][g] = sum[i][g];
    for (int i = 0; i < rows; i++)
        lstm_cell(r, row + i, unit, done[i]);
}

#define LSTM_TILE(ROWS) CELL_TILE(lstm_tile, ROWS)
#define LSTM_ENTRY(ROWS) lstm_tile_##ROWS,
ROWS_OF_4(LSTM_TILE)

static void lstm_step(const struct rows *r)
{
    static cell_tile *const tiles[] = {ROWS_OF_4(LSTM_ENTRY)};
    run_tiles(r, tiles, MOST_OF_4);
}

static bool lstm(const struct recurrence *args)
{
    struct forward pass = {
        .args = args,
        .step = lstm_step,
        .x_gates = gates_of(args, args->weight, args->channels, 4, (int[]){0, 1, 2, 3}),
        .state_gates = gates_of(args, args->recurrent_weight, args->units, 4, (int[]){0, 1, 2, 3}),
    };
    return run_forward(&pass);
}

static void lstm_unit_gradients(const struct gradient_rows *r, ptrdiff_t row, ptrdiff_t unit,
                                ptrdiff_t n)
{
    const struct recurrence *forward = &r->pass->args->forward;
    const ptrdiff_t units = forward->units, place = row * units + unit;
    const ptrdiff_t at = step_number(forward, r->first + row, r->t);
    const REAL *gates = forward->gates + at * 4 * units + unit;
    const vec i = load_up_to(gates, n), f = load_up_to(gates + units, n);
    const vec c = load_up_to(gates + 2 * units, n), o = load_up_to(gates + 3 * units, n);
    const vec before = load_up_to(forward->cells + at * units + unit, n);
    const vec tanh_cell = tanh_of(fused(f, before, i * c));
    const vec dstate = output_gradient(r, row, unit, n);
    const vec dcell = fused(dstate * o, 1 - tanh_cell * tanh_cell, load_up_to(r->dcell + place, n));
    REAL *dgates = r->dgates + row * r->pass->dgates_row + unit;
    store_up_to(dgates, dcell * c * (i * (1 - i)), n);
    store_up_to(dgates + units, dcell * before * (f * (1 - f)), n);
    store_up_to(dgates + 2 * units, dcell * i * (1 - c * c), n);
    store_up_to(dgates + 3 * units, dstate * tanh_cell * (o * (1 - o)), n);
    store_up_to(r->dcell + place, dcell * f, n);
    store_up_to(r->carried + place, (vec){0}, n);
}

static bool lstm_backward(const struct recurrence_gradients *args)
{
    const struct recurrence *forward = &args->forward;
    struct backward pass = {
        .args = args,
        .step = lstm_unit_gradients,
        .columns = 4 * forward->units,
        .x_gates = gates_of(forward, forward->weight, forward->channels, 4, (int[]){0, 1, 2, 3}),
        .state_gates =
            gates_of(forward, forward->recurrent_weight, forward->units, 4, (int[]){0, 1, 2, 3}),
    };
    add_weight_gradient(&pass, forward->x, forward->channels, args->dweight, 0, 0, 4);
    add_weight_gradient(&pass, args->state_rows, forward->units, args->drecurrent_weight, 0, 0, 4);
    add_weight_gradient(&pass, NULL, 1, args->dbias, 0, 0, 4);
    return run_backward(&pass);
}

#endif
