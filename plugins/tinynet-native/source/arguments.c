#include "arguments.h"

#include <stdint.h>
#include <string.h>

void begin(struct arguments *a, PyObject *const *given, Py_ssize_t count, Py_ssize_t expected)
{
    a->given = given;
    a->left = count;
    a->failed = false;
    a->type = 0;
    a->arrays = 0;
    if (count != expected) {
        PyErr_Format(PyExc_TypeError, "takes %zd arguments, not %zd", expected, count);
        a->failed = true;
    }
}

PyObject *end(struct arguments *a)
{
    for (int i = 0; i < a->arrays; i++) {
        PyMem_Free(a->copies[i]);
        PyBuffer_Release(&a->views[i]);
    }
    if (a->failed)
        return NULL;
    Py_RETURN_NONE;
}

void fail(struct arguments *a, PyObject *type, const char *message)
{
    if (!a->failed)
        PyErr_SetString(type, message);
    a->failed = true;
}

void require(struct arguments *a, bool right, const char *message)
{
    if (!right)
        fail(a, PyExc_ValueError, message);
}

static PyObject *next(struct arguments *a)
{
    if (a->failed || a->left == 0) {
        fail(a, PyExc_TypeError, "too few arguments");
        return NULL;
    }
    a->left--;
    return *a->given++;
}

/* The element type of a view, or 0 for one that is not a single native number. */
static char type_of(const Py_buffer *view)
{
    const char *format = view->format ? view->format : "B";
    if (strlen(format) == 2 && strchr("@=^", format[0]))
        format++;
    if (strlen(format) != 1)
        return 0;
    return strchr("lqn", format[0]) && view->itemsize == 8 ? 'q' : format[0];
}

/* A contiguous, aligned copy of what a view shows; NULL with an exception set if there is no
 * memory. */
static void *copy_of(const Py_buffer *view)
{
    void *copy = PyMem_Malloc((size_t)view->len + 1);
    if (!copy)
        return PyErr_NoMemory();
    if (PyBuffer_ToContiguous(copy, view, view->len, 'C') < 0) {
        PyMem_Free(copy);
        return NULL;
    }
    return copy;
}

static struct array take(struct arguments *a, PyObject *object, int axes, char type, bool writable)
{
    struct array array = {0};
    if (a->failed)
        return array;
    Py_buffer *view = &a->views[a->arrays];
    int flags = PyBUF_FORMAT | (writable ? PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS : PyBUF_STRIDES);
    if (PyObject_GetBuffer(object, view, flags) < 0) {
        a->failed = true;
        return array;
    }
    a->copies[a->arrays++] = NULL;

    char found = type_of(view);
    if (type == 0) {
        require(a, found == 'f' || found == 'd', "takes arrays of float32 or of float64");
        type = a->type ? a->type : found;
        a->type = type;
    }
    require(a, found == type, "arrays differ in their dtype");
    require(a, axes == 0 || view->ndim == axes, "an array has the wrong number of axes");
    array.data = view->buf;
    if (a->failed)
        return array;
    if ((uintptr_t)view->buf % (size_t)view->itemsize || !PyBuffer_IsContiguous(view, 'C')) {
        require(a, !writable, "an array to be written is not aligned");
        array.data = a->copies[a->arrays - 1] = a->failed ? NULL : copy_of(view);
        a->failed = array.data == NULL;
    }
    for (int i = 0; i < axes; i++)
        array.shape[i] = view->shape[i];
    array.size = view->len / view->itemsize;
    return array;
}

static struct array take_next(struct arguments *a, int axes, char type, bool writable,
                              bool optional)
{
    PyObject *object = next(a);
    if (!object || (optional && object == Py_None))
        return (struct array){0};
    return take(a, object, axes, type, writable);
}

struct array input(struct arguments *a, int axes) { return take_next(a, axes, 0, false, false); }

struct array output(struct arguments *a, int axes) { return take_next(a, axes, 0, true, false); }

struct array optional_input(struct arguments *a, int axes)
{
    return take_next(a, axes, 0, false, true);
}

struct array optional_output(struct arguments *a, int axes)
{
    return take_next(a, axes, 0, true, true);
}

struct array input_of(struct arguments *a, int axes, char type)
{
    return take_next(a, axes, type, false, false);
}

struct array optional_input_of(struct arguments *a, int axes, char type)
{
    return take_next(a, axes, type, false, true);
}

struct array optional_bytes(struct arguments *a, int axes, bool writable)
{
    return take_next(a, axes, 'B', writable, true);
}

ptrdiff_t whole_number(struct arguments *a)
{
    PyObject *object = next(a);
    Py_ssize_t value = object ? PyNumber_AsSsize_t(object, PyExc_OverflowError) : 0;
    a->failed = a->failed || (value == -1 && PyErr_Occurred());
    return value;
}

double number(struct arguments *a)
{
    PyObject *object = next(a);
    double value = object ? PyFloat_AsDouble(object) : 0;
    a->failed = a->failed || (value == -1 && PyErr_Occurred());
    return value;
}

bool flag(struct arguments *a) { return whole_number(a) != 0; }
