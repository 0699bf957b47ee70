/* The fully connected layer, as three matrix products. */
#ifndef TINYNET_NATIVE_DENSE_H
#define TINYNET_NATIVE_DENSE_H

#include "columns.h"
#include "product.h"

/* Terms of a sum that are computed at a time for all rows of a product, so that the rows of the
 * matrix on the right that they need stay in a near cache; and those of a panel, a copy of some
 * columns of these rows. */
enum { TERMS_AT_ONCE = 1024, PANEL_TERMS = 512 };

/* The product over terms [done, done + most) of the inner axis, the only one, added to that over
 * the terms before. */
static struct product some_terms(const struct product *p, ptrdiff_t done, ptrdiff_t most)
{
    struct product block = *p;
    block.a += done * p->inner.a;
    block.inner.count = least(most, p->inner.count - done);
    block.relu = p->relu && done + block.inner.count == p->inner.count;
    if (done) {
        block.start = p->c;
        block.start_row = p->c_row;
    }
    return block;
}

enum { PANEL = 2 * LANES /* columns of a strip of most products */ };

/* to[i][j] = from[i][j]; rows of each begin so many elements apart. */
static void copy_rows(const REAL *from, ptrdiff_t from_row, REAL *to, ptrdiff_t to_row,
                      ptrdiff_t rows, ptrdiff_t columns)
{
    for (ptrdiff_t i = 0; i < rows; i++)
        memcpy(to + i * to_row, from + i * from_row, (size_t)columns * sizeof(REAL));
}

/* c = start + a b, with at least one term. Tiles of narrow vectors read b more often. If many rows
 * of a need it, they read a panel, since rows far apart in memory share few places in a cache. */
static void multiply_in_blocks(const struct product *p, ptrdiff_t rows, ptrdiff_t columns)
{
    _Alignas(64) REAL panel[PANEL_TERMS * PANEL];
    bool copied = WIDTH < 64 && rows >= 4 * MOST_OF_2 && p->inner.b >= 4 * PANEL;
    ptrdiff_t width = copied ? PANEL : columns, most = copied ? PANEL_TERMS : TERMS_AT_ONCE;
    for (ptrdiff_t done = 0; done < p->inner.count; done += most) {
        struct product block = some_terms(p, done, most);
        const REAL *b = p->b + done * p->inner.b, *start = block.start;
        for (ptrdiff_t first = 0; first < columns; first += width) {
            ptrdiff_t count = least(width, columns - first);
            block.b = b + first;
            block.c = p->c + first;
            block.start = start ? start + first : NULL;
            if (copied) {
                copy_rows(block.b, p->inner.b, panel, PANEL, block.inner.count, count);
                block.b = panel;
                block.inner.b = PANEL;
            }
            multiply(&block, rows, count);
        }
    }
}

/* c = a b', with at least one term: a panel of rows of b is transposed at a time. */
static void multiply_transposed(const struct product *p, ptrdiff_t rows, ptrdiff_t columns)
{
    _Alignas(64) REAL panel[PANEL_TERMS * PANEL];
    for (ptrdiff_t done = 0; done < p->inner.count; done += PANEL_TERMS) {
        struct product block = some_terms(p, done, PANEL_TERMS);
        block.b = panel;
        block.inner.b = PANEL;
        for (ptrdiff_t first = 0; first < columns; first += PANEL) {
            ptrdiff_t width = least(PANEL, columns - first);
            transpose(p->b + first * p->inner.b + done, p->inner.b, panel, PANEL, width,
                      block.inner.count);
            multiply(&block, rows, width);
            block.c += width;
            block.start = done ? block.c : NULL;
        }
    }
}

static struct product plain_product(const REAL *a, const REAL *b, const REAL *start, REAL *c)
{
    return (struct product){
        .a = a, .b = b, .start = start, .c = c, .outer = {1, 0, 0}, .middle = {1, 0, 0}};
}

enum { ROW_VECTORS = 16, ROWS_AHEAD = 2 /* that the weight is fetched before it is needed */ };

/* y = bias + x weight for a single row and `vectors` (a constant) vectors of units, whose sums stay
 * in registers. Of the last vector, only the first `n` lanes exist unless it is `whole`. */
INLINE void dense_row_units(const struct dense *args, ptrdiff_t first, const int vectors,
                            ptrdiff_t n, const bool whole)
{
    vec sum[ROW_VECTORS];
    const REAL *weight = args->weight + first;
    EACH (v, vectors)
        sum[v] = args->bias ? load_n(args->bias + first + v * LANES, n, whole) : (vec){0};
    for (ptrdiff_t i = 0; i < args->inputs; i++, weight += args->units) {
        EACH (v, vectors) {
            __builtin_prefetch(weight + ROWS_AHEAD * args->units + v * LANES);
            sum[v] = fused(splat(args->x[i]), load_n(weight + v * LANES, n, whole), sum[v]);
        }
    }
    EACH (v, vectors)
        store_n(args->y + first + v * LANES, rectified(sum[v], args->relu), n, whole);
}

static void dense_row_part(const void *job, struct part part)
{
    const struct dense *args = job;
    ptrdiff_t u = part.columns.first, end = part.columns.end;
    for (; u + ROW_VECTORS * LANES <= end; u += ROW_VECTORS * LANES)
        dense_row_units(args, u, ROW_VECTORS, LANES, true);
    for (; u + 4 * LANES <= end; u += 4 * LANES)
        dense_row_units(args, u, 4, LANES, true);
    for (; u < end; u += LANES)
        dense_row_units(args, u, 1, least(LANES, end - u), false);
}

static void dense_part(const void *job, struct part part)
{
    const struct dense *args = job;
    const struct range rows = part.rows, units = part.columns;
    struct product p =
        plain_product(args->x + rows.first * args->inputs, args->weight + units.first,
                      args->bias ? args->bias + units.first : NULL,
                      args->y + rows.first * args->units + units.first);
    p.a_row = args->inputs;
    p.c_row = args->units;
    p.inner = (struct sum_axis){args->inputs, 1, args->units};
    p.relu = args->relu;
    multiply_in_blocks(&p, rows.end - rows.first, units.end - units.first);
}

/* A product of so many rows and columns. It is split between columns first, where tiles end: such
 * parts read only their own columns of the matrix on the right. */
static struct grid product_grid(part_function *run, const struct dense *args, ptrdiff_t rows,
                                ptrdiff_t columns, ptrdiff_t terms)
{
    return (struct grid){
        .run = run,
        .job = args,
        .rows = rows,
        .columns = columns,
        .row_step = MOST_OF_2 / 2,
        .column_step = (rows <= MOST_OF_4 ? 4 : 2) * LANES,
        .columns_first = true,
        .work = rows * columns * (1 + terms / PRODUCTS_PER_ELEMENT),
    };
}

static void dense(const struct dense *args)
{
    struct grid grid = product_grid(dense_part, args, args->rows, args->units, args->inputs);
    if (args->rows == 1) {
        grid.run = dense_row_part;
        grid.column_step =
            greatest(4, args->units / (4 * LANES)) * LANES; /* so that parts read long stretches */
        grid.work = args->inputs * args->units;
    }
    run_grids(&grid, 1);
}

/* dx[first + i] = dy . weight[first + i] for i below `count`, a constant. */
INLINE void dot_products(const struct dense *args, ptrdiff_t first, const int count)
{
    vec sum[4];
    EACH (i, count)
        sum[i] = (vec){0};
    for (ptrdiff_t u = 0; u < args->units; u += LANES) {
        ptrdiff_t n = least(LANES, args->units - u);
        vec dy = load_first(args->dy + u, n);
        EACH (i, count)
            sum[i] = fused(load_first(args->weight + (first + i) * args->units + u, n), dy, sum[i]);
    }
    EACH (i, count)
        args->dx[first + i] = lane_sum(sum[i]);
}

/* dx = dy weight' for a single row: the weight is read once, and not transposed. */
static void dense_row_input_gradient(const void *job, struct part part)
{
    const struct dense *args = job;
    ptrdiff_t i = part.columns.first;
    for (; i + 4 <= part.columns.end; i += 4)
        dot_products(args, i, 4);
    for (; i < part.columns.end; i++)
        dot_products(args, i, 1);
}

static void dense_input_gradient(const void *job, struct part part)
{
    const struct dense *args = job;
    const struct range rows = part.rows, inputs = part.columns;
    struct product p = plain_product(args->dy + rows.first * args->units,
                                     args->weight + inputs.first * args->units, NULL,
                                     args->dx + rows.first * args->inputs + inputs.first);
    p.a_row = args->units;
    p.c_row = args->inputs;
    p.inner = (struct sum_axis){args->units, 1, args->units};
    multiply_transposed(&p, rows.end - rows.first, inputs.end - inputs.first);
}

static struct grid dense_input_grid(const struct dense *args)
{
    struct grid grid =
        product_grid(dense_input_gradient, args, args->rows, args->inputs, args->units);
    if (args->rows == 1) {
        grid.run = dense_row_input_gradient;
        grid.work = args->inputs * args->units;
    }
    return grid;
}

static void dense_weight_gradient(const void *job, struct part part)
{
    const struct dense *args = job;
    const struct range inputs = part.rows, units = part.columns;
    REAL *dweight = args->dweight + inputs.first * args->units + units.first;
    struct product p = plain_product(args->x + inputs.first, args->dy + units.first, NULL, dweight);
    p.a_row = 1;
    p.c_row = args->units;
    p.inner = (struct sum_axis){args->rows, args->inputs, args->units};
    multiply_in_blocks(&p, inputs.end - inputs.first, units.end - units.first);
}

static void dense_bias_gradient(const void *job, struct part part)
{
    const struct dense *args = job;
    const struct range units = part.columns;
    clear(args->dbias + units.first, units.end - units.first);
    add_columns(args->dy + units.first, args->units, args->rows, units.end - units.first,
                args->dbias + units.first);
}

static void dense_backward(const struct dense *args)
{
    struct grid grids[3];
    int count = 0;
    if (args->dx)
        grids[count++] = dense_input_grid(args);
    if (args->dweight && args->rows == 0)
        clear(args->dweight, args->inputs * args->units);
    else if (args->dweight)
        grids[count++] =
            product_grid(dense_weight_gradient, args, args->inputs, args->units, args->rows);
    if (args->dbias)
        grids[count++] = column_grid(dense_bias_gradient, args, args->rows, args->units);
    run_grids(grids, count);
}

#endif
