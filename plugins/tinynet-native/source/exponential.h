/* The exponential function, and the maximum of a row, without which its arguments are at most 0. */
#ifndef TINYNET_NATIVE_EXPONENTIAL_H
#define TINYNET_NATIVE_EXPONENTIAL_H

#include "vector.h"

/* e^x for x <= 0, to about one unit in the last place; below LOWEST it is 0. NaN stays NaN.
 *
 * x = n ln 2 + r with |r| <= ln(2) / 2, and e^r by its Taylor series. ln 2 is the sum of two
 * numbers, of which n times the first is exact. Adding SHIFT rounds to a whole number and leaves it
 * in the low bits.
 */
#if BITS == 32
enum { TERMS = 7, MANTISSA = 23, EXPONENT_BIAS = 127 };
#define LOWEST -87.0f
#define SHIFT 0x1.8p23f
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cf79abcap-20f
#else
enum { TERMS = 13, MANTISSA = 52, EXPONENT_BIAS = 1023 };
#define LOWEST -708.0
#define SHIFT 0x1.8p52
#define LN2_HIGH 0x1.62e42fefa38p-1
#define LN2_LOW 0x1.ef35793c7673p-45
#endif

INLINE vec exp_negative(vec x)
{
    const REAL log2_e = (REAL)1.4426950408889634;
    vec shifted = x * log2_e + SHIFT;
    vec n = shifted - SHIFT;
    vec r = (x - n * LN2_HIGH) - n * LN2_LOW;
    vec power = splat(1);
    EACH (k, TERMS)
        power = power * r * ((REAL)1 / (REAL)(TERMS - k)) + 1;
    mask exponent = (mask)shifted - (mask)splat(SHIFT) + EXPONENT_BIAS;
    vec scaled = power * (vec)(exponent << MANTISSA);
    return where(x < (REAL)LOWEST, (vec){0}, scaled);
}

/* The largest of n numbers; NaN counts as none. */
static REAL row_max(const REAL *x, ptrdiff_t n)
{
    const vec lowest = splat((REAL)-INFINITY);
    vec best = lowest;
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        ptrdiff_t lanes = least(LANES, n - i);
        vec v = first_lanes(load_first(x + i, lanes), lanes, lowest);
        best = where(v > best, v, best);
    }
    return lane_max(best);
}

#endif
