/* Optimizer updates, each in one pass; the formulas are in tinynet/builtin/optimizers.
 *
 * The mean of gradients that have become 0, as those of a dead unit, shrinks until it is denormal,
 * and would stay so for good: half of the smallest number there is is rounded up to it. Here it
 * becomes 0.
 */
#ifndef TINYNET_NATIVE_OPTIMIZERS_H
#define TINYNET_NATIVE_OPTIMIZERS_H

#include "denormals.h"
#include "elementwise.h"

struct update {
    block_function *run;
    const struct optimizer *args;
};

static void update_part(const void *job, struct block part)
{
    const struct update *update = job;
    uint64_t before = flush_denormals();
    update->run(update->args, part);
    restore_denormals(before);
}

static void run_update(block_function *run, const struct optimizer *args)
{
    run_elements(update_part, &(struct update){run, args}, args->count);
}

static void adam_part(const void *job, struct block part)
{
    const struct optimizer *args = job;
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param, *restrict first = args->first;
    REAL *restrict second = args->second;
    const REAL share_1 = (REAL)(1 - args->beta_1), share_2 = (REAL)(1 - args->beta_2);
    const double correction = sqrt(1 - pow(args->beta_2, args->step));
    const REAL epsilon = (REAL)(args->epsilon * correction);
    const REAL rate = (REAL)(args->rate * correction / (1 - pow(args->beta_1, args->step)));
    const REAL into_grad = args->decoupled ? 0 : (REAL)args->weight_decay;
    const REAL left = args->decoupled ? (REAL)(1 - args->rate * args->weight_decay) : 1;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++) {
        REAL p = param[i] * left;
        REAL g = into_grad != 0 ? grad[i] + into_grad * p : grad[i];
        REAL m = first[i] + (g - first[i]) * share_1;
        REAL v = second[i] + (g * g - second[i]) * share_2;
        first[i] = m;
        second[i] = v;
        param[i] = p - m / (sqrt(v) + epsilon) * rate;
    }
}

static void adam(const struct optimizer *args) { run_update(adam_part, args); }

/* The flags are constants, so that each kind of step is a loop without branches. */
INLINE void sgd_steps(const struct optimizer *args, struct range some, const bool moving,
                      const bool nesterov)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param, *restrict velocity = args->velocity;
    const REAL rate = (REAL)args->rate, decay = (REAL)args->weight_decay;
    const REAL momentum = (REAL)args->momentum;
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL g = decay != 0 ? grad[i] + decay * param[i] : grad[i], v = g;
        if (moving) {
            v = velocity[i] * momentum + g;
            velocity[i] = v;
        }
        param[i] -= nesterov ? v * rate * momentum + rate * g : v * rate;
    }
}

static void sgd_part(const void *job, struct block part)
{
    const struct optimizer *args = job;
    if (!args->velocity)
        sgd_steps(args, part.rows, false, false);
    else if (!args->nesterov)
        sgd_steps(args, part.rows, true, false);
    else
        sgd_steps(args, part.rows, true, true);
}

static void sgd(const struct optimizer *args) { run_update(sgd_part, args); }

INLINE void rmsprop_steps(const struct optimizer *args, struct range some, const bool centered,
                          const bool moving)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param, *restrict velocity = args->velocity;
    REAL *restrict mean_square = args->mean_square, *restrict mean = args->mean;
    const REAL rate = (REAL)args->rate, decay = (REAL)args->weight_decay;
    const REAL share = (REAL)(1 - args->rho), momentum = (REAL)args->momentum;
    const REAL epsilon = (REAL)args->epsilon;
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL g = decay != 0 ? grad[i] + decay * param[i] : grad[i];
        REAL square = mean_square[i] + (g * g - mean_square[i]) * share;
        mean_square[i] = square;
        if (centered) {
            REAL m = mean[i] + (g - mean[i]) * share;
            mean[i] = m;
            square -= m * m;
            square = square < 0 ? 0 : square; /* rounding may leave a variance below 0 */
        }
        REAL step = g / (sqrt(square) + epsilon);
        if (moving) {
            step = velocity[i] * momentum + step;
            velocity[i] = step;
        }
        param[i] -= rate * step;
    }
}

static void rmsprop_part(const void *job, struct block part)
{
    const struct optimizer *args = job;
    if (args->mean && args->velocity)
        rmsprop_steps(args, part.rows, true, true);
    else if (args->mean)
        rmsprop_steps(args, part.rows, true, false);
    else if (args->velocity)
        rmsprop_steps(args, part.rows, false, true);
    else
        rmsprop_steps(args, part.rows, false, false);
}

static void rmsprop(const struct optimizer *args) { run_update(rmsprop_part, args); }

#endif
