/* Kernels that compute every element by itself: plain loops, which compilers vectorize. */
#ifndef TINYNET_NATIVE_ELEMENTWISE_H
#define TINYNET_NATIVE_ELEMENTWISE_H

#include "parts.h"
#include "vector.h"

/* Parts begin at multiples of it: at cache lines, so that no two threads write to one. */
enum { ELEMENT_STEP = 256 };

static struct grid element_grid(part_function *run, const void *job, ptrdiff_t count)
{
    return (struct grid){
        .run = run, .job = job, .rows = count, .row_step = ELEMENT_STEP, .work = count};
}

/* Run a kernel for so many elements. */
static void run_elements(part_function *run, const void *job, ptrdiff_t count)
{
    run_grids((struct grid[]){element_grid(run, job, count)}, 1);
}

static void relu_part(const void *job, struct part part)
{
    const struct elementwise *args = job;
    const REAL *restrict x = args->x;
    REAL *restrict y = args->y;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        y[i] = x[i] <= 0 ? 0 : x[i]; /* NaN stays NaN */
}

static void relu(const struct elementwise *args) { run_elements(relu_part, args, args->count); }

/* A product, so that NaN in dy stays NaN wherever it is. */
static void relu_backward_part(const void *job, struct part part)
{
    const struct elementwise *args = job;
    const REAL *restrict dy = args->dy, *restrict y = args->x;
    REAL *restrict dx = args->dx;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        dx[i] = dy[i] * (y[i] > 0 ? (REAL)1 : (REAL)0);
}

static void relu_backward(const struct elementwise *args)
{
    run_elements(relu_backward_part, args, args->count);
}

static void add_part(const void *job, struct part part)
{
    const struct elementwise *args = job;
    const REAL *restrict x = args->x, *restrict term = args->dy;
    REAL *restrict y = args->y;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        y[i] = x[i] + term[i];
}

static void add_arrays(const struct elementwise *args)
{
    run_elements(add_part, args, args->count);
}

static void multiply_part(const void *job, struct part part)
{
    const struct elementwise *args = job;
    const REAL *restrict x = args->x, *restrict factor = args->dy;
    REAL *restrict y = args->y;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        y[i] = x[i] * factor[i];
}

static void multiply_arrays(const struct elementwise *args)
{
    run_elements(multiply_part, args, args->count);
}

static void scale_part(const void *job, struct part part)
{
    const struct elementwise *args = job;
    const REAL *restrict x = args->x;
    REAL *restrict y = args->y;
    const REAL factor = (REAL)args->rate;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        y[i] = x[i] * factor;
}

static void scale(const struct elementwise *args) { run_elements(scale_part, args, args->count); }

static void divide_part(const void *job, struct part part)
{
    const struct elementwise *args = job;
    const REAL *restrict x = args->x;
    REAL *restrict y = args->y;
    const REAL divisor = (REAL)args->rate;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        y[i] = x[i] / divisor;
}

static void divide(const struct elementwise *args) { run_elements(divide_part, args, args->count); }

static void dropout_part(const void *job, struct part part)
{
    const struct elementwise *args = job;
    const REAL *restrict x = args->x;
    const float *restrict uniform = args->uniform;
    REAL *restrict y = args->y, *restrict mask = args->mask;
    const float rate = (float)args->rate;
    const REAL kept = (REAL)(1 / (1 - args->rate));
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++) {
        REAL m = uniform[i] >= rate ? kept : (REAL)0;
        mask[i] = m;
        y[i] = x[i] * m;
    }
}

static void dropout(const struct elementwise *args)
{
    run_elements(dropout_part, args, args->count);
}

#endif
