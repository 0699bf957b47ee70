#include "parts.h"

#include "thread_pool.h"

enum {
    GRAIN = 1 << 15,  /* elements: less than these few microseconds is not worth handing over */
    MOST_BLOCKS = 16, /* large enough each, and enough for a few threads to finish together */
};

struct tables {
    const struct table *each;
    int count;
};

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

static ptrdiff_t rounded_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

/* Where it can be cut, an axis is so many pieces. */
static ptrdiff_t pieces(ptrdiff_t length, ptrdiff_t step)
{
    return step > 0 && length > step ? rounded_up(length, step) : 1;
}

/* Several threads, however many, make the same blocks: they follow from the shapes. */
static void divide(struct table *t)
{
    ptrdiff_t rows = pieces(t->rows, t->row_step), columns = pieces(t->columns, t->column_step);
    ptrdiff_t worth = t->work > GRAIN ? least(MOST_BLOCKS, t->work / GRAIN) : 1;
    if (t->columns_first) {
        t->across = least(worth, columns);
        t->down = least(rounded_up(worth, t->across), rows);
    } else {
        t->down = least(worth, rows);
        t->across = least(rounded_up(worth, t->down), columns);
    }
}

/* Number `number` of `count` ranges of an axis, all about as long. */
static struct range range_of(ptrdiff_t length, ptrdiff_t step, ptrdiff_t number, ptrdiff_t count)
{
    ptrdiff_t all = pieces(length, step);
    ptrdiff_t first = all * number / count, end = all * (number + 1) / count;
    return (struct range){first * step, number + 1 == count ? length : end * step};
}

/* Blocks are in the order of columns: those of one column read the same part of a weight. */
static void run_block(const void *job, ptrdiff_t number)
{
    const struct table *t = ((const struct tables *)job)->each;
    while (number >= t->down * t->across)
        number -= t->down * t->across, t++;
    t->run(t->job, (struct block){
                       range_of(t->rows, t->row_step, number % t->down, t->down),
                       range_of(t->columns, t->column_step, number / t->down, t->across),
                   });
}

static bool worth_sharing(const struct table *tables, int count)
{
    ptrdiff_t work = 0;
    for (int i = 0; i < count; i++)
        work += tables[i].work;
    return threads_in_use() > 1 && work >= 2 * GRAIN;
}

void run_tables(struct table *tables, int count)
{
    ptrdiff_t blocks = 0;
    if (!worth_sharing(tables, count)) {
        for (int i = 0; i < count; i++)
            tables[i].run(tables[i].job,
                          (struct block){{0, tables[i].rows}, {0, tables[i].columns}});
        return;
    }
    for (int i = 0; i < count; i++) {
        divide(&tables[i]);
        blocks += tables[i].down * tables[i].across;
    }
    run_tasks(blocks, run_block, &(struct tables){tables, count});
}
