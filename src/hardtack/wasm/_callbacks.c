/* What wasmtime calls: host functions, waits, linear memories.
 *
 * In C for one reason.  An exception that leaves a ctypes callback leaves its return value undefined, and
 * one that comes from outside (a signal handler's, a HeapFull between two bytecodes) strikes at the first
 * bytecode of whatever Python runs next, which is the callback's, before any `try` of it.  Wasmtime would
 * take what is left in the register for a trap, or for the address of a memory.
 *
 * Here every answer is defined: a host function that raises ends its guest; a memory that can't be made or
 * grown is refused; where a memory is and that it is unmapped needs no Python at all.  The first exception
 * is kept, for whoever resumed the guest to raise.
 *
 * Wasmtime may be entered with or without the GIL; a callback that touches an object takes it.  The plain
 * integers of a Callbacks belong to the one thread that runs its engine.
 *
 * Declarations follow wasmtime 50's wasmtime.h. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>
#include <sys/mman.h>

#define PAGE_BYTES ((uint64_t)65536) /* of wasm: a multiple of every host's */

/* -- wasmtime.h */
typedef struct {
    void *env;
    uint8_t *(*get_memory)(void *env, size_t *size, size_t *limit);
    void *(*grow_memory)(void *env, size_t size);
    void (*finalizer)(void *env);
} wasmtime_linear_memory_t;

typedef struct {
    bool (*callback)(void *env);
    void *env;
    void (*finalizer)(void *env);
} wasmtime_async_continuation_t;

typedef void *(*trap_new_t)(const char *message, size_t size);
typedef void *(*error_new_t)(const char *message);

/* -- Callbacks: what the callbacks of one engine share */
typedef struct {
    PyObject_HEAD
    PyObject *new_memory; /* (minimum, reserved, guard) -> HostMemory or None */
    PyObject *error;      /* the first exception that was raised, or NULL */
    trap_new_t trap_new;
    error_new_t error_new;
    char waited; /* a guest began to wait since Python last cleared this */
    char begun;  /* a wait began, and wasmtime has not asked yet whether it is over */
} Callbacks;

/* Keep the exception that is set, unless there is one already. */
static void keep_error(Callbacks *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value && traceback)
        PyException_SetTraceback(value, traceback);
    if (!self->error) {
        self->error = value;
        value = NULL;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

/* -- HostMemory: a linear memory as wasmtime sees it */
typedef struct {
    PyObject_HEAD
    Callbacks *callbacks;
    uint64_t base, size, limit, mapped;
} HostMemory;

static PyTypeObject HostMemory_Type;

static uint8_t *get_memory(void *env, size_t *size, size_t *limit)
{
    HostMemory *self = env;
    *size = self->size;
    *limit = self->limit;
    return (uint8_t *)(uintptr_t)self->base;
}

static void *grow_memory(void *env, size_t size)
{
    HostMemory *self = env;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *answer = PyObject_CallMethod((PyObject *)self, "grow", "n", (Py_ssize_t)size);
    if (!answer)
        keep_error(self->callbacks);
    Py_XDECREF(answer);
    PyGILState_Release(gil);
    return self->size >= size ? NULL : self->callbacks->error_new("out of user memory");
}

static void free_memory(void *env)
{
    HostMemory *self = env;
    if (self->mapped)
        munmap((void *)(uintptr_t)self->base, self->mapped);
    self->mapped = 0;
}

static void *new_memory(void *env, const void *Py_UNUSED(type), size_t minimum, size_t Py_UNUSED(maximum),
                        size_t reserved, size_t guard, wasmtime_linear_memory_t *out)
{
    Callbacks *self = env;
    void *error = NULL;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *memory = PyObject_CallFunction(self->new_memory, "nnn", (Py_ssize_t)minimum, (Py_ssize_t)reserved,
                                             (Py_ssize_t)guard);
    if (memory && memory != Py_None && !PyObject_TypeCheck(memory, &HostMemory_Type))
        PyErr_SetString(PyExc_TypeError, "new_memory must return a HostMemory or None");
    if (PyErr_Occurred())
        keep_error(self);
    /* The caller keeps a memory alive until its store is gone; a reference held here could make a cycle that
     * the collector cannot see through. */
    if (memory && PyObject_TypeCheck(memory, &HostMemory_Type) && Py_REFCNT(memory) > 1) {
        *out = (wasmtime_linear_memory_t){memory, get_memory, grow_memory, free_memory};
    } else {
        error = self->error_new("out of user memory");
    }
    Py_XDECREF(memory);
    PyGILState_Release(gil);
    return error;
}

static int HostMemory_init(HostMemory *self, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    PyObject *callbacks;
    extern PyTypeObject Callbacks_Type_;
    if (!PyArg_ParseTuple(arguments, "O!:HostMemory", &Callbacks_Type_, &callbacks))
        return -1;
    Py_INCREF(callbacks);
    Py_XSETREF(self->callbacks, (Callbacks *)callbacks);
    return 0;
}
