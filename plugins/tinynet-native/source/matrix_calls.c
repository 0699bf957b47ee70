/* Dense layers, normalization and cross-entropy. */
#include "calls.h"

KERNEL(dense, dense)
FUNCTION(dense, 5)
{
    struct array x = input(a, 2), weight = input(a, 2), bias = optional_input(a, 1);
    struct array y = output(a, 2);
    struct dense job = {
        .rows = x.shape[0],
        .inputs = x.shape[1],
        .units = weight.shape[1],
        .x = x.data,
        .weight = weight.data,
        .bias = bias.data,
        .y = y.data,
        .relu = flag(a),
    };
    require(a, job.inputs > 0 && job.units > 0, "the weight is empty");
    require(a, weight.shape[0] == job.inputs && y.shape[0] == job.rows && y.shape[1] == job.units,
            "the shapes of the arrays do not fit together");
    REQUIRE_SIZE(a, job.units, &bias);
    RUN(a, dense, job);
}

KERNEL(dense_backward, dense)
FUNCTION(dense_backward, 6)
{
    struct array dy = input(a, 2), x = input(a, 2), weight = input(a, 2);
    struct array dx = optional_output(a, 2), dweight = optional_output(a, 2);
    struct array dbias = optional_output(a, 1);
    struct dense job = {
        .rows = x.shape[0],
        .inputs = x.shape[1],
        .units = weight.shape[1],
        .x = x.data,
        .weight = weight.data,
        .dy = dy.data,
        .dx = dx.data,
        .dweight = dweight.data,
        .dbias = dbias.data,
    };
    require(a, job.inputs > 0 && job.units > 0, "the weight is empty");
    require(a, weight.shape[0] == job.inputs && dy.shape[0] == job.rows && dy.shape[1] == job.units,
            "the shapes of the arrays do not fit together");
    REQUIRE_SIZE(a, x.size, &dx);
    REQUIRE_SIZE(a, weight.size, &dweight);
    REQUIRE_SIZE(a, job.units, &dbias);
    RUN(a, dense_backward, job);
}

/* Rows of x, which has any number of axes, are as long as `channels`. */
static struct norm take_norm(struct arguments *a, const struct array *x, ptrdiff_t channels)
{
    require(a, channels > 0 && x->size % channels == 0,
            "the shapes of the arrays do not fit together");
    return (struct norm){
        .rows = a->failed ? 0 : x->size / channels,
        .channels = channels,
        .x = x->data,
    };
}

FALLIBLE_KERNEL(moments, norm)
FUNCTION(moments, 3)
{
    struct array x = input(a, 0), mean = output(a, 1), squares = output(a, 1);
    struct norm job = take_norm(a, &x, mean.size);
    job.mean = mean.data;
    job.squares = squares.data;
    REQUIRE_SIZE(a, job.channels, &squares);
    RUN(a, moments, job);
}

KERNEL(batch_norm, norm)
FUNCTION(batch_norm, 9)
{
    struct array x = input(a, 0), mean = input(a, 1), variance = input(a, 1);
    struct array gamma = optional_input(a, 1), beta = optional_input(a, 1);
    struct array inverse = output(a, 1), y = output(a, 0);
    struct norm job = take_norm(a, &x, mean.size);
    job.mean = mean.data;
    job.variance = variance.data;
    job.gamma = gamma.data;
    job.beta = beta.data;
    job.inverse = inverse.data;
    job.y = y.data;
    job.epsilon = number(a);
    job.relu = flag(a);
    REQUIRE_SIZE(a, job.channels, &variance, &gamma, &beta, &inverse);
    REQUIRE_SIZE(a, x.size, &y);
    RUN(a, batch_norm, job);
}

FALLIBLE_KERNEL(batch_norm_sums, norm)
FUNCTION(batch_norm_sums, 9)
{
    struct array dy = input(a, 0), x = input(a, 0), mean = input(a, 1), inverse = input(a, 1);
    struct array gamma = optional_input(a, 1), beta = optional_input(a, 1);
    struct array dgamma = output(a, 1), dbeta = output(a, 1);
    struct norm job = take_norm(a, &x, mean.size);
    job.dy = dy.data;
    job.mean = mean.data;
    job.inverse = inverse.data;
    job.gamma = gamma.data;
    job.beta = beta.data;
    job.dgamma = dgamma.data;
    job.dbeta = dbeta.data;
    job.relu = flag(a);
    REQUIRE_SIZE(a, x.size, &dy);
    REQUIRE_SIZE(a, job.channels, &inverse, &gamma, &beta, &dgamma, &dbeta);
    RUN(a, batch_norm_sums, job);
}

KERNEL(batch_norm_backward, norm)
FUNCTION(batch_norm_backward, 10)
{
    struct array dy = input(a, 0), x = input(a, 0), mean = input(a, 1), inverse = input(a, 1);
    struct array gamma = optional_input(a, 1), beta = optional_input(a, 1);
    struct array product_mean = optional_input(a, 1);
    struct array dy_mean = optional_input(a, 1), dx = output(a, 0);
    struct norm job = take_norm(a, &x, mean.size);
    job.dy = dy.data;
    job.mean = mean.data;
    job.inverse = inverse.data;
    job.gamma = gamma.data;
    job.beta = beta.data;
    job.product_mean = product_mean.data;
    job.dy_mean = dy_mean.data;
    job.dx = dx.data;
    job.relu = flag(a);
    require(a, !product_mean.data == !dy_mean.data, "one of two means is missing");
    REQUIRE_SIZE(a, x.size, &dy, &dx);
    REQUIRE_SIZE(a, job.channels, &inverse, &gamma, &beta, &product_mean, &dy_mean);
    RUN(a, batch_norm_backward, job);
}

KERNEL(layer_norm, norm)
FUNCTION(layer_norm, 8)
{
    ptrdiff_t channels = whole_number(a);
    struct array x = input(a, 0), gamma = optional_input(a, 1), beta = optional_input(a, 1);
    struct array mean = optional_output(a, 0), inverse = output(a, 0), y = output(a, 0);
    struct norm job = take_norm(a, &x, channels);
    job.gamma = gamma.data;
    job.beta = beta.data;
    job.mean = mean.data;
    job.inverse = inverse.data;
    job.y = y.data;
    job.epsilon = number(a);
    REQUIRE_SIZE(a, channels, &gamma, &beta);
    REQUIRE_SIZE(a, job.rows, &mean, &inverse);
    REQUIRE_SIZE(a, x.size, &y);
    RUN(a, layer_norm, job);
}

KERNEL(layer_norm_backward, norm)
FUNCTION(layer_norm_backward, 9)
{
    ptrdiff_t channels = whole_number(a);
    struct array dy = input(a, 0), x = input(a, 0), gamma = optional_input(a, 1);
    struct array mean = optional_input(a, 0), inverse = input(a, 0), dx = optional_output(a, 0);
    struct array dgamma = optional_output(a, 1), dbeta = optional_output(a, 1);
    struct norm job = take_norm(a, &x, channels);
    job.dy = dy.data;
    job.gamma = gamma.data;
    job.mean = mean.data;
    job.inverse = inverse.data;
    job.dx = dx.data;
    job.dgamma = dgamma.data;
    job.dbeta = dbeta.data;
    REQUIRE_SIZE(a, x.size, &dy, &dx);
    REQUIRE_SIZE(a, channels, &gamma, &dgamma, &dbeta);
    REQUIRE_SIZE(a, job.rows, &mean, &inverse);
    RUN(a, layer_norm_backward, job);
}

/* Samples x, (N, ..., C), of which `groups` divides the channels. */
static struct group_norm take_group_norm(struct arguments *a, const struct array *x,
                                         ptrdiff_t samples, ptrdiff_t channels, ptrdiff_t groups)
{
    require(a, groups > 0 && channels > 0 && channels % groups == 0,
            "the number of groups does not divide the channels");
    require(a, samples >= 0 && (samples ? x->size % (samples * channels) == 0 : x->size == 0),
            "the shapes of the arrays do not fit together");
    return (struct group_norm){
        .samples = samples,
        .positions = a->failed || !samples ? 0 : x->size / (samples * channels),
        .channels = channels,
        .groups = groups,
        .x = x->data,
    };
}

KERNEL(group_norm, group_norm)
FUNCTION(group_norm, 9)
{
    ptrdiff_t groups = whole_number(a);
    struct array x = input(a, 0), gamma = optional_input(a, 1), beta = optional_input(a, 1);
    struct array mean = output(a, 2), inverse = output(a, 2), y = output(a, 0);
    struct group_norm job = take_group_norm(a, &x, mean.shape[0], mean.shape[1], groups);
    job.gamma = gamma.data;
    job.beta = beta.data;
    job.mean = mean.data;
    job.inverse = inverse.data;
    job.y = y.data;
    job.epsilon = number(a);
    job.relu = flag(a);
    REQUIRE_SIZE(a, job.channels, &gamma, &beta);
    REQUIRE_SIZE(a, mean.size, &inverse);
    REQUIRE_SIZE(a, x.size, &y);
    RUN(a, group_norm, job);
}

KERNEL(group_norm_backward, group_norm)
FUNCTION(group_norm_backward, 15)
{
    ptrdiff_t groups = whole_number(a);
    struct array dy = input(a, 0), x = input(a, 0);
    struct array gamma = optional_input(a, 1), beta = optional_input(a, 1);
    struct array mean = input(a, 2), inverse = input(a, 2), dx = optional_output(a, 0);
    struct array dgamma = optional_output(a, 1), dbeta = optional_output(a, 1);
    struct array sums = output(a, 2), products = output(a, 2);
    struct array offset = output(a, 2), slope = output(a, 2);
    struct group_norm job = take_group_norm(a, &x, mean.shape[0], mean.shape[1], groups);
    job.relu = flag(a);
    job.dy = dy.data;
    job.gamma = gamma.data;
    job.beta = beta.data;
    job.mean = mean.data;
    job.inverse = inverse.data;
    job.dx = dx.data;
    job.dgamma = dgamma.data;
    job.dbeta = dbeta.data;
    job.sums = sums.data;
    job.products = products.data;
    job.offset = offset.data;
    job.slope = slope.data;
    REQUIRE_SIZE(a, x.size, &dy, &dx);
    REQUIRE_SIZE(a, job.channels, &gamma, &beta, &dgamma, &dbeta);
    REQUIRE_SIZE(a, mean.size, &inverse, &sums, &products, &offset, &slope);
    RUN(a, group_norm_backward, job);
}

KERNEL(softmax_cross_entropy, cross_entropy)
FUNCTION(softmax_cross_entropy, 5)
{
    struct array logits = input(a, 2), labels = input_of(a, 1, 'q');
    struct array losses = output(a, 1), gradient = output(a, 2);
    struct cross_entropy job = {
        .rows = logits.shape[0],
        .classes = logits.shape[1],
        .label_smoothing = number(a),
        .logits = logits.data,
        .labels = labels.data,
        .losses = losses.data,
        .gradient = gradient.data,
    };
    REQUIRE_SIZE(a, job.rows, &labels, &losses);
    REQUIRE_SIZE(a, logits.size, &gradient);
    for (ptrdiff_t r = 0; r < job.rows && !a->failed; r++)
        if (job.labels[r] < 0 || job.labels[r] >= job.classes)
            fail(a, PyExc_IndexError, "a label is not below the number of classes");
    RUN(a, softmax_cross_entropy, job);
}
