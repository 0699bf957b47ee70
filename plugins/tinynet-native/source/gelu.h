/* The Gaussian error linear unit.
 *
 * The error function is W. J. Cody's, "Rational Chebyshev approximations for the error function",
 * 1969, as in tinynet/kernels/erf.py.
 */
#ifndef TINYNET_NATIVE_GELU_H
#define TINYNET_NATIVE_GELU_H

#include "elementwise.h"
#include "exponential.h"

#define ERF_SMALL ((REAL)0.46875) /* up to it, erf(z) = z P(z^2) / Q(z^2) */
#define ERF_ONE ((REAL)6)         /* from here on it is 1 */

/* Horner's rule, highest power first. */
INLINE vec polynomial(const REAL *coefficients, const int count, vec x)
{
    vec value = splat(coefficients[0]);
    EACH (i, count - 1)
        value = fused(value, x, splat(coefficients[i + 1]));
    return value;
}

static const REAL ERF_SMALL_P[] = {
    (REAL)1.85777706184603153e-1, (REAL)3.16112374387056560e00, (REAL)1.13864154151050156e02,
    (REAL)3.77485237685302021e02, (REAL)3.20937758913846947e03,
};
static const REAL ERF_SMALL_Q[] = {
    1,
    (REAL)2.36012909523441209e01,
    (REAL)2.44024637934444173e02,
    (REAL)1.28261652607737228e03,
    (REAL)2.84423683343917062e03,
};
static const REAL ERF_LARGE_P[] = {
    (REAL)2.15311535474403846e-8, (REAL)5.64188496988670089e-1, (REAL)8.88314979438837594e00,
    (REAL)6.61191906371416295e01, (REAL)2.98635138197400131e02, (REAL)8.81952221241769090e02,
    (REAL)1.71204761263407058e03, (REAL)2.05107837782607147e03, (REAL)1.23033935479799725e03,
};
static const REAL ERF_LARGE_Q[] = {
    1,
    (REAL)1.57449261107098347e01,
    (REAL)1.17693950891312499e02,
    (REAL)5.37181101862009858e02,
    (REAL)1.62138957456669019e03,
    (REAL)3.29079923573345963e03,
    (REAL)4.36261909014324716e03,
    (REAL)3.43936767414372164e03,
    (REAL)1.23033935480374942e03,
};

/* erf(z), where `e` is exp(-z^2). */
INLINE vec error_function(vec z, vec e)
{
    vec size = magnitude(z);
    mask is_near = size <= ERF_SMALL;
    vec near = where(is_near, z, (vec){0}), square = near * near;
    near *= polynomial(ERF_SMALL_P, 5, square) / polynomial(ERF_SMALL_Q, 5, square);
    vec far = where(size < ERF_ONE, size, splat(ERF_ONE));
    far = 1 - e * (polynomial(ERF_LARGE_P, 9, far) / polynomial(ERF_LARGE_Q, 9, far));
    return where(is_near, near, with_sign_of(far, z));
}

/* y and its derivative. */
INLINE vec exact_gelu(vec x, vec *slope)
{
    const REAL root_half = (REAL)0.70710678118654752, density = (REAL)0.39894228040143268;
    vec z = x * root_half, e = exp_negative(-(z * z));
    vec probability = (error_function(z, e) + 1) * (REAL)0.5;
    *slope = e * density * x + probability;
    return probability * x;
}

INLINE vec tanh_gelu(vec x, vec *slope)
{
    const REAL scale = (REAL)0.79788456080286536, cubic = (REAL)0.044715, flat = 40;
    /* Beyond it, tanh is 1 or -1. */
    vec size = magnitude(x), z = with_sign_of(where(size > flat, splat(flat), size), x);
    vec square = z * z, inner = scale * z * (1 + cubic * square);
    vec e = exp_negative(-2 * magnitude(inner));
    vec tangent = with_sign_of((1 - e) / (1 + e), inner);
    vec inner_slope = scale * (1 + 3 * cubic * square);
    vec sum = 1 + tangent;
    *slope = (z * (1 - tangent * tangent) * inner_slope + sum) * (REAL)0.5;
    return sum * (REAL)0.5 * x;
}

INLINE void gelu_elements(const struct elementwise *args, struct range elements,
                          const bool approximate)
{
    for (ptrdiff_t i = elements.first; i < elements.end; i += LANES) {
        ptrdiff_t lanes = least(LANES, elements.end - i);
        vec x = load_first(args->x + i, lanes), slope;
        vec y = approximate ? tanh_gelu(x, &slope) : exact_gelu(x, &slope);
        store_first(args->y + i, y, lanes);
        if (args->dx)
            store_first(args->dx + i, slope, lanes);
    }
}

static void gelu_part(const void *job, struct part part)
{
    const struct elementwise *args = job;
    if (args->approximate)
        gelu_elements(args, part.rows, true);
    else
        gelu_elements(args, part.rows, false);
}

/* dx is the derivative of y. */
static void gelu(const struct elementwise *args)
{
    enum { OPERATIONS = 16 }; /* that take as long as reading an element */
    struct grid grid = element_grid(gelu_part, args, args->count);
    grid.work *= OPERATIONS;
    run_grids(&grid, 1);
}

#endif
