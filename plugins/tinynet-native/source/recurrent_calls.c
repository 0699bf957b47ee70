/* Recurrent layers. */
#include "calls.h"

static const char MISFIT[] = "the shapes of the arrays do not fit together";

/* The arguments that all functions begin with. */
static struct recurrence take_recurrence(struct arguments *a, int gate_count)
{
    struct array x = input(a, 3), weight = input(a, 2), recurrent_weight = input(a, 2);
    struct array factors = optional_input(a, 2), skipped = optional_bytes(a, 2, false);
    struct recurrence job = {
        .samples = x.shape[0],
        .steps = x.shape[1],
        .channels = x.shape[2],
        .units = recurrent_weight.shape[0],
        .gate_count = gate_count,
        .reverse = flag(a),
        .x = x.data,
        .weight = weight.data,
        .recurrent_weight = recurrent_weight.data,
        .factors = factors.data,
        .skipped = skipped.data,
    };
    const ptrdiff_t columns = job.units * gate_count;
    require(a, job.channels > 0 && job.units > 0, "a weight is empty");
    require(a, weight.shape[0] == job.channels && weight.shape[1] == columns, MISFIT);
    require(a, recurrent_weight.shape[1] == columns, MISFIT);
    REQUIRE_SIZE(a, job.samples * job.units, &factors);
    REQUIRE_SIZE(a, job.samples * job.steps, &skipped);
    return job;
}

/* The states before the first step, y, and the states after the last step. */
static void take_states(struct arguments *a, struct recurrence *job, bool has_cell)
{
    struct array state = input(a, 2), cell = has_cell ? input(a, 2) : (struct array){0};
    struct array y = output(a, 3), last_state = output(a, 2);
    struct array last_cell = has_cell ? output(a, 2) : (struct array){0};
    REQUIRE_SIZE(a, job->samples * job->units, &state, &cell, &last_state, &last_cell);
    REQUIRE_SIZE(a, job->samples * job->steps * job->units, &y);
    job->state = state.data;
    job->cell = cell.data;
    job->y = y.data;
    job->last_state = last_state.data;
    job->last_cell = last_cell.data;
}

/* An array (N, T, vectors * U) of saved values. */
static void *take_saved(struct arguments *a, const struct recurrence *job, int vectors)
{
    struct array saved = optional_output(a, 3);
    REQUIRE_SIZE(a, job->samples * job->steps * job->units * vectors, &saved);
    return saved.data;
}

static const void *take_bias(struct arguments *a, const struct recurrence *job, int rows)
{
    struct array bias = optional_input(a, 0);
    REQUIRE_SIZE(a, job->units * job->gate_count * rows, &bias);
    return bias.data;
}

FALLIBLE_KERNEL(simple_rnn, recurrence)
FUNCTION(simple_rnn, 12)
{
    struct recurrence job = take_recurrence(a, 1);
    job.bias = take_bias(a, &job, 1);
    take_states(a, &job, false);
    job.before = take_saved(a, &job, 1);
    job.relu = flag(a);
    RUN(a, simple_rnn, job);
}

FALLIBLE_KERNEL(gru, recurrence)
FUNCTION(gru, 14)
{
    struct recurrence job = take_recurrence(a, 3);
    job.reset_after = flag(a);
    job.bias = take_bias(a, &job, job.reset_after ? 2 : 1);
    take_states(a, &job, false);
    job.before = take_saved(a, &job, 1);
    job.gates = take_saved(a, &job, 3);
    job.inner = take_saved(a, &job, 1);
    require(a, !job.gates == !job.inner, "gates without inner, or inner without gates");
    RUN(a, gru, job);
}

FALLIBLE_KERNEL(lstm, recurrence)
FUNCTION(lstm, 15)
{
    struct recurrence job = take_recurrence(a, 4);
    job.bias = take_bias(a, &job, 1);
    take_states(a, &job, true);
    job.before = take_saved(a, &job, 1);
    job.gates = take_saved(a, &job, 4);
    job.cells = take_saved(a, &job, 1);
    RUN(a, lstm, job);
}

/* An array (N, T, vectors * U) that a backward pass reads. */
static void *take_steps(struct arguments *a, const struct recurrence *job, int vectors)
{
    struct array steps = input(a, 3);
    REQUIRE_SIZE(a, job->samples * job->steps * job->units * vectors, &steps);
    return steps.data;
}

/* The gradients that all backward passes take and give. */
static void take_gradients(struct arguments *a, struct recurrence_gradients *job, bool has_cell,
                           int dgates, int bias_rows)
{
    const struct recurrence *forward = &job->forward;
    const ptrdiff_t columns = forward->units * forward->gate_count;
    const ptrdiff_t states = forward->samples * forward->units, steps = states * forward->steps;
    struct array state_rows = input(a, 3), dy = optional_input(a, 3);
    struct array dlast_state = optional_input(a, 2);
    struct array dlast_cell = has_cell ? optional_input(a, 2) : (struct array){0};
    struct array gates = output(a, 3), dx = optional_output(a, 3), dweight = optional_output(a, 2);
    struct array drecurrent_weight = optional_output(a, 2), dbias = optional_output(a, 0);
    struct array dstate = output(a, 2), dcell = has_cell ? output(a, 2) : (struct array){0};
    REQUIRE_SIZE(a, steps, &state_rows, &dy);
    REQUIRE_SIZE(a, steps * dgates, &gates);
    REQUIRE_SIZE(a, states, &dlast_state, &dlast_cell, &dstate, &dcell);
    REQUIRE_SIZE(a, forward->samples * forward->steps * forward->channels, &dx);
    REQUIRE_SIZE(a, forward->channels * columns, &dweight);
    REQUIRE_SIZE(a, forward->units * columns, &drecurrent_weight);
    REQUIRE_SIZE(a, columns * bias_rows, &dbias);
    job->state_rows = state_rows.data;
    job->dy = dy.data;
    job->dlast_state = dlast_state.data;
    job->dlast_cell = dlast_cell.data;
    job->dgates = gates.data;
    job->dx = dx.data;
    job->dweight = dweight.data;
    job->drecurrent_weight = drecurrent_weight.data;
    job->dbias = dbias.data;
    job->dstate = dstate.data;
    job->dcell = dcell.data;
}

FALLIBLE_KERNEL(simple_rnn_backward, recurrence_gradients)
FUNCTION(simple_rnn_backward, 17)
{
    struct recurrence_gradients job = {.forward = take_recurrence(a, 1)};
    job.forward.relu = flag(a);
    job.forward.y = take_steps(a, &job.forward, 1);
    take_gradients(a, &job, false, 1, 1);
    RUN(a, simple_rnn_backward, job);
}

FALLIBLE_KERNEL(gru_backward, recurrence_gradients)
FUNCTION(gru_backward, 19)
{
    struct recurrence_gradients job = {.forward = take_recurrence(a, 3)};
    const bool after = job.forward.reset_after = flag(a);
    job.forward.before = take_steps(a, &job.forward, 1);
    job.forward.gates = take_steps(a, &job.forward, 3);
    job.forward.inner = take_steps(a, &job.forward, 1);
    take_gradients(a, &job, false, after ? 4 : 3, after ? 2 : 1);
    RUN(a, gru_backward, job);
}

FALLIBLE_KERNEL(lstm_backward, recurrence_gradients)
FUNCTION(lstm_backward, 19)
{
    struct recurrence_gradients job = {.forward = take_recurrence(a, 4)};
    job.forward.gates = take_steps(a, &job.forward, 4);
    job.forward.cells = take_steps(a, &job.forward, 1);
    take_gradients(a, &job, true, 4, 1);
    RUN(a, lstm_backward, job);
}
