/* Sums down the columns of row-major matrices, and their transpose.
 *
 * Some rows at a time are summed in REAL, and these sums are added in double: a mean over a million
 * pixels is as exact as one over a hundred.
 */
#ifndef TINYNET_NATIVE_COLUMNS_H
#define TINYNET_NATIVE_COLUMNS_H

#include "parts.h"
#include "vector.h"

enum {
    ROWS_AT_ONCE = 128,    /* summed in REAL */
    COLUMNS_AT_ONCE = 256, /* whose totals are kept; a multiple of LANES */
};

_Static_assert(COLUMNS_AT_ONCE % LANES == 0, "totals are whole vectors");

typedef double wide __attribute__((vector_size(LANES * sizeof(double))));

/* Up to LANES columns of x, and of dy if a term needs it. */
struct column {
    const REAL *x, *dy;      /* their first elements */
    ptrdiff_t step, dy_step; /* from one row to the next */
    ptrdiff_t lanes;
    vec center;                           /* of the columns */
    const REAL *row_center, *row_inverse; /* of the rows; the former may be NULL */
};

/* The term of row r in a sum. */
typedef vec term_function(const struct column *, ptrdiff_t r, bool whole);

INLINE vec term_x(const struct column *c, ptrdiff_t r, bool whole)
{
    return load_n(c->x + r * c->step, c->lanes, whole);
}

INLINE vec term_square(const struct column *c, ptrdiff_t r, bool whole)
{
    vec centered = term_x(c, r, whole) - c->center;
    return centered * centered;
}

INLINE vec term_product(const struct column *c, ptrdiff_t r, bool whole)
{
    return load_n(c->dy + r * c->dy_step, c->lanes, whole) * (term_x(c, r, whole) - c->center);
}

INLINE vec term_normal(const struct column *c, ptrdiff_t r, bool whole)
{
    vec x = term_x(c, r, whole);
    vec centered = c->row_center ? x - c->row_center[r] : x;
    return load_n(c->dy + r * c->dy_step, c->lanes, whole) * (centered * c->row_inverse[r]);
}

/* Four sums at a time, because each addition must wait for the one before it. */
INLINE vec sum_whole(const struct column *c, ptrdiff_t begin, ptrdiff_t end, bool whole,
                     term_function *term)
{
    vec sum[4] = {{0}};
    ptrdiff_t r = begin;
    for (; r + 4 <= end; r += 4)
        EACH (i, 4)
            sum[i] += term(c, r + i, whole);
    for (; r < end; r++)
        sum[0] += term(c, r, whole);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

INLINE vec sum_rows(const struct column *c, ptrdiff_t begin, ptrdiff_t end, term_function *term)
{
    return c->lanes == LANES ? sum_whole(c, begin, end, true, term)
                             : sum_whole(c, begin, end, false, term);
}

/* out[j] += sum over all rows of the term of column j; `like` says where x and dy are. */
INLINE void add_terms(const struct column *like, const REAL *center, ptrdiff_t rows,
                      ptrdiff_t columns, REAL *out, term_function *term)
{
    for (ptrdiff_t first = 0; first < columns; first += COLUMNS_AT_ONCE) {
        ptrdiff_t width = least(COLUMNS_AT_ONCE, columns - first);
        wide total[COLUMNS_AT_ONCE / LANES] = {{0}};
        for (ptrdiff_t begin = 0; begin < rows; begin += ROWS_AT_ONCE) {
            for (ptrdiff_t j = 0; j < width; j += LANES) {
                struct column c = *like;
                c.x += first + j;
                c.dy = c.dy ? c.dy + first + j : NULL;
                c.lanes = least(LANES, width - j);
                c.center = center ? load_first(center + first + j, c.lanes) : (vec){0};
                vec sum = sum_rows(&c, begin, least(begin + ROWS_AT_ONCE, rows), term);
                total[j / LANES] += __builtin_convertvector(sum, wide);
            }
        }
        for (ptrdiff_t j = 0; j < width; j += LANES) {
            ptrdiff_t lanes = least(LANES, width - j);
            vec before = load_first(out + first + j, lanes);
            vec sum = __builtin_convertvector(total[j / LANES], vec);
            store_first(out + first + j, before + sum, lanes);
        }
    }
}

/* out[j] += sum of column j; rows begin `step` elements apart. */
static void add_columns(const REAL *x, ptrdiff_t step, ptrdiff_t rows, ptrdiff_t columns, REAL *out)
{
    struct column all = {.x = x, .step = step};
    add_terms(&all, NULL, rows, columns, out, term_x);
}

static void clear(REAL *x, ptrdiff_t count) { memset(x, 0, (size_t)count * sizeof(REAL)); }

/* A kernel that sums down the columns of so many rows; parts take whole columns. */
static struct grid column_grid(part_function *run, const void *job, ptrdiff_t rows,
                               ptrdiff_t columns)
{
    return (struct grid){
        .run = run, .job = job, .columns = columns, .column_step = LANES, .work = rows * columns};
}

/* Transpose a square of LANES x LANES, or its first rows and columns if not `whole`. */
INLINE void transpose_square(const REAL *from, ptrdiff_t from_row, REAL *to, ptrdiff_t to_row,
                             ptrdiff_t rows, ptrdiff_t columns, bool whole)
{
    vec row[LANES], next[LANES];
    EACH (i, LANES)
        row[i] = i < rows ? load_n(from + i * from_row, columns, whole) : (vec){0};
    /* Each round interleaves the first half of the rows with the second. */
    EACH (round, LOG_LANES) {
        EACH (i, LANES / 2) {
            next[2 * i] = zip_lower(row[i], row[i + LANES / 2]);
            next[2 * i + 1] = zip_upper(row[i], row[i + LANES / 2]);
        }
        EACH (i, LANES)
            row[i] = next[i];
    }
    EACH (j, LANES)
        if (j < columns)
            store_n(to + j * to_row, row[j], rows, whole);
}

/* to[j][i] = from[i][j] */
static void transpose(const REAL *from, ptrdiff_t from_row, REAL *to, ptrdiff_t to_row,
                      ptrdiff_t rows, ptrdiff_t columns)
{
    for (ptrdiff_t i = 0; i < rows; i += LANES) {
        for (ptrdiff_t j = 0; j < columns; j += LANES) {
            ptrdiff_t height = least(LANES, rows - i), width = least(LANES, columns - j);
            const REAL *square = from + i * from_row + j;
            REAL *turned = to + j * to_row + i;
            if (height == LANES && width == LANES)
                transpose_square(square, from_row, turned, to_row, LANES, LANES, true);
            else
                transpose_square(square, from_row, turned, to_row, height, width, false);
        }
    }
}

#endif
