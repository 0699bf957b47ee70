/* The Python module: its functions, and the level of dispatch that they use. */
#include "calls.h"
#include "thread_pool.h"

#include <string.h>

static const struct level LEVELS[] = {
#ifdef HAS_X86_LEVELS
    {"avx512", &avx512_float, &avx512_double},
    {"avx2", &avx2_float, &avx2_double},
#endif
    {"baseline", &baseline_float, &baseline_double},
};
enum { LEVEL_COUNT = sizeof(LEVELS) / sizeof(LEVELS[0]) };

const struct level *level;

static bool runs_here(const struct level *l)
{
#ifdef HAS_X86_LEVELS
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (strcmp(l->name, "avx2") == 0)
        return avx2;
    if (strcmp(l->name, "avx512") == 0)
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
               && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#endif
    (void)l;
    return true;
}

void require_size(struct arguments *a, ptrdiff_t size, const struct array *const *arrays)
{
    for (; *arrays; arrays++)
        require(a, !(*arrays)->data || (*arrays)->size == size,
                "the shapes of the arrays do not fit together");
}

static PyObject *level_name(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(none))
{
    return PyUnicode_FromString(level->name);
}

static PyObject *levels(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(none))
{
    PyObject *names = PyList_New(0);
    for (int i = 0; names && i < LEVEL_COUNT; i++) {
        PyObject *name = runs_here(&LEVELS[i]) ? PyUnicode_FromString(LEVELS[i].name) : NULL;
        if (name && PyList_Append(names, name) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *use_level(PyObject *Py_UNUSED(self), PyObject *name)
{
    for (int i = 0; i < LEVEL_COUNT; i++) {
        PyObject *known = PyUnicode_FromString(LEVELS[i].name);
        int same = known ? PyObject_RichCompareBool(known, name, Py_EQ) : -1;
        Py_XDECREF(known);
        if (same < 0)
            return NULL;
        if (same && runs_here(&LEVELS[i])) {
            level = &LEVELS[i];
            Py_RETURN_NONE;
        }
    }
    return PyErr_Format(PyExc_ValueError, "this machine has no level %R", name);
}

static PyObject *use_threads_here(PyObject *Py_UNUSED(self), PyObject *count)
{
    Py_ssize_t threads = PyNumber_AsSsize_t(count, NULL);
    if (threads == -1 && PyErr_Occurred())
        return NULL;
    if (threads < 1)
        return PyErr_Format(PyExc_ValueError, "a call needs at least one thread, not %zd", threads);
    return PyLong_FromLong(use_threads(threads < INT_MAX ? (int)threads : INT_MAX));
}

static PyObject *threads_in_use_here(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(nothing))
{
    return PyLong_FromLong(threads_in_use());
}

#define METHOD(NAME) {#NAME, (PyCFunction)(void (*)(void))NAME, METH_FASTCALL, NULL},

static PyMethodDef methods[] = {
    {"level", level_name, METH_NOARGS, "The level of dispatch in use."},
    {"levels", levels, METH_NOARGS, "The levels that this machine has, best first."},
    {"use_level", use_level, METH_O, "Use another level, in every thread: for tests."},
    {"threads_in_use", threads_in_use_here, METH_NOARGS,
     "The number of threads that calls from this thread may use."},
    {"use_threads", use_threads_here, METH_O,
     "Let calls from this thread use so many threads; the number before."},
    EACH_FUNCTION(METHOD){NULL, NULL, 0, NULL},
};

static int prepare(PyObject *module)
{
    level = &LEVELS[0];
    while (!runs_here(level))
        level++;
    return add_updates(module) < 0 ? -1 : add_recording(module);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, prepare},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_kernels",
    .m_doc = "The kernels, on arrays that the caller provides.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModuleDef_Init(&definition); }
