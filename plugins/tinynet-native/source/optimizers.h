/* Updates of optimizers, each in one pass. To add one, write a function here and an entry in
 * OPTIMIZERS; slots and numbers come in the order of the signature in tinynet/kernels/updates.py.
 *
 * If gradients become 0, as those of a dead unit do, their mean shrinks until it is denormal, and
 * stays denormal: half of the smallest number is rounded up to it. Here it becomes 0.
 */
#ifndef TINYNET_NATIVE_OPTIMIZERS_H
#define TINYNET_NATIVE_OPTIMIZERS_H

#include "denormals.h"
#include "elementwise.h"

/* The flags are constants, so that each kind of step is a loop without branches. */
INLINE void sgd_steps(const struct update *args, struct range some, const bool moving,
                      const bool nesterov)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param, *restrict velocity = args->slots[0];
    const REAL momentum = (REAL)args->numbers[0], decay = (REAL)args->numbers[2];
    const REAL rate = (REAL)args->numbers[3];
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL g = decay != 0 ? grad[i] + decay * param[i] : grad[i], v = g;
        if (moving) {
            v = velocity[i] * momentum + g;
            velocity[i] = v;
        }
        param[i] -= nesterov ? v * rate * momentum + rate * g : v * rate;
    }
}

static void sgd(const struct update *args, struct range some)
{
    const bool moving = args->slots[0], nesterov = args->numbers[1] != 0;
    if (!moving)
        sgd_steps(args, some, false, false);
    else if (!nesterov)
        sgd_steps(args, some, true, false);
    else
        sgd_steps(args, some, true, true);
}

static void adam(const struct update *args, struct range some)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param;
    REAL *restrict first = args->slots[0], *restrict second = args->slots[1];
    const double beta_1 = args->numbers[0], beta_2 = args->numbers[1];
    const double weight_decay = args->numbers[3], step = args->numbers[5], rate = args->numbers[6];
    const bool decoupled = args->numbers[4] != 0;
    const double correction = sqrt(1 - pow(beta_2, step));
    const REAL epsilon = (REAL)(args->numbers[2] * correction);
    const REAL size = (REAL)(rate * correction / (1 - pow(beta_1, step)));
    const REAL share_1 = (REAL)(1 - beta_1), share_2 = (REAL)(1 - beta_2);
    const REAL into_grad = decoupled ? 0 : (REAL)weight_decay;
    const REAL left = decoupled ? (REAL)(1 - rate * weight_decay) : 1;
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL p = param[i] * left;
        REAL g = into_grad != 0 ? grad[i] + into_grad * p : grad[i];
        REAL m = first[i] + (g - first[i]) * share_1;
        REAL v = second[i] + (g * g - second[i]) * share_2;
        first[i] = m;
        second[i] = v;
        param[i] = p - m / (sqrt(v) + epsilon) * size;
    }
}

INLINE void rmsprop_steps(const struct update *args, struct range some, const bool centered,
                          const bool moving)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param, *restrict mean_square = args->slots[0];
    REAL *restrict mean = args->slots[1], *restrict velocity = args->slots[2];
    const REAL share = (REAL)(1 - args->numbers[0]), momentum = (REAL)args->numbers[1];
    const REAL epsilon = (REAL)args->numbers[2], decay = (REAL)args->numbers[3];
    const REAL rate = (REAL)args->numbers[4];
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

static void rmsprop(const struct update *args, struct range some)
{
    const bool centered = args->slots[1], moving = args->slots[2];
    if (centered && moving)
        rmsprop_steps(args, some, true, true);
    else if (centered)
        rmsprop_steps(args, some, true, false);
    else if (moving)
        rmsprop_steps(args, some, false, true);
    else
        rmsprop_steps(args, some, false, false);
}

static const struct optimizer OPTIMIZERS[] = {
    {"sgd", sgd, .slots = 1, .needed_slots = 0, .numbers = 4},
    {"adam", adam, .slots = 2, .needed_slots = 2, .numbers = 7},
    {"rmsprop", rmsprop, .slots = 3, .needed_slots = 1, .numbers = 5},
    {0},
};
_Static_assert(sizeof(OPTIMIZERS) / sizeof(OPTIMIZERS[0]) <= MOST_OPTIMIZERS, "room for each");

static void update_part(const void *job, struct part part)
{
    const struct update *args = job;
    uint64_t before = flush_denormals();
    args->optimizer->update(args, part.rows);
    restore_denormals(before);
}

static void update(const struct update *args) { run_elements(update_part, args, args->count); }

#endif
