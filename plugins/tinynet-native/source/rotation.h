/* Rotation of vectors by angles that depend on their position. */
#ifndef TINYNET_NATIVE_ROTATION_H
#define TINYNET_NATIVE_ROTATION_H

#include "parts.h"
#include "vector.h"

/* Rows of the grid are positions of samples. */
static void rotate_part(const void *job, struct part part)
{
    const struct rotation *args = job;
    const ptrdiff_t pairs = args->pairs;
    for (ptrdiff_t row = part.rows.first; row < part.rows.end; row++) {
        const REAL *cosines = args->cosines + row % args->steps * pairs;
        const REAL *sines = args->sines + row % args->steps * pairs;
        for (ptrdiff_t head = 0; head < args->heads; head++) {
            ptrdiff_t at = (row * args->heads + head) * 2 * pairs;
            const REAL *first = args->x + at, *second = first + pairs;
            REAL *y = args->y + at;
            for (ptrdiff_t p = 0; p < pairs; p += LANES) {
                ptrdiff_t lanes = least(LANES, pairs - p);
                vec a = load_first(first + p, lanes), b = load_first(second + p, lanes);
                vec cosine = load_first(cosines + p, lanes), sine = load_first(sines + p, lanes);
                store_first(y + p, a * cosine - b * sine, lanes);
                store_first(y + pairs + p, b * cosine + a * sine, lanes);
            }
        }
    }
}

static void rotate(const struct rotation *args)
{
    run_grids(
        &(struct grid){
            .run = rotate_part,
            .job = args,
            .rows = args->samples * args->steps,
            .row_step = 1,
            .work = args->samples * args->steps * args->heads * 2 * args->pairs,
        },
        1);
}

#endif
