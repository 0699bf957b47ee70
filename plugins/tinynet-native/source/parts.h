/* A kernel's work in parts, which several threads can do at once.
 *
 * What is cut is thought of as a table: elements of an array are rows of it, a matrix has columns
 * too. No element of a result may depend on the part that it is in, so that parts change no bit.
 */
#ifndef TINYNET_NATIVE_PARTS_H
#define TINYNET_NATIVE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

struct range {
    ptrdiff_t first, end;
};

/* Rows and columns of a table. */
struct block {
    struct range rows, columns;
};

typedef void block_function(const void *job, struct block block);

struct table {
    block_function *run;
    const void *job;
    ptrdiff_t rows, columns;
    ptrdiff_t row_step, column_step; /* blocks begin at multiples of it; 0: never cut that way */
    bool columns_first;              /* where the better cuts are */
    ptrdiff_t work;                  /* about how many elements are read or written for all of it */
    ptrdiff_t down, across;          /* blocks; run_tables fills it in */
};

/* Matrix products are so many times as fast as reading or writing is. */
enum { PRODUCTS_PER_ELEMENT = 8 };

/* Run all blocks of all tables, in any order. Where this thread is alone, a table is one block. */
void run_tables(struct table *tables, int count);

#endif
