/* Calls of kernels, and recordings of them.
 *
 * A recording holds the calls that one thread made between `start` and `stop`: which kernel, and
 * with which pointers and numbers. `run` makes the same calls again, on the same arrays, which it
 * keeps alive. So a step whose arrays stay where they are takes a single call from Python.
 */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

struct call {
    struct call *next;
    kernel_call *kernel;
    const struct kernels *kernels;
    _Alignas(16) unsigned char job[];
};

struct recording {
    PyObject_HEAD struct call *first, **end;
    PyObject *arrays; /* list of those that the calls use */
    bool faithful;    /* whether all calls can be made again: none had a copied argument */
};

static _Thread_local struct recording *current; /* of this thread; owned */

const struct kernels *kernels_for(const struct arguments *a)
{
    return a->type == 'd' ? level->of_double : level->of_float;
}

/* Add a call to a recording. Returns -1 with an exception set on failure. */
static int add_call(struct recording *r, const struct arguments *a, kernel_call *kernel,
                    const void *job, size_t size)
{
    for (int i = 0; i < a->arrays; i++) {
        if (a->copies[i])
            r->faithful = false;
        if (PyList_Append(r->arrays, a->views[i].obj) < 0)
            return -1;
    }
    struct call *call = malloc(sizeof(struct call) + size);
    if (!call) {
        PyErr_NoMemory();
        return -1;
    }
    call->next = NULL;
    call->kernel = kernel;
    call->kernels = kernels_for(a);
    memcpy(call->job, job, size);
    *r->end = call;
    r->end = &call->next;
    return 0;
}

static void set_no_memory(void)
{
    PyErr_SetString(PyExc_MemoryError, "no memory for the temporary arrays of a kernel");
}

void run_kernel(struct arguments *a, kernel_call *call, const void *job, size_t size)
{
    const struct kernels *kernels = kernels_for(a);
    bool enough;
    if (!a->failed && current && add_call(current, a, call, job, size) < 0)
        a->failed = true;
    if (a->failed)
        return;
    Py_BEGIN_ALLOW_THREADS
    enough = call(kernels, job);
    Py_END_ALLOW_THREADS
    if (!enough) {
        set_no_memory();
        a->failed = true;
    }
}

static void record_into(PyObject *recording)
{
    struct recording *before = current;
    current = (struct recording *)Py_XNewRef(recording);
    Py_XDECREF(before);
}

/* An interrupt may have come before an earlier recording was stopped. */
static PyObject *start(PyObject *self, PyObject *Py_UNUSED(none))
{
    record_into(self);
    Py_RETURN_NONE;
}

static PyObject *stop(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(none))
{
    record_into(NULL);
    Py_RETURN_NONE;
}

static PyObject *run(PyObject *self, PyObject *Py_UNUSED(none))
{
    const struct recording *r = (const struct recording *)self;
    bool enough = true;
    if (!r->faithful) {
        PyErr_SetString(PyExc_RuntimeError, "a recorded call had a copy of its argument");
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    for (const struct call *call = r->first; call && enough; call = call->next)
        enough = call->kernel(call->kernels, call->job);
    Py_END_ALLOW_THREADS
    if (!enough) {
        set_no_memory();
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *is_faithful(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((const struct recording *)self)->faithful);
}

static PyObject *new_recording(PyTypeObject *type, PyObject *Py_UNUSED(args),
                               PyObject *Py_UNUSED(kwargs))
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct recording *r = (struct recording *)allocate(type, 0);
    if (!r)
        return NULL;
    r->end = &r->first;
    r->faithful = true;
    r->arrays = PyList_New(0);
    if (!r->arrays)
        Py_CLEAR(r);
    return (PyObject *)r;
}

static void delete_recording(PyObject *self)
{
    struct recording *r = (struct recording *)self;
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    for (struct call *call = r->first, *next; call; call = next) {
        next = call->next;
        free(call);
    }
    Py_XDECREF(r->arrays);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"start", start, METH_NOARGS, "Record the calls that this thread makes from now on."},
    {"stop", stop, METH_NOARGS, "Stop recording in this thread."},
    {"run", run, METH_NOARGS, "Make the recorded calls again."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"faithful", is_faithful, NULL,
     "False if a call had an argument that was copied, so that it cannot be made again.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot type_slots[] = {
    {Py_tp_new, new_recording},
    {Py_tp_dealloc, delete_recording},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_doc, "The calls of kernels that a thread made, which can be made again."},
    {0, NULL},
};

static PyType_Spec type_spec = {
    .name = "tinynet_native._kernels.Recording",
    .basicsize = sizeof(struct recording),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = type_slots,
};

int add_recording(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &type_spec, NULL);
    int added = PyModule_AddObjectRef(module, "Recording", type);
    Py_XDECREF(type);
    return added;
}
