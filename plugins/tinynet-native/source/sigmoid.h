/* tanh and the sigmoid, to a few units in the last place. */
#ifndef TINYNET_NATIVE_SIGMOID_H
#define TINYNET_NATIVE_SIGMOID_H

#include "exponential.h"

/* e^x = (fraction + 1) * scale, with a fraction that is exact near 0. */
struct power {
    vec fraction, scale;
};

/* For x <= 0; below LOWEST it is the power of LOWEST. NaN stays NaN. */
INLINE struct power power_of_e(vec x)
{
    static const double inverse_factorial[] = {
        1.0,
        1.0 / 2,
        1.0 / 6,
        1.0 / 24,
        1.0 / 120,
        1.0 / 720,
        1.0 / 5040,
        1.0 / 40320,
        1.0 / 362880,
        1.0 / 3628800,
        1.0 / 39916800,
        1.0 / 479001600,
        1.0 / 6227020800,
    };
    vec bounded = where(x < (REAL)LOWEST, splat(LOWEST), x);
    vec shifted = fused(bounded, splat((REAL)1.4426950408889634), splat(SHIFT));
    vec n = shifted - SHIFT;
    vec r = fused(n, splat(-LN2_LOW), fused(n, splat(-LN2_HIGH), bounded));
    vec series = splat((REAL)inverse_factorial[TERMS - 1]);
    EACH (k, TERMS - 1)
        series = fused(series, r, splat((REAL)inverse_factorial[TERMS - 2 - k]));
    mask exponent = (mask)shifted - (mask)splat(SHIFT) + EXPONENT_BIAS;
    return (struct power){series * r, (vec)(exponent << MANTISSA)};
}

/* e^(-2|x|) - 1 keeps its digits near 0. */
INLINE vec tanh_of(vec x)
{
    struct power e = power_of_e(magnitude(x) * -2);
    vec less_1 = fused(e.fraction, e.scale, e.scale - 1);
    return with_sign_of(((vec){0} - less_1) / (less_1 + 2), x);
}

/* 1 / (1 + e^-x) */
INLINE vec sigmoid_of(vec x)
{
    struct power p = power_of_e((vec){0} - magnitude(x));
    vec e = fused(p.fraction, p.scale, p.scale);
    return where(x < (vec){0}, e, splat(1)) / (e + 1);
}

#endif
