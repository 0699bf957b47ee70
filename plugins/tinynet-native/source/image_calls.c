/* Convolution and pooling. */
#include "calls.h"

/* Strides, padding above or to the left, and dilation of both axes. */
static void take_window(struct arguments *a, struct axis *down, struct axis *right)
{
    down->stride = whole_number(a);
    right->stride = whole_number(a);
    down->padding = whole_number(a);
    right->padding = whole_number(a);
    down->dilation = whole_number(a);
    right->dilation = whole_number(a);
    require(a, down->stride > 0 && right->stride > 0, "a stride is not positive");
    require(a, down->dilation > 0 && right->dilation > 0, "a dilation is not positive");
    require(a, down->padding >= 0 && right->padding >= 0, "padding is negative");
}

static struct conv2d take_conv2d(struct arguments *a, const struct array *x,
                                 const struct array *weight, const struct array *y)
{
    struct conv2d job = {
        .samples = x->shape[0],
        .channels = x->shape[3],
        .filters = weight->shape[3],
        .down = {.pixels = x->shape[1], .windows = y->shape[1], .cells = weight->shape[0]},
        .right = {.pixels = x->shape[2], .windows = y->shape[2], .cells = weight->shape[1]},
        .weight = weight->data,
    };
    ptrdiff_t in_group = weight->shape[2];
    require(a, job.down.cells > 0 && job.right.cells > 0, "the kernel has no cells");
    require(a, in_group > 0 && job.channels % in_group == 0,
            "the weight's channels do not divide those of x");
    job.groups = a->failed ? 1 : job.channels / in_group;
    require(a, job.groups > 0 && job.filters % job.groups == 0,
            "the number of groups does not divide the filters");
    require(a, y->shape[0] == job.samples && y->shape[3] == job.filters,
            "the shapes of the arrays do not fit together");
    take_window(a, &job.down, &job.right);
    return job;
}

FALLIBLE_KERNEL(conv2d, conv2d)
FUNCTION(conv2d, 11)
{
    struct array x = input(a, 4), weight = input(a, 4), bias = optional_input(a, 1);
    struct array y = output(a, 4);
    bool relu = flag(a);
    struct conv2d job = take_conv2d(a, &x, &weight, &y);
    job.relu = relu;
    job.x = x.data;
    job.bias = bias.data;
    job.y = y.data;
    REQUIRE_SIZE(a, job.filters, &bias);
    RUN(a, conv2d, job);
}

FALLIBLE_KERNEL(conv2d_backward, conv2d)
FUNCTION(conv2d_backward, 12)
{
    struct array dy = input(a, 4), x = input(a, 4), weight = input(a, 4);
    struct array dx = optional_output(a, 4), dweight = optional_output(a, 4);
    struct array dbias = optional_output(a, 1);
    struct conv2d job = take_conv2d(a, &x, &weight, &dy);
    job.dy = dy.data;
    job.x = x.data;
    job.dx = dx.data;
    job.dweight = dweight.data;
    job.dbias = dbias.data;
    REQUIRE_SIZE(a, x.size, &dx);
    REQUIRE_SIZE(a, weight.size, &dweight);
    REQUIRE_SIZE(a, job.filters, &dbias);
    RUN(a, conv2d_backward, job);
}

/* The image is x or dx, the windows y or dy; the kernel's size and the window come as numbers. */
static struct pool2d take_pool2d(struct arguments *a, const struct array *image,
                                 const struct array *windows)
{
    struct pool2d job = {
        .samples = image->shape[0],
        .channels = image->shape[3],
        .down = {.pixels = image->shape[1], .windows = windows->shape[1]},
        .right = {.pixels = image->shape[2], .windows = windows->shape[2]},
    };
    require(a, windows->shape[0] == job.samples && windows->shape[3] == job.channels,
            "the shapes of the arrays do not fit together");
    job.down.cells = whole_number(a);
    job.right.cells = whole_number(a);
    require(a, job.down.cells > 0 && job.right.cells > 0, "the window has no cells");
    take_window(a, &job.down, &job.right);
    return job;
}

static void set_winners(struct arguments *a, struct pool2d *job, const struct array *winners,
                        const struct array *windows)
{
    ptrdiff_t padded = (job->channels + WINNER_STEP - 1) / WINNER_STEP * WINNER_STEP;
    job->winners = winners->data;
    job->winner_step = padded;
    REQUIRE_SIZE(a, job->samples * windows->shape[1] * windows->shape[2] * padded, winners);
    require(a, !winners->data || job->down.cells * job->right.cells <= 256,
            "a window of more than 256 cells has no numbers for them in one byte");
}

KERNEL(max_pool2d, pool2d)
FUNCTION(max_pool2d, 11)
{
    struct array x = input(a, 4), y = output(a, 4), winners = optional_bytes(a, 4, true);
    struct pool2d job = take_pool2d(a, &x, &y);
    set_winners(a, &job, &winners, &y);
    job.x = x.data;
    job.y = y.data;
    RUN(a, max_pool2d, job);
}

KERNEL(max_pool2d_backward, pool2d)
FUNCTION(max_pool2d_backward, 11)
{
    struct array dy = input(a, 4), winners = input_of(a, 4, 'B'), dx = output(a, 4);
    struct pool2d job = take_pool2d(a, &dx, &dy);
    set_winners(a, &job, &winners, &dy);
    job.dy = dy.data;
    job.dx = dx.data;
    RUN(a, max_pool2d_backward, job);
}

KERNEL(avg_pool2d, pool2d)
FUNCTION(avg_pool2d, 10)
{
    struct array x = input(a, 4), y = output(a, 4);
    struct pool2d job = take_pool2d(a, &x, &y);
    job.x = x.data;
    job.y = y.data;
    RUN(a, avg_pool2d, job);
}

KERNEL(avg_pool2d_backward, pool2d)
FUNCTION(avg_pool2d_backward, 10)
{
    struct array dy = input(a, 4), dx = output(a, 4);
    struct pool2d job = take_pool2d(a, &dx, &dy);
    job.dy = dy.data;
    job.dx = dx.data;
    RUN(a, avg_pool2d_backward, job);
}
