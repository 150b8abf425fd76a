/* Numbers in a guest's memory, for the calls that are made most: what the methods of struct.Struct do, in a fifth
 * of their instructions.  They parse formats, and ask a memoryview for its bytes as they would ask anything.
 *
 * Where such a view is not plain bytes they go that way too. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LITTLE_64(number) (number)
#define LITTLE_32(number) (number)
#else
#define LITTLE_64(number) __builtin_bswap64(number)
#define LITTLE_32(number) __builtin_bswap32(number)
#endif
_Static_assert(sizeof(size_t) == 8, "numbers of 8 bytes go through size_t, which CPython is quickest at");

static PyObject *struct_error;

/* The bytes of a buffer; `whole.obj` is to be released if it is not NULL. */
typedef struct {
    uint8_t *start;
    size_t size;
    Py_buffer whole;
} Bytes;

static bool find_bytes(PyObject *object, Bytes *bytes)
{
    PyMemoryViewObject *view = (PyMemoryViewObject *)object;
    bytes->whole.obj = NULL;
    if (PyMemoryView_Check(object) && !(view->flags & _Py_MEMORYVIEW_RELEASED) && view->flags & _Py_MEMORYVIEW_C &&
        !(view->mbuf->flags & _Py_MANAGED_BUFFER_RELEASED) && !view->view.readonly) {
        bytes->start = view->view.buf;
        bytes->size = (size_t)view->view.len;
        return true;
    }
    if (PyObject_GetBuffer(object, &bytes->whole, PyBUF_WRITABLE))
        return false;
    bytes->start = bytes->whole.buf;
    bytes->size = (size_t)bytes->whole.len;
    return true;
}

static PyObject *wrong(const char *what)
{
    PyErr_SetString(struct_error, what);
    return NULL;
}

/* Return an int that is not negative, or `most` + 1 with struct.error set. */
static inline size_t number_of(PyObject *object, size_t most)
{
    size_t number = PyLong_AsSize_t(object);
    if (number > most || (number == (size_t)-1 && PyErr_Occurred())) {
        wrong("the number is out of range");
        return most + 1;
    }
    return number;
}

/* Return where `size` bytes at a place are, or NULL with an exception set. */
static uint8_t *find(PyObject *memory, PyObject *place, size_t size, Bytes *bytes)
{
    if (!find_bytes(memory, bytes))
        return NULL;
    size_t at = number_of(place, PY_SSIZE_T_MAX);
    if (at > PY_SSIZE_T_MAX)
        return NULL;
    if (bytes->size < size || at > bytes->size - size)
        return (uint8_t *)wrong("beyond the memory's end");
    return bytes->start + at;
}

static bool check_count(Py_ssize_t count, Py_ssize_t expected)
{
    if (count != expected)
        PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", expected, count);
    return count == expected;
}

static PyObject *put(PyObject *const *arguments, Py_ssize_t count, size_t size)
{
    if (!check_count(count, 3))
        return NULL;
    Bytes bytes;
    uint8_t *to = find(arguments[0], arguments[1], size, &bytes);
    if (to) {
        size_t number = PyLong_AsSize_t(arguments[2]);
        if ((number == (size_t)-1 && PyErr_Occurred()) || (size == 4 && number > UINT32_MAX))
            to = (uint8_t *)wrong("the number is out of range");
        number = LITTLE_64(number);
        if (to)
            memcpy(to, &number, size);
    }
    if (bytes.whole.obj)
        PyBuffer_Release(&bytes.whole);
    return to ? Py_NewRef(Py_None) : NULL;
}

static PyObject *put_u32(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    return put(arguments, count, 4);
}

static PyObject *put_u64(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    return put(arguments, count, 8);
}

static PyObject *get_pair(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (!check_count(count, 2))
        return NULL;
    Bytes bytes;
    uint8_t *from = find(arguments[0], arguments[1], 8, &bytes);
    uint32_t pair[2];
    if (from)
        memcpy(pair, from, sizeof pair);
    if (bytes.whole.obj)
        PyBuffer_Release(&bytes.whole);
    PyObject *answer = from ? PyTuple_New(2) : NULL;
    for (int i = 0; answer && i < 2; i++) {
        PyObject *number = PyLong_FromUnsignedLong(LITTLE_32(pair[i]));
        if (number)
            PyTuple_SET_ITEM(answer, i, number);
        else
            Py_CLEAR(answer);
    }
    return answer;
}

static PyObject *fits(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (!check_count(count, 3))
        return NULL;
    Bytes bytes;
    if (!find_bytes(arguments[0], &bytes))
        return NULL;
    size_t at = number_of(arguments[1], PY_SSIZE_T_MAX), size = 0;
    if (at <= PY_SSIZE_T_MAX)
        size = number_of(arguments[2], PY_SSIZE_T_MAX);
    if (bytes.whole.obj)
        PyBuffer_Release(&bytes.whole);
    if (at > PY_SSIZE_T_MAX || size > PY_SSIZE_T_MAX)
        return NULL;
    return Py_NewRef(size <= bytes.size && at <= bytes.size - size ? Py_True : Py_False);
}

#define METHOD(name, signature, text)                                                                                  \
    {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, #name "($module, " signature ", /)\n--\n\n" text}

static PyMethodDef methods[] = {
    METHOD(put_u32, "memory, at, number", "Write 4 bytes, little-endian; struct.error beyond the memory's end."),
    METHOD(put_u64, "memory, at, number", "Write 8 bytes, little-endian; struct.error beyond the memory's end."),
    METHOD(get_pair, "memory, at", "Return the two numbers of 4 bytes at a place; struct.error beyond the end."),
    METHOD(fits, "memory, at, count", "Tell whether count bytes from a place on lie in memory."),
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *Py_UNUSED(module))
{
    PyObject *module = PyImport_ImportModule("struct");
    Py_XSETREF(struct_error, module ? PyObject_GetAttrString(module, "error") : NULL);
    Py_XDECREF(module);
    return struct_error ? 0 : -1;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "hardtack.kernel._words", "Numbers in a guest's memory.", 0, methods, slots, NULL, NULL,
    NULL};

PyMODINIT_FUNC PyInit__words(void) { return PyModuleDef_Init(&definition); }
