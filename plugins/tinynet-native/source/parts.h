/* The work of a kernel, split into parts that several threads run at once.
 *
 * The work is a grid: an array's elements are its rows, and a matrix has columns too. No element of
 * a result may depend on the part that it is in, so the split changes no bit.
 */
#ifndef TINYNET_NATIVE_PARTS_H
#define TINYNET_NATIVE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

struct range {
    ptrdiff_t first, end;
};

/* Rows and columns of a grid, which one thread computes. */
struct part {
    struct range rows, columns;
};

typedef void part_function(const void *job, struct part part);

struct grid {
    part_function *run;
    const void *job;
    ptrdiff_t rows, columns;
    ptrdiff_t row_step, column_step; /* parts begin at multiples of it; 0: an axis is not split */
    bool columns_first;              /* split columns before rows */
    ptrdiff_t work;                  /* about how many elements are read or written in all */
    ptrdiff_t shared;                /* elements that every thread reads and other kernels change */
    ptrdiff_t down, across;          /* numbers of parts, which run_grids sets */
};

/* Products of two numbers that take as long as reading or writing one element. */
enum { PRODUCTS_PER_ELEMENT = 8 };

/* Run all parts of all grids, in any order. On a single thread, each grid is one part. */
void run_grids(struct grid *grids, int count);

#endif
