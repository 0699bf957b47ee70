/* Softmax and cross-entropy in one, on logits. */
#ifndef TINYNET_NATIVE_CROSS_ENTROPY_H
#define TINYNET_NATIVE_CROSS_ENTROPY_H

#include "exponential.h"

static void cross_entropy_row(const REAL *logits, int64_t label, double smoothing,
                              ptrdiff_t classes, REAL *loss, REAL *gradient)
{
    const REAL top = row_max(logits, classes), in_all = (REAL)classes;
    vec totals = {0}, shifts = {0};
    for (ptrdiff_t c = 0; c < classes; c += LANES) {
        ptrdiff_t lanes = least(LANES, classes - c);
        vec shifted = first_lanes(load_first(logits + c, lanes) - top, lanes, (vec){0});
        vec e = exp_negative(shifted);
        store_first(gradient + c, e, lanes);
        totals += first_lanes(e, lanes, (vec){0});
        shifts += shifted;
    }
    const REAL total = lane_sum(totals), rate = (REAL)smoothing, at_label = (REAL)(1 - smoothing);
    /* -sum(target * log softmax), where log softmax = shifted - log(total) and targets sum to 1 */
    *loss = log(total) - at_label * (logits[label] - top);
    if (smoothing > 0)
        *loss -= rate * (lane_sum(shifts) / in_all);
    for (ptrdiff_t c = 0; c < classes; c++)
        gradient[c] = gradient[c] / total - rate / in_all;
    gradient[label] -= at_label;
}

static void softmax_cross_entropy(const struct cross_entropy *args)
{
    for (ptrdiff_t r = 0; r < args->rows; r++)
        cross_entropy_row(args->logits + r * args->classes, args->labels[r], args->label_smoothing,
                          args->classes, args->losses + r, args->gradient + r * args->classes);
}

#endif
