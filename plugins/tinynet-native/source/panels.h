/* Weights of recurrent layers, packed once for the products of all steps.
 *
 * A panel is what one tile of a product reads, in the order in which it is read. Panels of gates
 * hold some gates of LANES units, so that the tile has all that the unit's new state depends on.
 */
#ifndef TINYNET_NATIVE_PANELS_H
#define TINYNET_NATIVE_PANELS_H

#include "columns.h"
#include "product.h"

/* The columns of some gates of a weight, (terms, row), whose gates have `units` columns each. */
struct gate_columns {
    const REAL *weight;
    ptrdiff_t terms, units, row;
    int gates;
    int order[4]; /* the places of these gates among all */
};

static ptrdiff_t unit_blocks(ptrdiff_t units) { return (units + LANES - 1) / LANES; }

static ptrdiff_t gate_panels_size(const struct gate_columns *g)
{
    return unit_blocks(g->units) * g->terms * g->gates * LANES;
}

/* Panels (blocks, terms, gates, LANES); units that do not exist have zeros. */
static void pack_gates(const struct gate_columns *g, REAL *panels)
{
    for (ptrdiff_t first = 0; first < g->units; first += LANES) {
        ptrdiff_t n = least(LANES, g->units - first);
        for (ptrdiff_t k = 0; k < g->terms; k++) {
            const REAL *row = g->weight + k * g->row + first;
            for (int gate = 0; gate < g->gates; gate++, panels += LANES)
                store(panels, load_up_to(row + g->order[gate] * g->units, n));
        }
    }
}

/* sum[r][first + v] += sum over k of a[r][k] * panel[k][v]; `rows` and `vectors` are constants. */
INLINE void add_product(vec sum[][4], const int first, const REAL *a, ptrdiff_t a_row,
                        const REAL *panel, ptrdiff_t terms, const int rows, const int vectors)
{
    vec factor[4];
    for (ptrdiff_t k = 0; k < terms; k++) {
        EACH (v, vectors)
            factor[v] = load(panel + v * LANES);
        EACH (r, rows)
            EACH (v, vectors)
                sum[r][first + v] = fused(splat(a[r * a_row + k]), factor[v], sum[r][first + v]);
        panel += vectors * LANES;
    }
}

enum { TURNED_COLUMNS = 2 * LANES };

/* A transposed weight: panels (blocks, terms, TURNED_COLUMNS) of its `columns` columns. */
struct turned {
    REAL *panels;
    ptrdiff_t terms, columns;
};

static ptrdiff_t turned_size(ptrdiff_t terms, ptrdiff_t columns)
{
    return (columns + TURNED_COLUMNS - 1) / TURNED_COLUMNS * TURNED_COLUMNS * terms;
}

/* Its terms are the columns of some gates. */
static void turn_gates(const struct gate_columns *g, const struct turned *t)
{
    for (ptrdiff_t first = 0; first < t->columns; first += TURNED_COLUMNS) {
        ptrdiff_t width = least(TURNED_COLUMNS, t->columns - first);
        REAL *panel = t->panels + first * t->terms;
        for (int gate = 0; gate < g->gates; gate++)
            transpose(g->weight + first * g->row + g->order[gate] * g->units, g->row,
                      panel + gate * g->units * TURNED_COLUMNS, TURNED_COLUMNS, width, g->units);
    }
}

/* c = start + a weight'; p has everything but the matrix on the right and the number of terms. */
static void multiply_turned(struct product p, const struct turned *t, ptrdiff_t rows)
{
    p.outer = p.middle = (struct sum_axis){1, 0, 0};
    p.inner = (struct sum_axis){t->terms, 1, TURNED_COLUMNS};
    for (ptrdiff_t first = 0; first < t->columns; first += TURNED_COLUMNS) {
        p.b = t->panels + first * t->terms;
        multiply(&p, rows, least(TURNED_COLUMNS, t->columns - first));
        p.c += TURNED_COLUMNS;
        if (p.start)
            p.start += TURNED_COLUMNS;
    }
}

#endif
