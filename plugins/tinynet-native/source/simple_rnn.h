/* The simple recurrent layer, with tanh or ReLU. dgates are (N, T, U). */
#ifndef TINYNET_NATIVE_SIMPLE_RNN_H
#define TINYNET_NATIVE_SIMPLE_RNN_H

#include "recurrent_gradients.h"

static void simple_rnn_cell(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, vec sum)
{
    const struct recurrence *args = r->pass->args;
    if (skips(args, step_number(args, r->first + row, r->t)))
        return;
    const vec state = args->relu ? rectified(sum, true) : tanh_of(sum);
    store_state(r, row, unit, state, least(LANES, args->units - unit));
}

INLINE void simple_rnn_tile(const struct rows *r, ptrdiff_t row, ptrdiff_t unit, const int rows)
{
    const struct recurrence *args = r->pass->args;
    vec sum[MOST_OF_1][4], done[MOST_OF_1];
    EACH (i, rows)
        sum[i][0] = bias_of(args->bias, unit, least(LANES, args->units - unit));
    add_input(sum, 0, r, row, unit, rows, 1);
    add_state(sum, 0, r, row, unit, rows, 1);
    EACH (i, rows)
        done[i] = sum[i][0];
    for (int i = 0; i < rows; i++)
        simple_rnn_cell(r, row + i, unit, done[i]);
}

#define SIMPLE_RNN_TILE(ROWS) CELL_TILE(simple_rnn_tile, ROWS)
#define SIMPLE_RNN_ENTRY(ROWS) simple_rnn_tile_##ROWS,
ROWS_OF_1(SIMPLE_RNN_TILE)

static void simple_rnn_step(const struct rows *r)
{
    static cell_tile *const tiles[] = {ROWS_OF_1(SIMPLE_RNN_ENTRY)};
    run_tiles(r, tiles, MOST_OF_1);
}

static bool simple_rnn(const struct recurrence *args)
{
    struct forward pass = {
        .args = args,
        .step = simple_rnn_step,
        .x_gates = gates_of(args, args->weight, args->channels, 1, (int[]){0}),
        .state_gates = gates_of(args, args->recurrent_weight, args->units, 1, (int[]){0}),
    };
    return run_forward(&pass);
}

static void simple_rnn_unit_gradients(const struct gradient_rows *r, ptrdiff_t row, ptrdiff_t unit,
                                      ptrdiff_t n)
{
    const struct recurrence *forward = &r->pass->args->forward;
    const ptrdiff_t units = forward->units;
    const ptrdiff_t at = step_number(forward, r->first + row, r->t);
    const vec y = load_up_to(forward->y + at * units + unit, n);
    const vec slope = forward->relu ? where(y > (vec){0}, splat(1), (vec){0}) : 1 - y * y;
    const vec dgate = output_gradient(r, row, unit, n) * slope;
    store_up_to(r->dgates + row * r->pass->dgates_row + unit, dgate, n);
    store_up_to(r->carried + row * units + unit, (vec){0}, n);
}

static bool simple_rnn_backward(const struct recurrence_gradients *args)
{
    const struct recurrence *forward = &args->forward;
    struct backward pass = {
        .args = args,
        .step = simple_rnn_unit_gradients,
        .columns = forward->units,
        .x_gates = gates_of(forward, forward->weight, forward->channels, 1, (int[]){0}),
        .state_gates = gates_of(forward, forward->recurrent_weight, forward->units, 1, (int[]){0}),
    };
    add_weight_gradient(&pass, forward->x, forward->channels, args->dweight, 0, 0, 1);
    add_weight_gradient(&pass, args->state_rows, forward->units, args->drecurrent_weight, 0, 0, 1);
    add_weight_gradient(&pass, NULL, 1, args->dbias, 0, 0, 1);
    return run_backward(&pass);
}

#endif
