/* Helpers for the functions of the Python module. Each function takes its arguments, checks that
 * their shapes fit together, and calls a kernel of the level in use without the interpreter lock.
 * Gradients are computed for the outputs that are not None. */
#ifndef TINYNET_NATIVE_CALLS_H
#define TINYNET_NATIVE_CALLS_H

#include "arguments.h"
#include "kernels.h"

struct level {
    const char *name;
    const struct kernels *of_float, *of_double;
};

extern const struct level *level; /* in use */

/* Run CALL without the interpreter lock unless an argument was wrong. It may use `kernels`. */
#define RUN(ARGUMENTS, CALL)                                                                       \
    do {                                                                                           \
        if (!(ARGUMENTS)->failed) {                                                                \
            const struct kernels *kernels =                                                        \
                (ARGUMENTS)->type == 'd' ? level->of_double : level->of_float;                     \
            Py_BEGIN_ALLOW_THREADS                                                                 \
            CALL;                                                                                  \
            Py_END_ALLOW_THREADS                                                                   \
        }                                                                                          \
    } while (0)

/* Define a function of the module with EXPECTED arguments; the body after it takes them from a. */
#define FUNCTION(NAME, EXPECTED)                                                                   \
    static void run_##NAME(struct arguments *a);                                                   \
    PyObject *NAME(PyObject *Py_UNUSED(self), PyObject *const *given, Py_ssize_t count)            \
    {                                                                                              \
        struct arguments a;                                                                        \
        begin(&a, given, count, EXPECTED);                                                         \
        run_##NAME(&a);                                                                            \
        return end(&a);                                                                            \
    }                                                                                              \
    static void run_##NAME(struct arguments *a)

/* Set a ValueError unless each array is None or has `size` elements; NULL ends the list. */
void require_size(struct arguments *a, ptrdiff_t size, const struct array *const *arrays);

#define REQUIRE_SIZE(ARGUMENTS, SIZE, ...)                                                         \
    require_size(ARGUMENTS, SIZE, (const struct array *const[]){__VA_ARGS__, NULL})

/* Set a MemoryError unless a kernel had enough memory. */
void require_memory(struct arguments *a, bool enough);

#define EACH_FUNCTION(DO)                                                                          \
    DO(conv2d)                                                                                     \
    DO(conv2d_backward)                                                                            \
    DO(max_pool2d)                                                                                 \
    DO(max_pool2d_backward)                                                                        \
    DO(avg_pool2d)                                                                                 \
    DO(avg_pool2d_backward)                                                                        \
    DO(dense)                                                                                      \
    DO(dense_backward)                                                                             \
    DO(moments)                                                                                    \
    DO(batch_norm)                                                                                 \
    DO(batch_norm_sums)                                                                            \
    DO(batch_norm_backward)                                                                        \
    DO(layer_norm)                                                                                 \
    DO(layer_norm_backward)                                                                        \
    DO(group_norm)                                                                                 \
    DO(group_norm_backward)                                                                        \
    DO(attention)                                                                                  \
    DO(attention_backward)                                                                         \
    DO(rotate)                                                                                     \
    DO(softmax_cross_entropy)                                                                      \
    DO(simple_rnn)                                                                                 \
    DO(simple_rnn_backward)                                                                        \
    DO(gru)                                                                                        \
    DO(gru_backward)                                                                               \
    DO(lstm)                                                                                       \
    DO(lstm_backward)                                                                              \
    DO(relu)                                                                                       \
    DO(gelu)                                                                                       \
    DO(relu_backward)                                                                              \
    DO(dropout)

#define DECLARE(NAME) PyObject *NAME(PyObject *, PyObject *const *, Py_ssize_t);
EACH_FUNCTION(DECLARE)

/* Add a function for the update of each optimizer. Returns -1 with an exception set on failure. */
int add_updates(PyObject *module);

#endif
