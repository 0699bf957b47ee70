/* Updates of optimizers, each in one pass. To add one, write a function here and an entry in
 * OPTIMIZERS; slots and numbers come in the order of the signature in tinynet/kernels/updates.py.
 *
 * If gradients become 0, as those of a dead unit do, their mean shrinks until it is denormal, and
 * stays denormal: half of the smallest number is rounded up to it. Here it becomes 0.
 *
 * Steps load all that they read of an element before they store anything. A load waits for earlier
 * stores to the same place in any page, and large arrays tend to begin at the same place.
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
        REAL p = param[i], g = decay != 0 ? grad[i] + decay * p : grad[i], v = g;
        if (moving) {
            v = velocity[i] * momentum + g;
            velocity[i] = v;
        }
        param[i] = p - (nesterov ? v * rate * momentum + rate * g : v * rate);
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

/* An average, moved towards a value by a share of the distance. */
INLINE REAL averaged(REAL average, REAL value, REAL share)
{
    return average + (value - average) * share;
}

INLINE void adam_steps(const struct update *args, struct range some, const bool amsgrad)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param;
    REAL *restrict first = args->slots[0], *restrict second = args->slots[1];
    REAL *restrict largest = args->slots[2];
    const double *numbers = args->numbers;
    const double beta_1 = numbers[0], beta_2 = numbers[1], weight_decay = numbers[3];
    const double step = numbers[5], rate = numbers[6];
    const bool decoupled = numbers[4] != 0;
    const double correction = sqrt(1 - pow(beta_2, step));
    const REAL epsilon = (REAL)(numbers[2] * correction);
    const REAL size = (REAL)(rate * correction / (1 - pow(beta_1, step)));
    const REAL share_1 = (REAL)(1 - beta_1), share_2 = (REAL)(1 - beta_2);
    const REAL into_grad = decoupled ? 0 : (REAL)weight_decay;
    const REAL left = decoupled ? (REAL)(1 - rate * weight_decay) : 1;
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL p = param[i] * left;
        REAL g = into_grad != 0 ? grad[i] + into_grad * p : grad[i];
        REAL m = averaged(first[i], g, share_1), v = averaged(second[i], g * g, share_2);
        REAL divisor = v;
        if (amsgrad) {
            divisor = v <= largest[i] || largest[i] != largest[i] ? largest[i] : v; /* keeps NaN */
            largest[i] = divisor;
        }
        first[i] = m;
        second[i] = v;
        param[i] = p - m / (sqrt(divisor) + epsilon) * size;
    }
}

static void adam(const struct update *args, struct range some) { adam_steps(args, some, false); }

static void amsgrad(const struct update *args, struct range some) { adam_steps(args, some, true); }

static void adamax(const struct update *args, struct range some)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param;
    REAL *restrict first = args->slots[0], *restrict norm = args->slots[1];
    const double beta_1 = args->numbers[0], step = args->numbers[4], rate = args->numbers[5];
    const REAL share = (REAL)(1 - beta_1), kept = (REAL)args->numbers[1];
    const REAL epsilon = (REAL)args->numbers[2], decay = (REAL)args->numbers[3];
    const REAL size = (REAL)(rate / (1 - pow(beta_1, step)));
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL p = param[i], g = decay != 0 ? grad[i] + decay * p : grad[i];
        REAL m = averaged(first[i], g, share);
        REAL now = (g < 0 ? -g : g) + epsilon, before = norm[i] * kept;
        REAL largest = now <= before || before != before ? before : now; /* keeps NaN */
        first[i] = m;
        norm[i] = largest;
        param[i] = p - m / largest * size;
    }
}

static void nadam(const struct update *args, struct range some)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param;
    REAL *restrict first = args->slots[0], *restrict second = args->slots[1];
    const double *numbers = args->numbers;
    const double beta_2 = numbers[1], step = numbers[6], rate = numbers[7];
    const double correction = sqrt(1 - pow(beta_2, step));
    const REAL share_1 = (REAL)(1 - numbers[0]), share_2 = (REAL)(1 - beta_2);
    const REAL epsilon = (REAL)(numbers[2] * correction), decay = (REAL)numbers[3];
    const REAL of_moment = (REAL)numbers[4], of_grad = (REAL)numbers[5];
    const REAL size = (REAL)(rate * correction);
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL p = param[i], g = decay != 0 ? grad[i] + decay * p : grad[i];
        REAL m = averaged(first[i], g, share_1), v = averaged(second[i], g * g, share_2);
        first[i] = m;
        second[i] = v;
        param[i] = p - (of_moment * m + of_grad * g) / (sqrt(v) + epsilon) * size;
    }
}

INLINE void radam_steps(const struct update *args, struct range some, const bool adaptive,
                        const REAL size)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param;
    REAL *restrict first = args->slots[0], *restrict second = args->slots[1];
    const REAL share_1 = (REAL)(1 - args->numbers[0]), share_2 = (REAL)(1 - args->numbers[1]);
    const REAL epsilon = (REAL)args->numbers[2], decay = (REAL)args->numbers[3];
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL p = param[i], g = decay != 0 ? grad[i] + decay * p : grad[i];
        REAL m = averaged(first[i], g, share_1), v = averaged(second[i], g * g, share_2);
        first[i] = m;
        second[i] = v;
        param[i] = p - (adaptive ? m / (sqrt(v) + epsilon) * size : m * size);
    }
}

static void radam(const struct update *args, struct range some)
{
    const double beta_2 = args->numbers[1], step = args->numbers[4], rate = args->numbers[5];
    const double power = pow(beta_2, step), longest = 2 / (1 - beta_2) - 1;
    const double length = longest - 2 * step * power / (1 - power);
    const double size = rate / (1 - pow(args->numbers[0], step));
    if (length <= 5) {
        radam_steps(args, some, false, (REAL)size);
    } else {
        double variance = (length - 4) * (length - 2) * longest;
        double rectified = sqrt(variance / ((longest - 4) * (longest - 2) * length));
        radam_steps(args, some, true, (REAL)(size * (rectified * sqrt(1 - power))));
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
        REAL p = param[i], g = decay != 0 ? grad[i] + decay * p : grad[i];
        REAL square = averaged(mean_square[i], g * g, share), m = 0, variance = square;
        if (centered) {
            m = averaged(mean[i], g, share);
            variance -= m * m;
            variance = variance < 0 ? 0 : variance; /* rounding may leave it below 0 */
        }
        REAL step = g / (sqrt(variance) + epsilon);
        if (moving)
            step = velocity[i] * momentum + step;
        mean_square[i] = square;
        if (centered)
            mean[i] = m;
        if (moving)
            velocity[i] = step;
        param[i] = p - rate * step;
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

static void adagrad(const struct update *args, struct range some)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param, *restrict total = args->slots[0];
    const REAL epsilon = (REAL)args->numbers[0], decay = (REAL)args->numbers[1];
    const REAL rate = (REAL)args->numbers[2];
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL p = param[i], g = decay != 0 ? grad[i] + decay * p : grad[i];
        REAL sum = total[i] + g * g;
        total[i] = sum;
        param[i] = p - g / (sqrt(sum) + epsilon) * rate;
    }
}

static void adadelta(const struct update *args, struct range some)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param;
    REAL *restrict mean_square = args->slots[0], *restrict mean_square_step = args->slots[1];
    const REAL share = (REAL)(1 - args->numbers[0]), epsilon = (REAL)args->numbers[1];
    const REAL decay = (REAL)args->numbers[2], rate = (REAL)args->numbers[3];
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL p = param[i], g = decay != 0 ? grad[i] + decay * p : grad[i];
        REAL square = averaged(mean_square[i], g * g, share), square_step = mean_square_step[i];
        REAL step = sqrt(square_step + epsilon) / sqrt(square + epsilon) * g;
        mean_square[i] = square;
        mean_square_step[i] = averaged(square_step, step * step, share);
        param[i] = p - rate * step;
    }
}

static void rprop(const struct update *args, struct range some)
{
    const REAL *restrict grad = args->grad;
    REAL *restrict param = args->param;
    REAL *restrict factor = args->slots[0], *restrict last_grad = args->slots[1];
    const REAL shrunk = (REAL)args->numbers[0], grown = (REAL)args->numbers[1];
    const REAL least = (REAL)args->numbers[2], most = (REAL)args->numbers[3];
    const REAL rate = (REAL)args->numbers[4];
    for (ptrdiff_t i = some.first; i < some.end; i++) {
        REAL p = param[i], turn = grad[i] * last_grad[i];
        REAL size = factor[i] * (turn < 0 ? shrunk : turn > 0 ? grown : 1);
        size = size < least ? least : size;
        size = size > most ? most : size;
        REAL g = turn < 0 ? 0 : grad[i];
        REAL sign = g > 0 ? 1 : g < 0 ? -1 : g; /* NaN stays NaN */
        factor[i] = size;
        last_grad[i] = g;
        param[i] = p - sign * size * rate;
    }
}

static const struct optimizer OPTIMIZERS[] = {
    {"sgd", sgd, .slots = 1, .needed_slots = 0, .numbers = 4},
    {"adam", adam, .slots = 2, .needed_slots = 2, .numbers = 7},
    {"amsgrad", amsgrad, .slots = 3, .needed_slots = 3, .numbers = 7},
    {"adamax", adamax, .slots = 2, .needed_slots = 2, .numbers = 6},
    {"nadam", nadam, .slots = 2, .needed_slots = 2, .numbers = 8},
    {"radam", radam, .slots = 2, .needed_slots = 2, .numbers = 6},
    {"adagrad", adagrad, .slots = 1, .needed_slots = 1, .numbers = 3},
    {"adadelta", adadelta, .slots = 2, .needed_slots = 2, .numbers = 4},
    {"rprop", rprop, .slots = 2, .needed_slots = 2, .numbers = 5},
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

static void update(const struct update *args)
{
    enum { AS_MANY = 4 }; /* elements could be copied while a root and a quotient are computed */
    struct grid grid = element_grid(update_part, args, args->count);
    grid.work *= AS_MANY;
    run_grids(&grid, 1);
}

#endif
