/* What wasmtime calls: host functions, waits, linear memories; and the way from there to a system call.
 *
 * The last, Entry, is in C because it is quicker.  The others are for one reason.  An exception that leaves a ctypes callback leaves its return value undefined, and
 * one that comes from outside (a signal handler's, a HeapFull between two bytecodes) strikes at the first
 * bytecode of whatever Python runs next: the callback's, before any `try` of its own.  Wasmtime would take
 * what is left in the register for a trap, or for the address of a memory.
 *
 * Here every answer is defined: a host function that raises ends its guest; a memory that cannot be made or
 * grown is refused; where a memory is, and that it is unmapped, needs no Python.  The first exception is kept
 * in the Callbacks, for whoever resumed the guest to raise.
 *
 * Wasmtime may be entered with the GIL or without; a callback that touches an object takes it.  The flags of
 * a Callbacks belong to the one thread that runs its engine.
 *
 * Wasmtime holds plain addresses of the objects here: an engine keeps its Callbacks and HostFunctions, a guest
 * its HostMemories, until what refers to them is deleted.  (A counted reference would make cycles that the
 * collector cannot see through.)
 *
 * The declarations of wasmtime's are those of version 50's wasmtime.h. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>
#include <sys/mman.h>

#define PAGE_BYTES ((uint64_t)65536) /* a page of wasm: a multiple of the host's */

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

typedef void *new_trap_t(const char *message, size_t size);
typedef void *new_error_t(const char *message);

static PyTypeObject Callbacks_Type, HostFunction_Type, Entry_Type, HostMemory_Type;

/* -- Callbacks: what the callbacks of one engine share */
typedef struct {
    PyObject_HEAD
    PyObject *new_memory; /* (minimum, reserved, guard) -> HostMemory or None */
    PyObject *error;      /* the first exception that was raised, or NULL */
    new_trap_t *new_trap;
    new_error_t *new_error;
    char waited; /* a guest began to wait since Python last cleared this */
    char begun;  /* a wait began, and wasmtime has not yet asked whether it is over */
} Callbacks;

/* Return the exception that is set, and set it no longer. */
static PyObject *take_raised(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* Keep the exception that is set; of several, the first. */
static void keep_error(Callbacks *self)
{
    PyObject *value = take_raised();
    if (self->error)
        Py_XDECREF(value);
    else
        self->error = value;
}

static PyObject *Callbacks_take_error(Callbacks *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *error = self->error;
    self->error = NULL;
    return error ? error : Py_NewRef(Py_None);
}

/* A wait: wasmtime asks right away whether it is over, and then at each poll.  Nobody polls a guest that is not
 * to go on, and nothing else runs between a wait's begin and the first question: one flag an engine is enough. */
static bool wait_is_over(void *env)
{
    Callbacks *self = env;
    bool first = self->begun;
    self->begun = 0;
    return !first;
}

static void begin_wait(void *env, void *Py_UNUSED(caller), const void *Py_UNUSED(arguments), size_t Py_UNUSED(count),
                       void *Py_UNUSED(results), size_t Py_UNUSED(expected), void **Py_UNUSED(trap),
                       wasmtime_async_continuation_t *continuation)
{
    Callbacks *self = env;
    self->waited = self->begun = 1;
    *continuation = (wasmtime_async_continuation_t){wait_is_over, env, NULL};
}

static void do_nothing(void *Py_UNUSED(env)) {}

/* -- HostFunction: a Python function that guests call */
static PyObject *no_trap; /* CPython's one 0, which nearly every answer is */

typedef struct {
    PyObject_HEAD
    PyObject *function; /* () -> 0, or the address of a trap */
    Callbacks *callbacks;
} HostFunction;

static void *call_host_function(void *env, void *Py_UNUSED(caller), void *Py_UNUSED(arguments), size_t Py_UNUSED(count))
{
    HostFunction *self = env;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *answer = PyObject_CallNoArgs(self->function);
    void *trap = answer && answer != no_trap ? PyLong_AsVoidPtr(answer) : NULL;
    Py_XDECREF(answer);
    if (answer != no_trap && PyErr_Occurred()) {
        keep_error(self->callbacks);
        trap = self->callbacks->new_trap("interrupted", 11);
    }
    PyGILState_Release(gil);
    return trap;
}

/* -- Entry: the function of a system call that has to be let in
 *
 * What border.compile_entry writes in Python, as far as all goes well: fetch the arguments, call admit, give the
 * answer. For everything else it calls `rest`, which is that in Python. */
#define MOST_ARGUMENTS 16
#define RESULT 16 /* the slot of the answer: imports.RESULT */

typedef struct {
    PyObject_HEAD
    PyObject *system, *maximum, *handler; /* handler(process, *arguments) -> errno */
    PyObject *rest;                       /* (NotImplemented, or an exception) -> 0, or the address of a trap */
    PyObject *page;                       /* whose bytes they are; an export of it would be in the collector's way */
    uint64_t *slots;
    Py_ssize_t count; /* of arguments */
    vectorcallfunc call;
} Entry;

/* An attribute, and where objects of the type that was met last keep it; offset 0: in no slot. */
typedef struct {
    PyObject *name;
    PyTypeObject *type;
    Py_ssize_t offset;
} Attribute;

static Attribute current_of, admit_of, heap_of;

static void find_slot(Attribute *self, PyTypeObject *type)
{
    PyObject *found = PyObject_GetAttr((PyObject *)type, self->name);
    if (!found)
        PyErr_Clear();
    bool is_slot = found && Py_IS_TYPE(found, &PyMemberDescr_Type) &&
                   ((PyMemberDescrObject *)found)->d_member->type == T_OBJECT_EX;
    self->offset = is_slot ? ((PyMemberDescrObject *)found)->d_member->offset : 0;
    Py_XSETREF(self->type, (PyTypeObject *)Py_NewRef(type));
    Py_XDECREF(found);
}

static inline PyObject *get(Attribute *self, PyObject *object)
{
    if (Py_TYPE(object) != self->type)
        find_slot(self, Py_TYPE(object));
    PyObject *value = self->offset ? *(PyObject **)((char *)object + self->offset) : NULL;
    return value ? Py_NewRef(value) : PyObject_GetAttr(object, self->name);
}

/* Call process.admit(process.heap, maximum, handler, process, *arguments). */
static PyObject *call_admit(Entry *self)
{
    PyObject *stack[5 + MOST_ARGUMENTS], **arguments = stack + 1; /* stack[0] is the callee's to use */
    Py_ssize_t made = 0;
    PyObject *process = get(&current_of, self->system), *answer = NULL;
    PyObject *admit = process ? get(&admit_of, process) : NULL;
    PyObject *heap = admit ? get(&heap_of, process) : NULL;
    while (heap && made < self->count && (arguments[4 + made] = PyLong_FromUnsignedLongLong(self->slots[made])))
        made++;
    if (heap && made == self->count) {
        arguments[0] = heap;
        arguments[1] = self->maximum;
        arguments[2] = self->handler;
        arguments[3] = process;
        answer = PyObject_Vectorcall(admit, arguments, (size_t)(4 + made) | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    while (made)
        Py_DECREF(arguments[4 + --made]);
    Py_XDECREF(heap);
    Py_XDECREF(admit);
    Py_XDECREF(process);
    return answer;
}

static PyObject *Entry_call(PyObject *object, PyObject *const *Py_UNUSED(arguments), size_t Py_UNUSED(count),
                            PyObject *Py_UNUSED(keywords))
{
    Entry *self = (Entry *)object;
    PyObject *answer = call_admit(self);
    if (answer && answer != Py_NotImplemented) {
        uint64_t number = PyLong_AsUnsignedLongLong(answer);
        Py_CLEAR(answer);
        if (number != (uint64_t)-1 || !PyErr_Occurred()) {
            self->slots[RESULT] = number;
            return Py_NewRef(no_trap);
        }
    }
    if (!answer)
        answer = take_raised();
    PyObject *result = answer ? PyObject_CallOneArg(self->rest, answer) : NULL;
    Py_XDECREF(answer);
    return result;
}

/* -- HostMemory: a linear memory, as wasmtime sees it */
typedef struct {
    PyObject_HEAD
    Callbacks *callbacks;
    uint64_t base, size, limit, mapped;
} HostMemory;

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
    PyObject *name = PyUnicode_InternFromString("grow"); /* a name of its own each time would stay in the type cache */
    PyObject *wanted = PyLong_FromSize_t(size);
    PyObject *answer = name && wanted ? PyObject_CallMethodOneArg((PyObject *)self, name, wanted) : NULL;
    Py_XDECREF(wanted);
    Py_XDECREF(name);
    if (!answer)
        keep_error(self->callbacks);
    Py_XDECREF(answer);
    PyGILState_Release(gil);
    return self->size >= size ? NULL : self->callbacks->new_error("out of user memory");
}

static void free_memory(void *env)
{
    HostMemory *self = env;
    if (self->mapped) { /* else its bytes are a buffer's, which serves the next store too */
        munmap((void *)(uintptr_t)self->base, self->mapped);
        self->mapped = self->size = self->limit = self->base = 0;
    }
}

static void *new_memory(void *env, const void *Py_UNUSED(type), size_t minimum, size_t Py_UNUSED(maximum),
                        size_t reserved, size_t guard, wasmtime_linear_memory_t *out)
{
    Callbacks *self = env;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *memory = PyObject_CallFunction(self->new_memory, "nnn", (Py_ssize_t)minimum, (Py_ssize_t)reserved,
                                             (Py_ssize_t)guard);
    bool made = memory && PyObject_TypeCheck(memory, &HostMemory_Type) && ((HostMemory *)memory)->callbacks;
    if (memory && !made && memory != Py_None)
        PyErr_SetString(PyExc_TypeError, "new_memory must return a HostMemory or None");
    if (PyErr_Occurred())
        keep_error(self);
    if (made)
        *out = (wasmtime_linear_memory_t){memory, get_memory, grow_memory, free_memory};
    Py_XDECREF(memory);
    PyGILState_Release(gil);
    return made ? NULL : self->new_error("out of user memory");
}

static PyObject *HostMemory_reserve(HostMemory *self, PyObject *arguments)
{
    unsigned long long limit, guard;
    if (!PyArg_ParseTuple(arguments, "KK:reserve", &limit, &guard))
        return NULL;
    uint64_t mapped = (limit + guard + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    void *base = MAP_FAILED;
    if (!self->base && mapped >= limit)
        base = mmap(NULL, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        Py_RETURN_FALSE;
    self->base = (uintptr_t)base;
    self->limit = limit;
    self->mapped = mapped;
    Py_RETURN_TRUE;
}

static PyObject *HostMemory_extend(HostMemory *self, PyObject *argument)
{
    unsigned long long size = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred())
        return NULL;
    if (size > self->limit)
        Py_RETURN_NONE;
    PyObject *view = PyMemoryView_FromMemory((char *)(uintptr_t)self->base, (Py_ssize_t)size, PyBUF_WRITE);
    if (!view)
        return NULL;
    uint64_t accessible = (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (self->mapped && mprotect((void *)(uintptr_t)self->base, accessible, PROT_READ | PROT_WRITE)) {
        Py_DECREF(view);
        Py_RETURN_NONE;
    }
    self->size = size;
    return view;
}

static PyObject *HostMemory_use(HostMemory *self, PyObject *buffer)
{
    Py_buffer view;
    if (self->base) {
        PyErr_SetString(PyExc_ValueError, "it has bytes already");
        return NULL;
    }
    if (PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE))
        return NULL;
    self->base = (uintptr_t)view.buf;
    self->size = self->limit = (uint64_t)view.len;
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

static PyObject *HostMemory_free(HostMemory *self, PyObject *Py_UNUSED(ignored))
{
    free_memory(self);
    Py_RETURN_NONE;
}

/* -- their Python side */
static int Callbacks_init(Callbacks *self, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    PyObject *maker, *trap, *error;
    if (!PyArg_ParseTuple(arguments, "OOO:Callbacks", &maker, &trap, &error))
        return -1;
    self->new_trap = (new_trap_t *)PyLong_AsVoidPtr(trap);
    self->new_error = (new_error_t *)PyLong_AsVoidPtr(error);
    if (PyErr_Occurred())
        return -1;
    Py_XSETREF(self->new_memory, Py_NewRef(maker));
    return 0;
}

static int Callbacks_traverse(Callbacks *self, visitproc visit, void *arg)
{
    Py_VISIT(self->new_memory);
    Py_VISIT(self->error);
    return 0;
}

static int Callbacks_clear(Callbacks *self)
{
    Py_CLEAR(self->new_memory);
    Py_CLEAR(self->error);
    return 0;
}

static int HostFunction_init(HostFunction *self, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    PyObject *callbacks, *function;
    if (!PyArg_ParseTuple(arguments, "O!O:HostFunction", &Callbacks_Type, &callbacks, &function))
        return -1;
    Py_XSETREF(self->callbacks, (Callbacks *)Py_NewRef(callbacks));
    Py_XSETREF(self->function, Py_NewRef(function));
    return 0;
}

static int HostFunction_traverse(HostFunction *self, visitproc visit, void *arg)
{
    Py_VISIT(self->callbacks);
    Py_VISIT(self->function);
    return 0;
}

static int HostFunction_clear(HostFunction *self)
{
    Py_CLEAR(self->function);
    Py_CLEAR(self->callbacks);
    return 0;
}

static int Entry_init(Entry *self, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    PyObject *system, *page, *maximum, *handler, *rest;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(arguments, "OOnOOO:Entry", &system, &page, &count, &maximum, &handler, &rest))
        return -1;
    Py_buffer view;
    if (self->page || count < 0 || count > MOST_ARGUMENTS) {
        PyErr_SetString(PyExc_ValueError, "an Entry is made once, with at most 16 arguments");
        return -1;
    }
    if (PyObject_GetBuffer(page, &view, PyBUF_WRITABLE))
        return -1;
    self->slots = view.buf;
    Py_ssize_t size = view.len;
    PyBuffer_Release(&view);
    if (size < (RESULT + 1) * (Py_ssize_t)sizeof *self->slots) {
        PyErr_SetString(PyExc_ValueError, "the page has too few slots");
        return -1;
    }
    Py_XSETREF(self->page, Py_NewRef(page));
    self->count = count;
    self->call = Entry_call;
    Py_XSETREF(self->system, Py_NewRef(system));
    Py_XSETREF(self->maximum, Py_NewRef(maximum));
    Py_XSETREF(self->handler, Py_NewRef(handler));
    Py_XSETREF(self->rest, Py_NewRef(rest));
    return 0;
}

static int Entry_traverse(Entry *self, visitproc visit, void *arg)
{
    Py_VISIT(self->system);
    Py_VISIT(self->maximum);
    Py_VISIT(self->handler);
    Py_VISIT(self->rest);
    Py_VISIT(self->page);
    return 0;
}

static int Entry_clear(Entry *self)
{
    self->call = NULL;
    Py_CLEAR(self->system);
    Py_CLEAR(self->maximum);
    Py_CLEAR(self->handler);
    Py_CLEAR(self->rest);
    Py_CLEAR(self->page);
    return 0;
}

static int HostMemory_init(HostMemory *self, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    PyObject *callbacks;
    if (!PyArg_ParseTuple(arguments, "O!:HostMemory", &Callbacks_Type, &callbacks))
        return -1;
    Py_XSETREF(self->callbacks, (Callbacks *)Py_NewRef(callbacks));
    return 0;
}

static int HostMemory_traverse(HostMemory *self, visitproc visit, void *arg)
{
    Py_VISIT(self->callbacks);
    return 0;
}

/* The callbacks stay until the end: wasmtime may free a memory after the collector cleared it. */
static void HostMemory_dealloc(HostMemory *self)
{
    PyObject_GC_UnTrack(self);
    free_memory(self);
    Py_CLEAR(self->callbacks);
    Py_TYPE(self)->tp_free(self);
}

#define DEALLOC(type)                                                                                                  \
    static void type##_dealloc(type *self)                                                                             \
    {                                                                                                                  \
        PyObject_GC_UnTrack(self);                                                                                     \
        type##_clear(self);                                                                                            \
        Py_TYPE(self)->tp_free(self);                                                                                  \
    }
DEALLOC(Callbacks)
DEALLOC(HostFunction)
DEALLOC(Entry)

static PyMemberDef Callbacks_members[] = {
    {"waited", T_BOOL, offsetof(Callbacks, waited), 0, "a guest began to wait since this was last set to False"},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef Callbacks_methods[] = {
    {"take_error", (PyCFunction)Callbacks_take_error, METH_NOARGS,
     "take_error($self, /)\n--\n\nReturn the exception that is kept, and keep it no longer."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef HostMemory_members[] = {
    {"base", T_ULONGLONG, offsetof(HostMemory, base), READONLY, "its address"},
    {"size", T_ULONGLONG, offsetof(HostMemory, size), READONLY, "bytes that are accessible"},
    {"limit", T_ULONGLONG, offsetof(HostMemory, limit), READONLY, "bytes that it can have at most"},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef HostMemory_methods[] = {
    {"reserve", (PyCFunction)HostMemory_reserve, METH_VARARGS,
     "reserve($self, limit, guard, /)\n--\n\nReserve address space, none of it accessible; False if the host refuses."},
    {"extend", (PyCFunction)HostMemory_extend, METH_O,
     "extend($self, size, /)\n--\n\nMake the first size bytes accessible and return a view of them, or None if the host refuses."},
    {"use", (PyCFunction)HostMemory_use, METH_O,
     "use($self, buffer, /)\n--\n\nTake the bytes of a buffer, which must outlive this, instead of reserving any."},
    {"free", (PyCFunction)HostMemory_free, METH_NOARGS, "free($self, /)\n--\n\nUnmap it; a second call does nothing."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Callbacks_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "hardtack.wasm._callbacks.Callbacks",
    .tp_basicsize = sizeof(Callbacks),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Callbacks(new_memory, new_trap, new_error, /)\n--\n\nWhat the callbacks of one engine share.",
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Callbacks_init,
    .tp_traverse = (traverseproc)Callbacks_traverse,
    .tp_clear = (inquiry)Callbacks_clear,
    .tp_dealloc = (destructor)Callbacks_dealloc,
    .tp_members = Callbacks_members,
    .tp_methods = Callbacks_methods,
};

static PyTypeObject HostFunction_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "hardtack.wasm._callbacks.HostFunction",
    .tp_basicsize = sizeof(HostFunction),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "HostFunction(callbacks, function, /)\n--\n\nA Python function that guests call.",
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)HostFunction_init,
    .tp_traverse = (traverseproc)HostFunction_traverse,
    .tp_clear = (inquiry)HostFunction_clear,
    .tp_dealloc = (destructor)HostFunction_dealloc,
};

static PyTypeObject Entry_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "hardtack.wasm._callbacks.Entry",
    .tp_basicsize = sizeof(Entry),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_doc = "Entry(system, page, count, maximum, handler, rest, /)\n--\n\nThe function of a system call.",
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Entry_init,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Entry, call),
    .tp_traverse = (traverseproc)Entry_traverse,
    .tp_clear = (inquiry)Entry_clear,
    .tp_dealloc = (destructor)Entry_dealloc,
};

static PyTypeObject HostMemory_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "hardtack.wasm._callbacks.HostMemory",
    .tp_basicsize = sizeof(HostMemory),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = "HostMemory(callbacks, /)\n--\n\nA linear memory, as wasmtime sees it.",
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)HostMemory_init,
    .tp_traverse = (traverseproc)HostMemory_traverse,
    .tp_dealloc = (destructor)HostMemory_dealloc,
    .tp_members = HostMemory_members,
    .tp_methods = HostMemory_methods,
};

static int module_exec(PyObject *module)
{
    static const struct {
        const char *name;
        void *function;
    } addresses[] = {
        {"CALL", (void *)call_host_function}, {"WAIT", (void *)begin_wait}, {"NEW_MEMORY", (void *)new_memory},
        {"NOTHING", (void *)do_nothing},
    };
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        PyObject *address = PyLong_FromVoidPtr(addresses[i].function);
        if (PyModule_AddObjectRef(module, addresses[i].name, address))
            return -1; /* also when address is NULL */
        Py_DECREF(address);
    }
    if (!(no_trap = PyLong_FromLong(0)) || !(current_of.name = PyUnicode_InternFromString("current")) ||
        !(admit_of.name = PyUnicode_InternFromString("admit")) || !(heap_of.name = PyUnicode_InternFromString("heap")))
        return -1;
    return PyModule_AddType(module, &Callbacks_Type) || PyModule_AddType(module, &HostFunction_Type) ||
                   PyModule_AddType(module, &Entry_Type) || PyModule_AddType(module, &HostMemory_Type)
               ? -1
               : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "hardtack.wasm._callbacks", "What wasmtime calls: see hardtack.wasm.capi.", 0, NULL, slots,
    NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__callbacks(void) { return PyModuleDef_Init(&definition); }
