#include "parts.h"

#include "thread_pool.h"

enum {
    LEAST_WORK = 1 << 15, /* elements in a part: for less, handing it to a thread takes too long */
    SHARING = 24,    /* work that takes as long as to change an element that several threads read */
    MOST_PARTS = 16, /* of one grid: enough for a few threads to finish together */
};

struct grids {
    const struct grid *each;
    int count;
};

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

static ptrdiff_t rounded_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

/* The number of steps along an axis, which is that of its smallest parts; 1 if it is not split. */
static ptrdiff_t steps_along(ptrdiff_t length, ptrdiff_t step)
{
    return step > 0 && length > step ? rounded_up(length, step) : 1;
}

/* Set the numbers of parts. They follow from the shapes, not from the number of threads. */
static void split(struct grid *g)
{
    ptrdiff_t rows = steps_along(g->rows, g->row_step);
    ptrdiff_t columns = steps_along(g->columns, g->column_step);
    ptrdiff_t parts = g->work > LEAST_WORK ? least(MOST_PARTS, g->work / LEAST_WORK) : 1;
    if (g->columns_first) {
        g->across = least(parts, columns);
        g->down = least(rounded_up(parts, g->across), rows);
    } else {
        g->down = least(parts, rows);
        g->across = least(rounded_up(parts, g->down), columns);
    }
}

/* Rows or columns of part `number` of `count` along an axis; all parts are about as long. */
static struct range range_of(ptrdiff_t length, ptrdiff_t step, ptrdiff_t number, ptrdiff_t count)
{
    ptrdiff_t steps = steps_along(length, step);
    ptrdiff_t first = steps * number / count, end = steps * (number + 1) / count;
    return (struct range){first * step, number + 1 == count ? length : end * step};
}

/* Parts are numbered down the columns: those of one column read the same elements of a weight. */
static void run_part(const void *job, ptrdiff_t number)
{
    const struct grid *g = ((const struct grids *)job)->each;
    while (number >= g->down * g->across)
        number -= g->down * g->across, g++;
    g->run(g->job, (struct part){
                       range_of(g->rows, g->row_step, number % g->down, g->down),
                       range_of(g->columns, g->column_step, number / g->down, g->across),
                   });
}

static bool worth_splitting(const struct grid *grids, int count)
{
    ptrdiff_t work = 0;
    for (int i = 0; i < count; i++)
        work += grids[i].work - SHARING * grids[i].shared;
    return threads_in_use() > 1 && work >= 2 * LEAST_WORK;
}

void run_grids(struct grid *grids, int count)
{
    ptrdiff_t parts = 0;
    if (!worth_splitting(grids, count)) {
        for (int i = 0; i < count; i++)
            grids[i].run(grids[i].job, (struct part){{0, grids[i].rows}, {0, grids[i].columns}});
        return;
    }
    for (int i = 0; i < count; i++) {
        split(&grids[i]);
        parts += grids[i].down * grids[i].across;
    }
    run_tasks(parts, run_part, &(struct grids){grids, count});
}
