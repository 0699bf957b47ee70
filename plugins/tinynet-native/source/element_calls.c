/* Kernels that treat every element by itself. */
#include "calls.h"

FUNCTION(relu, 2)
{
    struct array x = input(a, 0), y = output(a, 0);
    struct elementwise job = {.count = x.size, .x = x.data, .y = y.data};
    REQUIRE_SIZE(a, x.size, &y);
    RUN(a, kernels->relu(&job));
}

FUNCTION(relu_backward, 3)
{
    struct array dy = input(a, 0), y = input(a, 0), dx = output(a, 0);
    struct elementwise job = {.count = y.size, .dy = dy.data, .x = y.data, .dx = dx.data};
    REQUIRE_SIZE(a, y.size, &dy, &dx);
    RUN(a, kernels->relu_backward(&job));
}

FUNCTION(dropout, 5)
{
    struct array x = input(a, 0), uniform = input_of(a, 0, 'f');
    struct array y = output(a, 0), mask = output(a, 0);
    struct elementwise job = {
        .count = x.size,
        .rate = number(a),
        .x = x.data,
        .uniform = uniform.data,
        .y = y.data,
        .mask = mask.data,
    };
    REQUIRE_SIZE(a, x.size, &uniform, &y, &mask);
    RUN(a, kernels->dropout(&job));
}

FUNCTION(adam, 11)
{
    struct array param = output(a, 0), grad = input(a, 0);
    struct array first = output(a, 0), second = output(a, 0);
    struct optimizer job = {
        .count = param.size,
        .param = param.data,
        .grad = grad.data,
        .first = first.data,
        .second = second.data,
    };
    job.beta_1 = number(a);
    job.beta_2 = number(a);
    job.epsilon = number(a);
    job.weight_decay = number(a);
    job.decoupled = flag(a);
    job.step = number(a);
    job.rate = number(a);
    REQUIRE_SIZE(a, param.size, &grad, &first, &second);
    RUN(a, kernels->adam(&job));
}

FUNCTION(sgd, 7)
{
    struct array param = output(a, 0), grad = input(a, 0), velocity = optional_output(a, 0);
    struct optimizer job = {
        .count = param.size,
        .param = param.data,
        .grad = grad.data,
        .velocity = velocity.data,
    };
    job.momentum = number(a);
    job.nesterov = flag(a);
    job.weight_decay = number(a);
    job.rate = number(a);
    REQUIRE_SIZE(a, param.size, &grad, &velocity);
    RUN(a, kernels->sgd(&job));
}

FUNCTION(rmsprop, 10)
{
    struct array param = output(a, 0), grad = input(a, 0), mean_square = output(a, 0);
    struct array mean = optional_output(a, 0), velocity = optional_output(a, 0);
    struct optimizer job = {
        .count = param.size,
        .param = param.data,
        .grad = grad.data,
        .mean_square = mean_square.data,
        .mean = mean.data,
        .velocity = velocity.data,
    };
    job.rho = number(a);
    job.momentum = number(a);
    job.epsilon = number(a);
    job.weight_decay = number(a);
    job.rate = number(a);
    REQUIRE_SIZE(a, param.size, &grad, &mean_square, &mean, &velocity);
    RUN(a, kernels->rmsprop(&job));
}
