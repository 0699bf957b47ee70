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

/* A kernel of a table, called with any job; false if it had too little memory. */
typedef bool kernel_call(const struct kernels *, const void *job);

/* Define `call_NAME` for a kernel whose job is a `struct JOB`. */
#define KERNEL(NAME, JOB)                                                                          \
    static bool call_##NAME(const struct kernels *kernels, const void *job)                        \
    {                                                                                              \
        kernels->NAME((const struct JOB *)job);                                                    \
        return true;                                                                               \
    }

/* The same for a kernel that may need memory. */
#define FALLIBLE_KERNEL(NAME, JOB)                                                                 \
    static bool call_##NAME(const struct kernels *kernels, const void *job)                        \
    {                                                                                              \
        return kernels->NAME((const struct JOB *)job);                                             \
    }

/* The table for the type of the arrays. */
const struct kernels *kernels_for(const struct arguments *a);

/* Call a kernel without the interpreter lock, unless an argument was wrong, and record the call if
 * this thread records. Sets a MemoryError if the kernel had too little memory. */
void run_kernel(struct arguments *a, kernel_call *call, const void *job, size_t size);

#define RUN(ARGUMENTS, NAME, JOB) run_kernel(ARGUMENTS, call_##NAME, &(JOB), sizeof(JOB))

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
    DO(add)                                                                                        \
    DO(multiply)                                                                                   \
    DO(scale)                                                                                      \
    DO(divide)                                                                                     \
    DO(dropout)                                                                                    \
    DO(uniform)

#define DECLARE(NAME) PyObject *NAME(PyObject *, PyObject *const *, Py_ssize_t);
EACH_FUNCTION(DECLARE)

/* Add the type `Recording`. Returns -1 with an exception set on failure. */
int add_recording(PyObject *module);

/* Add a function for the update of each optimizer. Returns -1 with an exception set on failure. */
int add_updates(PyObject *module);

#endif
