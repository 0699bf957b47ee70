/* Convolution along rows in tiles, with kernels of 3 or 5 cells; see winograd.h. The pixels of a
 * tile are as far apart as the cells of the kernel, so dilated kernels have tiles, too. Each tile
 * belongs to one row, so a sample does not depend on its batch.
 */
#ifndef TINYNET_NATIVE_ROW_TILES_H
#define TINYNET_NATIVE_ROW_TILES_H

#include "uneven_tiles.h"

/* The tiles of rows. */
struct row_tiling {
    ptrdiff_t outputs; /* of a tile */
    ptrdiff_t reach;   /* from one pixel of a tile to the next, and from one output to the next */
    ptrdiff_t in_row;  /* number of tiles */
};

static struct row_tiling row_tiling_of(const struct side *right)
{
    ptrdiff_t outputs = POINTS + 1 - right->taps, reach = right->reach;
    ptrdiff_t longest = (right->outputs + reach - 1) / reach; /* of the rows of every reach-th */
    return (struct row_tiling){outputs, reach, reach * ((longest + outputs - 1) / outputs)};
}

/* A tile of some rows, and its first output. */
struct row_tile {
    ptrdiff_t row, number; /* of the tile in its row */
    ptrdiff_t output;
};

INLINE ptrdiff_t first_output(const struct row_tiling *t, ptrdiff_t number)
{
    if (t->reach == 1)
        return number * t->outputs;
    return number / t->reach * t->reach * t->outputs + number % t->reach;
}

INLINE struct row_tile row_tile(const struct row_tiling *t, ptrdiff_t tile)
{
    ptrdiff_t number = tile % t->in_row;
    return (struct row_tile){tile / t->in_row, number, first_output(t, number)};
}

/* Go on to the next tile, without the divisions that `row_tile` takes. */
INLINE void next_tile(const struct row_tiling *t, struct row_tile *tile)
{
    if (++tile->number == t->in_row) {
        tile->number = 0;
        tile->row++;
    }
    tile->output = first_output(t, tile->number);
}

/* Return true if tiles of rows take at most three quarters of the products. */
static bool worth_row_tiling(ptrdiff_t groups, ptrdiff_t in, ptrdiff_t out, const struct side *down,
                             const struct side *right)
{
    bool alone = down->taps == 1 && down->step == 1 && down->first == 0 && down->spread == 1
                 && down->inputs == down->outputs;
    return alone && groups == 1 && in >= FEWEST_CHANNELS && out >= FEWEST_CHANNELS
           && in * out >= FEWEST_CELLS && (right->taps == 3 || right->taps == 5) && right->step == 1
           && right->spread == 1
           && 4 * POINTS * row_tiling_of(right).in_row <= 3 * right->taps * right->outputs;
}

/* Transform a weight (taps, in, out) into (POINTS, in, out). */
static void transform_row_weight(const REAL *weight, int taps, ptrdiff_t size, REAL *transformed)
{
    const REAL *cells[POINTS];
    REAL *to[POINTS];
    for (int i = 0; i < taps; i++)
        cells[i] = weight + i * size;
    for (int i = 0; i < POINTS; i++)
        to[i] = transformed + i * size;
    if (taps == 3)
        transform_arrays(cells, size, 3, false, transform_cells, to);
    else
        transform_arrays(cells, size, 5, false, transform_cells, to);
}

/* Rows (rows, length, channels) that are read in tiles. */
struct tiled_rows {
    const REAL *pixels;
    ptrdiff_t length, channels;
    ptrdiff_t origin;    /* the pixel where the first tile begins, maybe before the row */
    const REAL *outside; /* a pixel of zeros */
};

/* Transform `count` pixels of some tiles into POINTS places, which are `step` apart. */
INLINE void transform_tiles(const struct row_tiling *t, const struct tiled_rows *rows,
                            struct range tiles, const int count, transform_function *along,
                            REAL *to, ptrdiff_t step)
{
    struct row_tile tile = row_tile(t, tiles.first);
    for (ptrdiff_t i = tiles.first; i < tiles.end; i++, next_tile(t, &tile), to += rows->channels) {
        const REAL *row = rows->pixels + tile.row * rows->length * rows->channels;
        ptrdiff_t first = tile.output + rows->origin, last = first + (count - 1) * t->reach;
        bool whole = first >= 0 && last < rows->length;
        const REAL *from[POINTS];
        EACH (k, count) {
            ptrdiff_t pixel = first + k * t->reach;
            bool inside = whole || (pixel >= 0 && pixel < rows->length);
            from[k] = inside ? row + pixel * rows->channels : rows->outside;
        }
        for (ptrdiff_t at = 0; at < rows->channels; at += LANES) {
            ptrdiff_t n = least(LANES, rows->channels - at);
            vec v[POINTS];
            EACH (k, POINTS)
                v[k] = k < count ? load_up_to(from[k] + at, n) : (vec){0};
            along(v, count);
            EACH (k, POINTS)
                store_up_to(to + k * step + at, v[k], n);
        }
    }
}

/* Rows (rows, length, channels) of outputs that are computed in tiles. */
struct output_rows {
    REAL *outputs;
    ptrdiff_t length, channels;
    const REAL *bias; /* or NULL */
    bool relu;
};

/* Collect sums, in places that are `step` apart, into `count` outputs of each tile. */
INLINE void collect_tiles(const struct row_tiling *t, const struct output_rows *rows,
                          struct range tiles, const int count, const REAL *sums, ptrdiff_t step)
{
    ptrdiff_t channels = rows->channels;
    struct row_tile tile = row_tile(t, tiles.first);
    for (ptrdiff_t i = tiles.first; i < tiles.end; i++, next_tile(t, &tile), sums += channels) {
        REAL *to = rows->outputs + (tile.row * rows->length + tile.output) * channels;
        ptrdiff_t left = rows->length - tile.output; /* pixels of the row */
        for (ptrdiff_t at = 0; at < channels; at += LANES) {
            ptrdiff_t n = least(LANES, channels - at);
            vec s[POINTS], start = rows->bias ? load_up_to(rows->bias + at, n) : (vec){0};
            EACH (k, POINTS)
                s[k] = load_up_to(sums + k * step + at, n);
            collect(s, count);
            EACH (k, count)
                if (k * t->reach < left)
                    store_up_to(to + k * t->reach * channels + at,
                                rectified(s[k] + start, rows->relu), n);
        }
    }
}

/* The pixels of a tile from output `first` on. */
INLINE struct tile_pixels row_tile_pixels(const struct row_tiling *t, const struct tiled_rows *rows,
                                          ptrdiff_t row, ptrdiff_t first, int count, int window)
{
    return (struct tile_pixels){
        rows->pixels + row * rows->length * rows->channels,
        rows->length,
        rows->channels,
        one_row,
        span_of(first + rows->origin, t->reach, count, window, rows->length),
    };
}

/* The square of bright pixels among all that some tiles read. */
static REAL bright_square_of_tiles(const struct row_tiling *t, const struct tiled_rows *rows,
                                   struct range tiles)
{
    struct row_tile first = row_tile(t, tiles.first), last = row_tile(t, tiles.end - 1);
    ptrdiff_t begin = first.output + rows->origin, end = last.output + rows->origin;
    if (t->reach > 1) { /* the last tile may begin before others */
        begin = 0;
        end = rows->length;
    }
    begin = greatest(0, begin);
    end = least(rows->length, end + POINTS * t->reach);
    begin += first.row * rows->length;
    end += last.row * rows->length;
    return bright_square(
        sum_of_squares(rows->pixels + begin * rows->channels, (end - begin) * rows->channels));
}

/* The outputs of a tile, in rows of which an image has so many. */
static struct outputs row_tile_outputs(const struct row_tiling *t, const struct row_tile *tile,
                                       ptrdiff_t rows, ptrdiff_t length)
{
    ptrdiff_t left = (length - tile->output + t->reach - 1) / t->reach, row = tile->row % rows;
    return (struct outputs){tile->row / rows,
                            {row, row + 1},
                            tile->output,
                            t->reach,
                            greatest(0, least(t->outputs, left))};
}

/* Return true if an output depends on no later pixel. In tiles of 4 outputs the later pixels take
 * part in every output, and cancel but for rounding: such correlations are not computed in them. */
static bool is_causal(const struct side *s) { return s->first + (s->taps - 1) * s->reach <= 0; }

static bool in_row_tiles(const struct correlation *c)
{
    const struct side *right = &c->right;
    return !(is_causal(right) && right->taps == 3)
           && worth_row_tiling(c->groups, c->in_channels, c->out_channels, &c->down, &c->right);
}

/* Tiles to transform at a time, if the elements of a transformed tile are so many. */
static ptrdiff_t row_tiles_at_once(ptrdiff_t tiles, ptrdiff_t elements)
{
    return least(tiles, greatest(MOST_ROWS, CACHED / elements));
}

/* Correct the outputs of tiles that are uneven. In tiles of 2, outputs are sums over their own
 * pixels alone, so these decide: an output of a causal correlation depends on no later one. */
static void correct_row_tiles(const struct row_tiling *t, const struct correlation *c,
                              const struct tiled_rows *rows, struct range tiles)
{
    REAL square = bright_square_of_tiles(t, rows, tiles);
    struct row_tile tile = row_tile(t, tiles.first);
    for (ptrdiff_t i = tiles.first; i < tiles.end; i++, next_tile(t, &tile)) {
        struct outputs o = row_tile_outputs(t, &tile, c->down.outputs, c->right.outputs);
        struct tile_pixels pixels;
        if (t->outputs == 4) {
            pixels = row_tile_pixels(t, rows, tile.row, o.first, POINTS, 3);
            if (!has_bright_pixels(&pixels, square))
                correct_tile(c, &pixels, &o);
            continue;
        }
        for (ptrdiff_t left = o.count; left > 0; left--, o.first += o.reach) {
            o.count = 1;
            pixels = row_tile_pixels(t, rows, tile.row, o.first, 5, 2);
            if (is_uneven(&pixels, square))
                correlate_directly(c, &o);
        }
    }
}

/* The rows of the grid are the tiles of all rows. */
static void correlate_row_tiles(const void *job, struct part part)
{
    const struct correlation *c = job;
    const struct row_tiling t = row_tiling_of(&c->right);
    ptrdiff_t in = c->in_channels, out = c->out_channels;
    ptrdiff_t most = row_tiles_at_once(part.rows.end - part.rows.first, POINTS * (in + out));
    REAL *pixels = allocate(POINTS * (place_step(most, in) + place_step(most, out)) + in);
    if (!pixels) {
        *c->enough = false;
        return;
    }
    REAL *sums = pixels + POINTS * place_step(most, in);
    REAL *zeros = sums + POINTS * place_step(most, out);
    const struct output_rows outputs = {c->output, c->right.outputs, out, c->bias, c->relu};
    const struct tiled_rows rows = {c->input, c->right.inputs, in, c->right.first, zeros};
    memset(zeros, 0, (size_t)in * sizeof(REAL));
    for (ptrdiff_t first = part.rows.first; first < part.rows.end; first += most) {
        struct range tiles = {first, least(first + most, part.rows.end)};
        ptrdiff_t count = tiles.end - tiles.first;
        transform_tiles(&t, &rows, tiles, POINTS, transform_pixels, pixels, place_step(count, in));
        multiply_tiles(pixels, c->weight, count, POINTS, in, out, sums);
        if (t.outputs == 4)
            collect_tiles(&t, &outputs, tiles, 4, sums, place_step(count, out));
        else
            collect_tiles(&t, &outputs, tiles, 2, sums, place_step(count, out));
        correct_row_tiles(&t, c, &rows, tiles);
    }
    free(pixels);
}

static struct grid row_tile_grid(const struct correlation *c)
{
    ptrdiff_t tiles = c->samples * c->down.outputs * row_tiling_of(&c->right).in_row;
    return (struct grid){
        .run = correlate_row_tiles,
        .job = c,
        .rows = tiles,
        .columns = 1,
        .row_step = MOST_ROWS,
        .work = tiles * POINTS * c->out_channels * (1 + c->in_channels / PRODUCTS_PER_ELEMENT),
    };
}

/* The gradient of a weight in tiles. */
struct row_tile_gradients {
    const struct conv2d *args;
    struct side right;
    struct shares shares; /* of the tiles; their sums are (POINTS, channels, filters) */
    atomic_bool *enough;  /* set to false if memory runs out */
};

/* The gradient of a weight, before its sums are computed. */
static struct row_tile_gradients row_tile_gradients_of(const struct conv2d *args,
                                                       atomic_bool *enough)
{
    struct side right = forward_side(&args->right);
    const struct row_tiling t = row_tiling_of(&right);
    ptrdiff_t tiles = args->samples * args->down.windows * t.in_row;
    ptrdiff_t size = POINTS * args->channels * args->filters;
    struct shares shares = shares_of(tiles, t.outputs, size, weight_size(args));
    return (struct row_tile_gradients){args, right, shares, enough};
}

/* Leave uneven tiles out of the transformed ones, and add to `share` what they give. */
static void move_uneven_row_tiles(struct row_tile_gradients *job, ptrdiff_t share,
                                  const struct tiled_rows *x, const struct tiled_rows *dy,
                                  struct range tiles, REAL *pixels, REAL *gradients)
{
    const struct row_tiling t = row_tiling_of(&job->right);
    int outputs = (int)t.outputs;
    ptrdiff_t count = tiles.end - tiles.first;
    REAL square = bright_square_of_tiles(&t, x, tiles);
    struct row_tile tile = row_tile(&t, tiles.first);
    for (ptrdiff_t i = 0; i < count; i++, next_tile(&t, &tile)) {
        struct tile_pixels a =
            row_tile_pixels(&t, x, tile.row, tile.output, POINTS, outputs == 4 ? 3 : 2);
        struct tile_pixels b = row_tile_pixels(&t, dy, tile.row, tile.output, outputs, outputs / 2);
        struct outputs o = row_tile_outputs(&t, &tile, job->args->down.windows, dy->length);
        if (is_uneven_gradient(a, b, &o, square, (REAL)INFINITY)) {
            add_directly(job->args, &o, direct_sums(&job->shares, share));
            clear_tile(pixels + i * x->channels, POINTS, place_step(count, x->channels),
                       x->channels);
            clear_tile(gradients + i * dy->channels, POINTS, place_step(count, dy->channels),
                       dy->channels);
        }
    }
}

/* The sums over the tiles of a share; `pixels` has room for `most` transformed tiles, and zeros. */
static void sum_row_tiles(struct row_tile_gradients *job, ptrdiff_t share, ptrdiff_t most,
                          REAL *pixels)
{
    const struct range tiles = share_of(&job->shares, share);
    REAL *sums = job->shares.sums + share * job->shares.size;
    const struct conv2d *args = job->args;
    const struct row_tiling t = row_tiling_of(&job->right);
    ptrdiff_t in = args->channels, out = args->filters;
    REAL *gradients = pixels + POINTS * place_step(most, in);
    REAL *zeros = gradients + POINTS * place_step(most, out);
    const struct tiled_rows x = {args->x, args->right.pixels, in, job->right.first, zeros};
    const struct tiled_rows dy = {args->dy, args->right.windows, out, 0, zeros};
    memset(zeros, 0, (size_t)greatest(in, out) * sizeof(REAL));
    for (ptrdiff_t first = tiles.first; first < tiles.end; first += most) {
        struct range some = {first, least(first + most, tiles.end)};
        ptrdiff_t count = some.end - some.first, step = place_step(count, out);
        transform_tiles(&t, &x, some, POINTS, transform_pixels, pixels, place_step(count, in));
        if (t.outputs == 4)
            transform_tiles(&t, &dy, some, 4, evaluate, gradients, step);
        else
            transform_tiles(&t, &dy, some, 2, evaluate, gradients, step);
        move_uneven_row_tiles(job, share, &x, &dy, some, pixels, gradients);
        add_tile_products(pixels, gradients, count, POINTS, in, out, first == tiles.first, sums);
    }
}

/* The rows of the grid are shares. */
static void sum_shares(const void *given, struct part part)
{
    struct row_tile_gradients *job = (struct row_tile_gradients *)given; /* with its shares */
    ptrdiff_t in = job->args->channels, out = job->args->filters;
    ptrdiff_t most = row_tiles_at_once(job->shares.rows, POINTS * (in + out) / 2);
    ptrdiff_t places = place_step(most, in) + place_step(most, out);
    REAL *pixels = allocate(POINTS * places + greatest(in, out));
    if (!pixels) {
        *job->enough = false;
        return;
    }
    for (ptrdiff_t i = part.rows.first; i < part.rows.end; i++)
        sum_row_tiles(job, i, most, pixels);
    free(pixels);
}

/* Transform the sums into the gradient of the weight. */
static void finish_row_tiles(const struct row_tile_gradients *job)
{
    ptrdiff_t size = job->args->channels * job->args->filters;
    const REAL *from[POINTS];
    REAL *to[POINTS];
    add_shares(&job->shares);
    for (int i = 0; i < POINTS; i++)
        from[i] = job->shares.sums + i * size;
    for (int i = 0; i < job->right.taps; i++)
        to[i] = job->args->dweight + i * size;
    if (job->right.taps == 3)
        transform_arrays(from, size, 3, true, collect_cells, to);
    else
        transform_arrays(from, size, 5, true, collect_cells, to);
    add_direct_sums(&job->shares, job->args->dweight);
}

/* Return true if the weight of every cell of a window meets a pixel of an image. The gradients of
 * others are exactly 0, which they are not in tiles. */
static bool all_cells_meet(const struct axis *a)
{
    for (ptrdiff_t i = 0; i < a->cells; i++) {
        struct range windows = windows_inside(a, i);
        if (windows.first >= windows.end)
            return false;
    }
    return true;
}

static bool gradients_in_row_tiles(const struct conv2d *args)
{
    const struct side down = forward_side(&args->down), right = forward_side(&args->right);
    return args->dweight && args->samples > 0 && all_cells_meet(&args->right)
           && worth_row_tiling(args->groups, args->channels, args->filters, &down, &right);
}

static struct grid row_gradient_grid(const struct row_tile_gradients *job)
{
    const struct conv2d *args = job->args;
    return (struct grid){
        .run = sum_shares,
        .job = job,
        .rows = job->shares.count,
        .columns = 1,
        .row_step = 1,
        .work =
            job->shares.rows * POINTS * args->filters * (1 + args->channels / PRODUCTS_PER_ELEMENT),
    };
}

#endif
