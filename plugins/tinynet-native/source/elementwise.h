/* Kernels that treat every element by itself: plain loops, which compilers make vectors of. */

static void relu(const struct elementwise *args)
{
    const REAL *restrict x = args->x;
    REAL *restrict y = args->y;
    for (ptrdiff_t i = 0; i < args->count; i++)
        y[i] = x[i] <= 0 ? 0 : x[i]; /* NaN stays NaN */
}

/* A product, so that NaN in dy stays NaN wherever it is. */
static void relu_backward(const struct elementwise *args)
{
    const REAL *restrict dy = args->dy, *restrict y = args->x;
    REAL *restrict dx = args->dx;
    for (ptrdiff_t i = 0; i < args->count; i++)
        dx[i] = dy[i] * (y[i] > 0 ? (REAL)1 : (REAL)0);
}

static void dropout(const struct elementwise *args)
{
    const REAL *restrict x = args->x;
    const float *restrict uniform = args->uniform;
    REAL *restrict y = args->y, *restrict mask = args->mask;
    const float rate = (float)args->rate;
    const REAL kept = (REAL)(1 / (1 - args->rate));
    for (ptrdiff_t i = 0; i < args->count; i++) {
        REAL m = uniform[i] >= rate ? kept : (REAL)0;
        mask[i] = m;
        y[i] = x[i] * m;
    }
}
