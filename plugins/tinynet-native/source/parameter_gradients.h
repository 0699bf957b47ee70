/* The gradients of a convolution's weight and bias: products that sum over windows. */

static struct range overlap(struct range a, struct range b)
{
    return (struct range){greatest(a.first, b.first), least(a.end, b.end)};
}

/* The images that windows lie on, and their dy. */
struct scene {
    const REAL *images, *dy;
    ptrdiff_t samples;
    ptrdiff_t width,
        origin; /* of an image, and the column where window 0 begins, maybe before it */
};

/* Add to cell (i, j) of dweight what these rows and columns of windows give; where cells are
 * `joined`, to all cells of row i from j on, whose pixels lie side by side. */
static void add_cell_gradient(const struct conv2d *args, const struct scene *scene, ptrdiff_t i,
                              ptrdiff_t j, struct range rows, struct range columns, bool joined)
{
    const struct axis *down = &args->down, *right = &args->right;
    ptrdiff_t channels = args->channels / args->groups, filters = args->filters / args->groups;
    ptrdiff_t line = scene->width * args->channels, dy_line = right->windows * args->filters;
    if (rows.first >= rows.end || columns.first >= columns.end)
        return;
    ptrdiff_t y = rows.first * down->stride + i * down->dilation - down->padding;
    ptrdiff_t x = columns.first * right->stride + j * right->dilation + scene->origin;
    for (ptrdiff_t g = 0; g < args->groups; g++) {
        REAL *c = args->dweight + (i * right->cells + j) * channels * args->filters + g * filters;
        struct product p = {
            .a = scene->images + y * line + x * args->channels + g * channels,
            .b = scene->dy + rows.first * dy_line + columns.first * args->filters + g * filters,
            .start = c,
            .c = c,
            .a_row = 1,
            .start_row = args->filters,
            .c_row = args->filters,
            .outer = {scene->samples, down->pixels * line, down->windows * dy_line},
            .middle = {rows.end - rows.first, down->stride * line, dy_line},
            .inner = {columns.end - columns.first, right->stride * args->channels, args->filters},
        };
        multiply(&p, joined ? right->cells * channels : channels, filters);
    }
}

/* Short rows of windows: sums run over all images, and only over pixels inside. */
static void add_gradient_of_all(const struct conv2d *args)
{
    const struct axis *down = &args->down, *right = &args->right;
    struct scene scene = {args->x, args->dy, args->samples, right->pixels, -right->padding};
    for (ptrdiff_t i = 0; i < down->cells; i++)
        for (ptrdiff_t j = 0; j < right->cells; j++)
            add_cell_gradient(args, &scene, i, j, windows_inside(down, i), windows_inside(right, j),
                              false);
}

/* One image between columns of zeros, as many rows at a time as stay in the cache. */
static void add_gradient_of_one(const struct conv2d *args, const struct scene *scene)
{
    const struct axis *down = &args->down, *right = &args->right;
    ptrdiff_t at_once =
        rows_at_once(right->windows * args->filters + down->stride * scene->width * args->channels);
    struct range columns = {0, right->windows};
    bool joined = right->dilation == 1 && args->groups == 1;
    for (ptrdiff_t begin = 0; begin < down->windows; begin += at_once) {
        for (ptrdiff_t i = 0; i < down->cells; i++) {
            struct range rows =
                overlap((struct range){begin, begin + at_once}, windows_inside(down, i));
            for (ptrdiff_t j = 0; j < (joined ? 1 : right->cells); j++)
                add_cell_gradient(args, scene, i, j, rows, columns, joined);
        }
    }
}

/* Image by image, so that what dweight has brought into the cache dbias finds there. */
static bool add_gradient_of_each(const struct conv2d *args)
{
    const struct axis *down = &args->down, *right = &args->right;
    struct side side = forward_side(right);
    struct padding padding = padding_of(&side);
    ptrdiff_t windows = down->windows * right->windows, pixels = down->pixels * right->pixels;
    REAL *padded = NULL;
    if (padding.needed) {
        padded = allocate(down->pixels * padding.width * args->channels);
        if (!padded)
            return false;
    }
    for (ptrdiff_t n = 0; n < args->samples; n++) {
        const REAL *image = args->x + n * pixels * args->channels;
        struct scene scene = {image, args->dy + n * windows * args->filters, 1, padding.width,
                              side.first + padding.left};
        if (padded) {
            pad(image, padded, down->pixels, right->pixels, args->channels, &padding);
            scene.images = padded;
        }
        add_gradient_of_one(args, &scene);
        if (args->dbias)
            add_columns(scene.dy, windows, args->filters, args->dbias);
    }
    free(padded);
    return true;
}

static bool conv2d_parameter_gradients(const struct conv2d *args)
{
    ptrdiff_t windows = args->samples * args->down.windows * args->right.windows;
    struct side right = forward_side(&args->right);
    if (args->dbias)
        clear(args->dbias, args->filters);
    if (args->dweight) {
        clear(args->dweight, weight_size(args));
        if (args->groups == args->channels && args->groups == args->filters)
            depthwise_weight_gradient(args);
        else if (!short_rows(&right, args->samples))
            return add_gradient_of_each(args);
        else
            add_gradient_of_all(args);
    }
    if (args->dbias)
        add_columns(args->dy, windows, args->filters, args->dbias);
    return true;
}
