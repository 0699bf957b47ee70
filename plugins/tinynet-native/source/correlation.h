/* Correlation: a kernel slides over a stack of images. Convolution is one, and so is the gradient
 * of its input.
 *
 * Neighbouring windows of a row begin some pixels apart in the image, so they are the rows of a
 * matrix product that runs over the image itself. Cells above or below the image are left out of
 * the sums; for those to its left or right, one image at a time is copied between columns of zeros.
 * Where rows are short, the same window of all images makes the rows of a product instead.
 */

/* The sums for windows in row o of the output, of the channels of group g. Columns of taps in
 * `taps` are summed, of which the first meets `column`; the image has so many columns. The caller
 * says how windows follow each other. */
static struct product window_sums(const struct correlation *c, const REAL *image, ptrdiff_t columns,
                                  ptrdiff_t o, ptrdiff_t column, struct range taps, ptrdiff_t g)
{
    const struct side *down = &c->down, *right = &c->right;
    ptrdiff_t in = c->in_channels / c->groups, out = c->out_channels / c->groups;
    ptrdiff_t line = columns * c->in_channels; /* of the input */
    ptrdiff_t tap = in * c->out_channels;      /* of the weight */
    struct range rows = taps_inside(down, o);
    ptrdiff_t top = rows.end ? o * down->step + down->first + rows.first * down->reach : 0;
    ptrdiff_t count = taps.end - taps.first;
    bool joined = right->reach == 1 && c->groups == 1; /* taps lie side by side in the input */
    return (struct product){
        .a = image + top * line + column * c->in_channels + g * in,
        .b = c->weight + (rows.first * right->taps + taps.first) * tap + g * out,
        .start = c->bias ? c->bias + g * out : NULL,
        .start_row = 0,
        .outer = {rows.end - rows.first, down->reach * line, right->taps * tap},
        .middle = {joined ? 1 : count, right->reach * c->in_channels, tap},
        .inner = {joined ? count * in : in, 1, c->out_channels},
    };
}

/* One image, whose rows of windows are tiles; `column` is where the first tap begins. */
static void correlate_image(const struct correlation *c, const REAL *image, REAL *output,
                            ptrdiff_t columns, ptrdiff_t column)
{
    ptrdiff_t at_once =
        rows_at_once(c->right.outputs * c->out_channels + c->down.step * columns * c->in_channels);
    ptrdiff_t filters = c->out_channels / c->groups;
    struct range taps = {0, c->right.taps};
    for (ptrdiff_t begin = 0; begin < c->down.outputs; begin += at_once) {
        ptrdiff_t end = least(begin + at_once, c->down.outputs);
        for (ptrdiff_t g = 0; g < c->groups; g++) {
            struct strip s;
            for (ptrdiff_t f = 0; f < filters; f += s.count) {
                s = next_strip(c->right.outputs, filters, f);
                for (ptrdiff_t o = begin; o < end; o++) {
                    struct product p = window_sums(c, image, columns, o, column, taps, g);
                    p.c = output + output_at(c, o, 0) + g * filters;
                    p.a_row = c->right.step * c->in_channels;
                    p.c_row = c->right.spread * c->out_channels;
                    multiply_strip(&p, c->right.outputs, &s);
                }
            }
        }
    }
}

static bool correlate_images(const struct correlation *c)
{
    ptrdiff_t height = c->down.inputs, width = c->right.inputs;
    struct padding padding = padding_of(&c->right);
    REAL *padded = NULL;
    if (padding.needed) {
        padded = allocate(height * padding.width * c->in_channels);
        if (!padded)
            return false;
    }
    for (ptrdiff_t n = 0; n < c->samples; n++) {
        const REAL *image = c->input + n * height * width * c->in_channels;
        REAL *output = c->output + n * c->out_height * c->out_width * c->out_channels;
        if (padding.needed) {
            pad(image, padded, height, width, c->in_channels, &padding);
            image = padded;
        }
        correlate_image(c, image, output, padding.width, c->right.first + padding.left);
    }
    free(padded);
    return true;
}

/* Small images: the same window of all images is a tile, and only cells inside are summed. */
static void correlate_windows(const struct correlation *c)
{
    const struct side *right = &c->right;
    ptrdiff_t filters = c->out_channels / c->groups;
    for (ptrdiff_t g = 0; g < c->groups; g++) {
        struct strip s;
        for (ptrdiff_t f = 0; f < filters; f += s.count) {
            s = next_strip(c->samples, filters, f);
            for (ptrdiff_t i = 0; i < c->down.outputs * right->outputs; i++) {
                ptrdiff_t o = i / right->outputs, q = i % right->outputs;
                struct range taps = taps_inside(right, q);
                ptrdiff_t column = q * right->step + right->first + taps.first * right->reach;
                struct product p =
                    window_sums(c, c->input, right->inputs, o, taps.end ? column : 0, taps, g);
                p.c = c->output + output_at(c, o, q) + g * filters;
                p.a_row = c->down.inputs * right->inputs * c->in_channels;
                p.c_row = c->out_height * c->out_width * c->out_channels;
                multiply_strip(&p, c->samples, &s);
            }
        }
    }
}

/* Whether tiles had better be made of images than of the windows in a row: where rows are too short
 * for a tile, or a good part of their sums would be zeros beside the image. */
static bool short_rows(const struct side *right, ptrdiff_t samples)
{
    enum { ENOUGH_SAMPLES = 8, SHORT = 8, SHORT_WITH_PADDING = 16 };
    ptrdiff_t limit = padding_of(right).needed ? SHORT_WITH_PADDING : SHORT;
    return right->outputs < limit && samples >= ENOUGH_SAMPLES;
}

static bool correlate(const struct correlation *c)
{
    if (c->groups == c->in_channels && c->groups == c->out_channels) {
        correlate_depthwise(c);
        return true;
    }
    if (!short_rows(&c->right, c->samples))
        return correlate_images(c);
    correlate_windows(c);
    return true;
}
