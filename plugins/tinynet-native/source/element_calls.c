/* Kernels that compute every element by itself, and updates of optimizers. */
#include "calls.h"

KERNEL(relu, elementwise)
FUNCTION(relu, 2)
{
    struct array x = input(a, 0), y = output(a, 0);
    struct elementwise job = {.count = x.size, .x = x.data, .y = y.data};
    REQUIRE_SIZE(a, x.size, &y);
    RUN(a, relu, job);
}

KERNEL(relu_backward, elementwise)
FUNCTION(relu_backward, 3)
{
    struct array dy = input(a, 0), y = input(a, 0), dx = output(a, 0);
    struct elementwise job = {.count = y.size, .dy = dy.data, .x = y.data, .dx = dx.data};
    REQUIRE_SIZE(a, y.size, &dy, &dx);
    RUN(a, relu_backward, job);
}

KERNEL(add, elementwise)
FUNCTION(add, 3)
{
    struct array x = input(a, 0), term = input(a, 0), y = output(a, 0);
    struct elementwise job = {.count = x.size, .x = x.data, .dy = term.data, .y = y.data};
    REQUIRE_SIZE(a, x.size, &term, &y);
    RUN(a, add, job);
}

KERNEL(multiply, elementwise)
FUNCTION(multiply, 3)
{
    struct array x = input(a, 0), factor = input(a, 0), y = output(a, 0);
    struct elementwise job = {.count = x.size, .x = x.data, .dy = factor.data, .y = y.data};
    REQUIRE_SIZE(a, x.size, &factor, &y);
    RUN(a, multiply, job);
}

KERNEL(scale, elementwise)
FUNCTION(scale, 3)
{
    struct array x = input(a, 0), y = output(a, 0);
    struct elementwise job = {.count = x.size, .rate = number(a), .x = x.data, .y = y.data};
    REQUIRE_SIZE(a, x.size, &y);
    RUN(a, scale, job);
}

KERNEL(divide, elementwise)
FUNCTION(divide, 3)
{
    struct array x = input(a, 0), y = output(a, 0);
    struct elementwise job = {.count = x.size, .rate = number(a), .x = x.data, .y = y.data};
    REQUIRE_SIZE(a, x.size, &y);
    RUN(a, divide, job);
}

KERNEL(gelu, elementwise)
FUNCTION(gelu, 4)
{
    struct array x = input(a, 0), y = output(a, 0), slope = optional_output(a, 0);
    struct elementwise job = {
        .count = x.size,
        .x = x.data,
        .y = y.data,
        .dx = slope.data,
        .approximate = flag(a),
    };
    REQUIRE_SIZE(a, x.size, &y, &slope);
    RUN(a, gelu, job);
}

KERNEL(dropout, elementwise)
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
    RUN(a, dropout, job);
}

KERNEL(update, update)

/* Update one parameter by the optimizer whose number in the table is `self`. */
static PyObject *update_one(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    struct arguments a;
    ptrdiff_t index = PyLong_AsSsize_t(self);
    const struct optimizer *optimizer = &level->of_float->optimizers[index];
    begin(&a, given, count, 2 + optimizer->slots + optimizer->numbers);
    struct array param = output(&a, 0), grad = input(&a, 0);
    struct update job = {.count = param.size, .param = param.data, .grad = grad.data};
    REQUIRE_SIZE(&a, param.size, &grad);
    for (int i = 0; i < optimizer->slots; i++) {
        bool needed = i < optimizer->needed_slots;
        struct array slot = needed ? output(&a, 0) : optional_output(&a, 0);
        REQUIRE_SIZE(&a, param.size, &slot);
        job.slots[i] = slot.data;
    }
    for (int i = 0; i < optimizer->numbers; i++)
        job.numbers[i] = number(&a);
    job.optimizer = &kernels_for(&a)->optimizers[index];
    RUN(&a, update, job);
    return end(&a);
}

/* Update several parameters: an argument that is a list has an item for each. */
static PyObject *update_each(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    PyObject *own[2 + MOST_SLOTS + MOST_NUMBERS];
    if (count > (Py_ssize_t)(sizeof(own) / sizeof(own[0])))
        return PyErr_Format(PyExc_TypeError, "takes fewer than %zd arguments", count);
    for (Py_ssize_t i = 0; i < PyList_Size(given[0]); i++) {
        for (Py_ssize_t j = 0; j < count; j++) {
            own[j] = PyList_Check(given[j]) ? PyList_GetItem(given[j], i) : given[j];
            if (!own[j])
                return NULL;
        }
        PyObject *done = update_one(self, own, count);
        if (!done)
            return NULL;
        Py_DECREF(done);
    }
    Py_RETURN_NONE;
}

static PyObject *update(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    bool several = count > 0 && PyList_Check(given[0]);
    return several ? update_each(self, given, count) : update_one(self, given, count);
}

int add_updates(PyObject *module)
{
    static PyMethodDef methods[MOST_OPTIMIZERS];
    const struct optimizer *optimizers = level->of_float->optimizers;
    for (int i = 0; optimizers[i].name; i++) {
        PyCFunction function = (PyCFunction)(void (*)(void))update;
        methods[i] = (PyMethodDef){optimizers[i].name, function, METH_FASTCALL, NULL};
        PyObject *number = PyLong_FromLong(i);
        PyObject *method = number ? PyCFunction_New(&methods[i], number) : NULL;
        int added = PyModule_AddObjectRef(module, optimizers[i].name, method);
        Py_XDECREF(number);
        Py_XDECREF(method);
        if (added < 0)
            return -1;
    }
    return 0;
}
