/* Parsing of a call's arguments: arrays through the buffer protocol, and numbers.
 *
 * Arguments are taken one after the other. The first error sets a Python exception; after it every
 * argument is taken as empty or 0, so only `end` must check. An input that is not contiguous, or
 * not aligned to its elements, is copied; an output must be both.
 */
#ifndef TINYNET_NATIVE_ARGUMENTS_H
#define TINYNET_NATIVE_ARGUMENTS_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>

enum { MOST_ARRAYS = 18, MOST_AXES = 4 };

struct array {
    void *data; /* NULL for None */
    ptrdiff_t shape[MOST_AXES];
    ptrdiff_t size; /* elements */
};

struct arguments {
    PyObject *const *given;
    Py_ssize_t left;
    bool failed;
    char type; /* of real numbers: 'f', 'd', or 0 before the first array of them */
    int arrays;
    Py_buffer views[MOST_ARRAYS];
    void *copies[MOST_ARRAYS];
};

void begin(struct arguments *a, PyObject *const *given, Py_ssize_t count, Py_ssize_t expected);

/* Release the arrays. Returns None, or NULL if an exception is set. */
PyObject *end(struct arguments *a);

/* Set an exception, unless one is set already. */
void fail(struct arguments *a, PyObject *type, const char *message);

/* Set a ValueError unless `right`. */
void require(struct arguments *a, bool right, const char *message);

/* Arrays of real numbers, all of one type, with `axes` axes; any number of axes if it is 0. */
struct array input(struct arguments *a, int axes);
struct array output(struct arguments *a, int axes);
struct array optional_input(struct arguments *a, int axes);
struct array optional_output(struct arguments *a, int axes);

/* Arrays of another type, a character of the `struct` module. */
struct array input_of(struct arguments *a, int axes, char type);
struct array optional_input_of(struct arguments *a, int axes, char type);
struct array optional_bytes(struct arguments *a, int axes, bool writable);

ptrdiff_t whole_number(struct arguments *a);
double number(struct arguments *a);
bool flag(struct arguments *a);

#endif
