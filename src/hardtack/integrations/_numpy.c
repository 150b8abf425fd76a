/* NumPy's array data, served by CPython's allocator for buffers, which hardtack.heap counts.
 *
 * NumPy takes array data from a handler that stands in a context variable (NEP 49).  Ours passes every call on
 * to PyMem_*: there the heap that the thread is inside is charged, and blocks find their owner by address,
 * so it knows no heap and holds no state.  An array keeps the handler that made its data.
 *
 * Built without NumPy's headers: what is needed of its C API has stood at the same places since NumPy 1.22. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

/* NumPy's PyDataMem_Handler, version 1: later versions may only add fields behind these. */
typedef struct {
    char name[127];
    uint8_t version;
    struct {
        void *context;
        void *(*malloc)(void *, size_t);
        void *(*calloc)(void *, size_t, size_t);
        void *(*realloc)(void *, void *, size_t);
        void (*free)(void *, void *, size_t);
    } allocator;
} Handler;

enum { FEATURES = 211, SET_HANDLER = 304, GET_HANDLER = 305, DEFAULT_HANDLER = 306 }; /* places in NumPy's table */
#define FEATURES_OF_1_22 0xf

/* The capsule of hardtack.heap._native. */
typedef struct {
    int version;
    int (*set_enter_hook)(void (*)(void));
} HeapApi;

static PyObject *ours;                      /* the capsule with our handler; NULL until install() */
static PyObject **numpys;                   /* NumPy's own */
static PyObject *(*set_handler)(PyObject *);
static PyObject *(*get_handler)(void);

/* The books need the GIL.  NumPy holds it nearly always, but not while it reads numbers from text (fromstring and
 * fromfile grow their array without it), and NEP 49 promises nothing: who comes without it waits for it here. */
#define WITH_GIL(call)                                 \
    do {                                               \
        if (__builtin_expect(PyGILState_Check(), 1)) { \
            call;                                      \
        } else {                                       \
            PyGILState_STATE state = PyGILState_Ensure(); \
            call;                                      \
            PyGILState_Release(state);                 \
        }                                              \
    } while (0)

static void *data_malloc(void *Py_UNUSED(context), size_t n)
{
    void *p;
    WITH_GIL(p = PyMem_Malloc(n));
    return p;
}

static void *data_calloc(void *Py_UNUSED(context), size_t count, size_t size)
{
    void *p;
    WITH_GIL(p = PyMem_Calloc(count, size));
    return p;
}

static void *data_realloc(void *Py_UNUSED(context), void *old, size_t n)
{
    void *p;
    WITH_GIL(p = PyMem_Realloc(old, n));
    return p;
}

static void data_free(void *Py_UNUSED(context), void *p, size_t Py_UNUSED(n))
{
    WITH_GIL(PyMem_Free(p));
}

static Handler handler = {"hardtack", 1, {NULL, data_malloc, data_calloc, data_realloc, data_free}};

/* Put our handler into the current context, if it is NumPy's own that stands there: whoever has set another
 * one needs it.  Returns 0, or -1 with an exception. */
static int set_here(void)
{
    PyObject *now = get_handler();
    int failed = !now;
    if (now == *numpys) {
        PyObject *old = set_handler(ours);
        failed = !old;
        Py_XDECREF(old);
    }
    Py_XDECREF(now);
    return failed ? -1 : 0;
}

/* Called by hardtack.heap, outside every heap, when a thread goes into one. */
static void on_enter(void)
{
    if (set_here())
        PyErr_WriteUnraisable(NULL);
}

PyDoc_STRVAR(install_doc,
"install($module, numpy_api, heap_api, /)\n--\n\n"
"Have every thread that enters a heap take array data from PyMem_*; take the capsules of both.\n"
"\n"
"Raises:\n"
"    ImportError: NumPy is older than 1.22.\n");

static PyObject *install(PyObject *Py_UNUSED(m), PyObject *args)
{
    PyObject *numpy_capsule, *heap_capsule;
    if (!PyArg_ParseTuple(args, "OO", &numpy_capsule, &heap_capsule))
        return NULL;
    void **table = PyCapsule_GetPointer(numpy_capsule, NULL);
    HeapApi *heap = table ? PyCapsule_GetPointer(heap_capsule, "hardtack.heap._native._api") : NULL;
    if (!heap)
        return NULL;
    if (((unsigned (*)(void))table[FEATURES])() < FEATURES_OF_1_22) {
        PyErr_SetString(PyExc_ImportError, "hardtack counts the array data of NumPy 1.22 and later; this one is older");
        return NULL;
    }
    if (!ours) {
        set_handler = (PyObject * (*)(PyObject *)) table[SET_HANDLER];
        get_handler = (PyObject * (*)(void)) table[GET_HANDLER];
        numpys = (PyObject **)table[DEFAULT_HANDLER];
        if (!(ours = PyCapsule_New(&handler, "mem_handler", NULL)))
            return NULL;
    }
    if (set_here())
        return NULL;
    if (heap->set_enter_hook(on_enter)) {
        PyErr_SetString(PyExc_RuntimeError, "another integration has the hook that is called when a thread enters a heap");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"install", install, METH_VARARGS, install_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "hardtack.integrations._numpy", "See hardtack.integrations.numpy.", 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__numpy(void) { return PyModuleDef_Init(&definition); }
