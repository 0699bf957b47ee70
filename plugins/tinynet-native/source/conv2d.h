/* Convolution, forward and backward. */

/* Where windows are pixels, an image is one long row: its tiles are as high as can be. */
static struct conv2d without_needless_rows(const struct conv2d *args)
{
    struct conv2d flat = *args;
    const struct axis *down = &args->down, *right = &args->right;
    if (down->cells == 1 && down->stride == 1 && down->padding == 0 && right->cells == 1
        && right->stride == 1 && right->padding == 0 && down->windows == down->pixels
        && right->windows == right->pixels) {
        flat.right.pixels = flat.right.windows = right->pixels * down->pixels;
        flat.down.pixels = flat.down.windows = 1;
    }
    return flat;
}

static bool conv2d(const struct conv2d *given)
{
    const struct conv2d copy = without_needless_rows(given), *args = &copy;
    return correlate(&(struct correlation){
        .samples = args->samples,
        .groups = args->groups,
        .in_channels = args->channels,
        .out_channels = args->filters,
        .down = forward_side(&args->down),
        .right = forward_side(&args->right),
        .input = args->x,
        .weight = args->weight,
        .bias = args->bias,
        .output = args->y,
        .out_height = args->down.windows,
        .out_width = args->right.windows,
    });
}

static bool conv2d_backward(const struct conv2d *given)
{
    const struct conv2d args = without_needless_rows(given);
    return (!args.dx || conv2d_input_gradient(&args)) && conv2d_parameter_gradients(&args);
}
