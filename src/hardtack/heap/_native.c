/* Heaps of fixed capacity under CPython's allocators.
 *
 * A thread that is inside a heap is served by a slab allocator of our own; all others by whoever came
 * before us.  free and realloc tell the owner of a block by its address, so blocks need no header and
 * blocks from before the hook go back where they came from.
 *
 * Glossary
 *   core         what a heap is to the allocator: its books.  Outlives its Python object until live = 0.
 *   chain        a core, its parent, and so on to the root.  Every byte is charged to the whole chain.
 *   charge       to count a block's bytes in a chain, or refuse to.
 *   arena        64 MiB (or a multiple) of address space, with a record for each of its spans.
 *   span         64 KiB, the unit that cores get memory in.  A run is a number of adjacent spans.
 *   class        a block size: 16 to 512 by 16, then four to a doubling up to 32 KiB; one span, one class.
 *   large        a block over 32 KiB: whole 4 KiB pages in a run of its own.
 *   reservation  bytes set aside on a core, and on all above it; a thread's active one is drawn from first.
 *   slack        bytes inside the limit that only overruns may use.
 *
 * Invariants (heap.check() asserts them)
 *   live + reserved <= limit for every core; live = its own blocks + its children's live.
 *   ceiling = limit - slack - reserved, so that one comparison admits a charge.
 *   A reservation's left + drawn = what was asked, less what a carved inner one holds.
 *
 * The MEM and OBJ domains are called with the GIL held, so nothing here takes a lock, and no hook takes
 * the GIL or touches a Python object.  Facts and costs: ARCHITECTURE.md. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#ifdef Py_GIL_DISABLED
#error "free-threaded CPython keeps objects in mimalloc and cannot take another allocator: use a GIL build"
#endif
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define SPAN_BITS 16
#define SPAN_BYTES ((size_t)1 << SPAN_BITS)
#define ARENA_BITS 26
#define ARENA_BYTES ((size_t)1 << ARENA_BITS)
#define ADDRESS_BITS 48
#define PAGE_BYTES ((size_t)4096)
#define SMALL_MAX ((size_t)32768)
#define CLASSES 56
#define BINS 64
#define UNLIMITED (SIZE_MAX >> 2)
#define SOFT_MAX ((size_t)512) /* blocks up to this never fail while slack is left (CPython crashes if they do) */

enum policy { RESERVE, FAIL, PANIC, WAIT };
static const char *const policy_names[] = {"reserve", "fail", "panic", "wait"};

typedef struct Core Core;
typedef struct Span Span;
typedef struct Arena Arena;
typedef struct Claim Claim;

struct Span {
    Core *core;          /* whose blocks these are; NULL while the run is free */
    void *freed;         /* blocks that were freed, linked through their first word */
    Span *next, *prev;   /* in the core's list of spans with room, or in a bin of free runs */
    char *memory;
    size_t large;        /* bytes charged for a large block, else 0 */
    uint32_t fresh, end; /* offsets: the first block never used, the end of the last */
    uint32_t used;       /* blocks in use */
    uint32_t block;      /* their size */
    uint32_t length;     /* spans in the run */
    uint8_t class, listed, bin;
};

struct Arena {
    char *base;
    size_t spans;
    Span span[];
};

struct Core {
    size_t live, ceiling, peak;    /* the hot words */
    Core *parent;
    size_t limit, slack, reserved;
    Span *room[CLASSES];           /* spans with a free block, by class */
    size_t allocations, frees, failures, footprint, overruns, overrun_bytes, injected, leaked;
    int64_t fail_in;               /* the n-th allocation from now gets NULL; 0 = off */
    size_t fail_least;
    int fail_repeat, policy, orphan, children;
    size_t call_peak, call_kept;   /* of the last admitted call */
    Core *next, *prev;             /* all cores, for check() */
};

/* A reservation as the allocator sees it: inside a Reservation object, or on the stack of admit(). */
struct Claim {
    Core *core;
    Claim *outer;                  /* carved from this one, if any */
    size_t asked, left, drawn, lowest, over;
};

static __thread Core *current_core;    /* the hot word: NULL for threads that are in no heap */
static __thread Claim *active_claim;
static __thread int told;              /* HeapFull is on its way to this thread */

static PyMemAllocatorEx previous[3];
static int hooked, faults, admitted;   /* faults: cores with an injection; admitted: calls under way */
static Arena *arenas[(size_t)1 << (ADDRESS_BITS - ARENA_BITS)];
static Arena *filling;                 /* the arena that new runs are cut from */
static size_t filled;                  /* spans of it that were handed out */
static Span *bins[BINS];               /* free runs by length */
static size_t class_bytes[CLASSES];
static Core *all_cores;
static PyObject *heap_full, *reservation_impossible, *would_block, *internal_error;

/* ---------------------------------------------------------------- addresses, classes, runs */

static inline Arena *arena_of(const void *p) { return arenas[(uintptr_t)p >> ARENA_BITS & (((size_t)1 << (ADDRESS_BITS - ARENA_BITS)) - 1)]; }
static inline Span *span_in(Arena *a, const void *p) { return &a->span[(size_t)((const char *)p - a->base) >> SPAN_BITS]; }

static inline unsigned class_of(size_t n)
{
    if (LIKELY(n <= 512))
        return n ? (unsigned)((n - 1) >> 4) : 0;
    unsigned top = 63u - (unsigned)__builtin_clzl(n - 1);
    return 32 + (top - 9) * 4 + (unsigned)((n - 1) >> (top - 2) & 3);
}

static size_t charged_bytes(size_t n)
{
    return n <= SMALL_MAX ? class_bytes[class_of(n)] : (n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

/* Lengths of runs grow by a quarter, so a bin's runs serve every length up to its own. */
static unsigned bin_of(size_t need, size_t *length)
{
    size_t l = 1;
    unsigned b = 0;
    while (l < need) {
        l += l / 4 ? l / 4 : 1;
        b++;
    }
    *length = l;
    return b;
}

static void run_drop(Span *s)
{
    s->core = NULL;
    s->large = 0;
    s->prev = NULL;
    s->next = bins[s->bin];
    bins[s->bin] = s;
}

/* Cut the rest of the arena being filled into free runs, longest first. */
static void retire_arena(void)
{
    while (filling && filled < filling->spans) {
        size_t left = filling->spans - filled, length = 1, step;
        unsigned bin = 0;
        while (length + (step = length / 4 ? length / 4 : 1) <= left) {
            length += step;
            bin++;
        }
        Span *s = &filling->span[filled];
        s->length = (uint32_t)length;
        s->bin = (uint8_t)bin;
        s->memory = filling->base + (filled << SPAN_BITS);
        filled += length;
        run_drop(s);
    }
    filling = NULL;
}

/* Address space comes an arena at a time, so that a limit on it (ulimit -v) is met late, and as a full heap. */
static int new_arena(size_t spans)
{
    size_t bytes = ((spans << SPAN_BITS) + ARENA_BYTES - 1) & ~(ARENA_BYTES - 1);
    size_t count = bytes >> SPAN_BITS;
    Arena *a = mmap(NULL, sizeof(Arena) + count * sizeof(Span), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (a == MAP_FAILED)
        return 0;
    char *raw = mmap(NULL, bytes + ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) {
        munmap(a, sizeof(Arena) + count * sizeof(Span));
        return 0;
    }
    char *base = (char *)(((uintptr_t)raw + ARENA_BYTES - 1) & ~(ARENA_BYTES - 1));
    if (base > raw)
        munmap(raw, (size_t)(base - raw));
    munmap(base + bytes, (size_t)(raw + ARENA_BYTES - base));
    retire_arena();
    a->base = base;
    a->spans = count;
    for (size_t i = 0; i < bytes >> ARENA_BITS; i++)
        arenas[((uintptr_t)base >> ARENA_BITS) + i] = a;
    filling = a;
    filled = 0;
    return 1;
}

static Span *run_new(size_t need)
{
    size_t length;
    unsigned bin = bin_of(need, &length);
    if (bin >= BINS)
        return NULL;
    Span *s = bins[bin];
    if (s) {
        bins[bin] = s->next;
    } else {
        if ((!filling || filling->spans - filled < length) && !new_arena(length))
            return NULL;
        s = &filling->span[filled];
        s->memory = filling->base + (filled << SPAN_BITS);
        s->length = (uint32_t)length;
        s->bin = (uint8_t)bin;
        filled += length;
    }
    s->next = s->prev = NULL;
    return s;
}

/* ---------------------------------------------------------------- the books */

static inline void set_ceiling(Core *c)
{
    size_t closed = c->slack + c->reserved;
    c->ceiling = c->limit > closed ? c->limit - closed : 0;
}

static inline size_t free_bytes(const Core *c) { return c->ceiling > c->live ? c->ceiling - c->live : 0; }

static size_t room_bytes(const Core *c)
{
    size_t least = UNLIMITED;
    for (; c; c = c->parent)
        if (free_bytes(c) < least)
            least = free_bytes(c);
    return least;
}

static size_t possible_bytes(const Core *c)
{
    size_t least = UNLIMITED;
    for (; c; c = c->parent)
        if (c->limit - c->slack < least)
            least = c->limit - c->slack;
    return least;
}

static inline void reserved_add(Core *c, size_t n)
{
    for (; c; c = c->parent) {
        c->reserved += n;
        set_ceiling(c);
    }
}

static inline void reserved_take(Core *c, size_t n)
{
    for (; c; c = c->parent) {
        c->reserved -= n;
        set_ceiling(c);
    }
}

static int in_chain(const Core *c, const Core *k)
{
    while (c && c != k)
        c = c->parent;
    return c != NULL;
}

/* An injected fault: this allocation is the one that fails. */
static int fault_due(Core *chain, size_t n)
{
    for (Core *c = chain; c; c = c->parent)
        if (c->fail_in && n >= c->fail_least && --c->fail_in == 0) {
            if (c->fail_repeat)
                c->fail_in = 1;
            else
                faults--;
            c->injected++;
            c->failures++;
            return 1;
        }
    return 0;
}

/* The first heap of the chain that cannot take n bytes, `take` of which the active reservation covers;
 * with `slack`, overruns' bytes count as room. */
static Core *full_core(Core *chain, const Claim *claim, size_t n, size_t take, int slack)
{
    int covered = 0;
    for (Core *c = chain; c; c = c->parent) {
        if (claim && c == claim->core)
            covered = 1;
        size_t need = covered ? n - take : n;
        size_t limit = c->limit - (slack ? 0 : c->slack) - c->reserved + (covered ? take : 0);
        if (n > UNLIMITED || c->live + n > limit || (need && c->live + need > limit))
            return c;
    }
    return NULL;
}

/* What a heap that is full does, by its policy: 1 = the slack serves, 0 = no.  May not return (panic). */
static int at_the_limit(Core *full, Core *chain, const Claim *claim, size_t n, size_t take)
{
    switch (full->policy) {
    case PANIC:
        fprintf(stderr, "hardtack: heap exhausted: %zu of %zu bytes live, %zu more asked\n", full->live, full->limit, n);
        abort();
    case WAIT: /* holding the GIL, as a kernel that waits in its allocator holds its locks */
        while (full_core(chain, claim, n, take, 0)) {
            struct timespec pause = {0, 10000000};
            nanosleep(&pause, NULL);
        }
        return 1;
    default:
        if (!(n <= SOFT_MAX || claim) || full_core(chain, claim, n, take, 1))
            return 0;
        if (!claim && !told && PyGILState_Check()) {
            told = 1;
            PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), heap_full);
        }
        return 1;
    }
}

static int charge_slow(Core *chain, size_t n)
{
    Claim *claim = active_claim;
    if (UNLIKELY(faults) && fault_due(chain, n))
        return 0;
    if (claim && !in_chain(chain, claim->core))
        claim = NULL;
    size_t take = claim ? (claim->left < n ? claim->left : n) : 0;
    Core *full = full_core(chain, claim, n, take, 0);
    if (full && !at_the_limit(full, chain, claim, n, take)) {
        full->failures++;
        return 0;
    }
    int covered = 0;
    for (Core *c = chain; c; c = c->parent) {
        if (claim && c == claim->core)
            covered = 1;
        if (covered) {
            c->reserved -= take;
            set_ceiling(c);
        }
        c->live += n;
        if (c->live > c->peak)
            c->peak = c->live;
    }
    if (claim) {
        claim->left -= take;
        claim->drawn += take;
        claim->over += n - take;
        if (claim->left < claim->lowest)
            claim->lowest = claim->left;
    }
    return 1;
}

static inline int charge(Core *chain, size_t n)
{
    Claim *claim = active_claim;
    if (claim) {
        if (UNLIKELY(claim->left < n || faults))
            return charge_slow(chain, n);
        Core *c = chain;
        for (; c != claim->core; c = c->parent)
            if (UNLIKELY(!c || c->live + n > c->ceiling))
                return charge_slow(chain, n);
        for (c = chain; c != claim->core; c = c->parent) {
            c->live += n;
            if (c->live > c->peak)
                c->peak = c->live;
        }
        claim->left -= n;
        claim->drawn += n;
        if (claim->left < claim->lowest)
            claim->lowest = claim->left;
        for (; c; c = c->parent) { /* live + reserved stays as it was: nothing to check */
            c->reserved -= n;
            c->ceiling += n;
            c->live += n;
            if (c->live > c->peak)
                c->peak = c->live;
        }
        return 1;
    }
    if (UNLIKELY(faults))
        return charge_slow(chain, n);
    for (Core *c = chain; c; c = c->parent)
        if (UNLIKELY(c->live + n > c->ceiling))
            return charge_slow(chain, n);
    for (Core *c = chain; c; c = c->parent) {
        c->live += n;
        if (c->live > c->peak)
            c->peak = c->live;
    }
    return 1;
}

static void core_release(Core *c);

/* What a reserved call frees is refunded to its reservation, up to what it drew. */
static inline void uncharge(Core *chain, size_t n)
{
    Claim *claim = active_claim;
    size_t back = 0;
    for (Core *c = chain; c; c = c->parent) {
        if (claim && c == claim->core) {
            back = claim->drawn < n ? claim->drawn : n;
            claim->drawn -= back;
            claim->left += back;
        }
        c->live -= n;
        c->reserved += back;
        c->ceiling -= back;
    }
    if (UNLIKELY(chain->orphan))
        core_release(chain);
}

/* ---------------------------------------------------------------- blocks */

static inline void list_span(Core *c, Span *s)
{
    s->prev = NULL;
    s->next = c->room[s->class];
    if (s->next)
        s->next->prev = s;
    c->room[s->class] = s;
    s->listed = 1;
}

static inline void unlist_span(Core *c, Span *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        c->room[s->class] = s->next;
    if (s->next)
        s->next->prev = s->prev;
    s->listed = 0;
}

static void footprint_add(Core *c, size_t n)
{
    for (; c; c = c->parent)
        c->footprint += n;
}

static void footprint_take(Core *c, size_t n)
{
    for (; c; c = c->parent)
        c->footprint -= n;
}

static void *alloc_large(Core *c, size_t n)
{
    size_t bytes = (n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    if (n > UNLIMITED || !charge(c, bytes))
        return NULL;
    Span *s = run_new((bytes + SPAN_BYTES - 1) >> SPAN_BITS);
    if (!s) {
        c->failures++;
        uncharge(c, bytes);
        return NULL;
    }
    s->core = c;
    s->large = bytes;
    footprint_add(c, bytes);
    c->allocations++;
    return s->memory;
}

static Span *new_span(Core *c, unsigned class)
{
    Span *s = run_new(1);
    if (!s)
        return NULL;
    s->core = c;
    s->large = 0;
    s->class = (uint8_t)class;
    s->block = (uint32_t)class_bytes[class];
    s->freed = NULL;
    s->fresh = s->used = 0;
    s->end = (uint32_t)(SPAN_BYTES / s->block * s->block);
    footprint_add(c, SPAN_BYTES);
    list_span(c, s);
    return s;
}

static void *alloc(Core *c, size_t n)
{
    if (UNLIKELY(n > SMALL_MAX))
        return alloc_large(c, n);
    unsigned class = class_of(n);
    size_t bytes = class_bytes[class];
    if (UNLIKELY(!charge(c, bytes)))
        return NULL;
    Span *s = c->room[class];
    if (UNLIKELY(!s) && !(s = new_span(c, class))) {
        c->failures++;
        uncharge(c, bytes);
        return NULL;
    }
    void *p = s->freed;
    if (p) {
        s->freed = *(void **)p;
    } else {
        p = s->memory + s->fresh;
        s->fresh += s->block;
    }
    s->used++;
    c->allocations++;
    if (UNLIKELY(!s->freed && s->fresh >= s->end))
        unlist_span(c, s);
    return p;
}

static void drop_span(Core *c, Span *s)
{
    unlist_span(c, s);
    footprint_take(c, SPAN_BYTES);
    run_drop(s);
}

static void release(Span *s, void *p)
{
    Core *c = s->core;
    c->frees++;
    if (UNLIKELY(s->large)) {
        size_t bytes = s->large;
        madvise(s->memory, bytes, MADV_DONTNEED); /* and it reads as zero when it is used again */
        footprint_take(c, bytes);
        run_drop(s);
        uncharge(c, bytes);
        return;
    }
    size_t bytes = s->block;
    *(void **)p = s->freed;
    s->freed = p;
    if (UNLIKELY(!s->listed))
        list_span(c, s);
    if (UNLIKELY(--s->used == 0) && (s->next || s->prev || c->orphan)) /* keep one empty span a class */
        drop_span(c, s);
    uncharge(c, bytes);
}

static void *resize(Span *s, void *p, size_t n) /* the owner pays, wherever the thread is */
{
    Core *c = s->core;
    size_t old = s->large ? s->large : s->block;
    if (s->large && n > SMALL_MAX && n <= (size_t)s->length << SPAN_BITS) {
        size_t bytes = (n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
        if (bytes > old) {
            if (!charge(c, bytes - old))
                return NULL;
            footprint_add(c, bytes - old);
        } else if (bytes < old) {
            madvise(s->memory + bytes, old - bytes, MADV_DONTNEED);
            footprint_take(c, old - bytes);
            uncharge(c, old - bytes);
        }
        s->large = bytes;
        return p;
    }
    if (!s->large && n <= SMALL_MAX && class_of(n) == s->class)
        return p;
    void *q = alloc(c, n);
    if (!q)
        return n <= old ? p : NULL; /* shrinking never fails */
    memcpy(q, p, n < old ? n : old);
    release(s, p);
    return q;
}

/* Give back the spans that an orphan holds empty; free it once nothing of it is left. */
static void core_release(Core *c)
{
    while (c && c->orphan && !c->live && !c->children) {
        for (unsigned k = 0; k < CLASSES; k++)
            while (c->room[k])
                drop_span(c, c->room[k]);
        Core *parent = c->parent;
        if (c->next)
            c->next->prev = c->prev;
        if (c->prev)
            c->prev->next = c->next;
        else
            all_cores = c->next;
        if (c->fail_in)
            faults--;
        free(c);
        if (parent)
            parent->children--;
        c = parent;
    }
}

/* ---------------------------------------------------------------- the hooks */

#define PREVIOUS(context) ((PyMemAllocatorEx *)(context))

static void *hook_malloc(void *context, size_t n)
{
    Core *c = current_core;
    if (LIKELY(!c))
        return PREVIOUS(context)->malloc(PREVIOUS(context)->ctx, n);
    return alloc(c, n);
}

static void *hook_calloc(void *context, size_t count, size_t size)
{
    Core *c = current_core;
    if (LIKELY(!c))
        return PREVIOUS(context)->calloc(PREVIOUS(context)->ctx, count, size);
    size_t n = count * size; /* PyMem_Calloc has checked that this does not overflow */
    void *p = alloc(c, n);
    if (p && n <= SPAN_BYTES) /* longer runs read as zero: fresh, or given back to the system */
        memset(p, 0, n);
    return p;
}

static void *hook_realloc(void *context, void *p, size_t n)
{
    if (!p)
        return hook_malloc(context, n);
    Arena *a = arena_of(p);
    if (a)
        return resize(span_in(a, p), p, n);
    Core *c = current_core;
    current_core = NULL; /* what the allocator below us asks for is not ours to count */
    void *q = PREVIOUS(context)->realloc(PREVIOUS(context)->ctx, p, n);
    current_core = c;
    return q;
}

static void hook_free(void *context, void *p)
{
    Arena *a = arena_of(p);
    if (LIKELY(!a))
        PREVIOUS(context)->free(PREVIOUS(context)->ctx, p);
    else
        release(span_in(a, p), p);
}

static int install(void)
{
    if (hooked)
        return 0;
    if (PySys_GetObject("_hardtack_heap")) {
        PyErr_SetString(PyExc_RuntimeError, "another copy of hardtack's heap is at work in this process: import only one");
        return -1;
    }
    PyObject *tracemalloc = PyImport_ImportModule("tracemalloc");
    PyObject *tracing = tracemalloc ? PyObject_CallMethod(tracemalloc, "is_tracing", NULL) : NULL;
    Py_XDECREF(tracemalloc);
    if (!tracing)
        return -1;
    int on = PyObject_IsTrue(tracing);
    Py_DECREF(tracing);
    if (on) {
        PyErr_SetString(PyExc_RuntimeError,
                        "tracemalloc is tracing, and would remove hardtack's hook when it stops: call tracemalloc.stop() first "
                        "(starting it later is fine)");
        return -1;
    }
    if (PySys_SetObject("_hardtack_heap", Py_True))
        return -1;
    for (int domain = PYMEM_DOMAIN_MEM; domain <= PYMEM_DOMAIN_OBJ; domain++) {
        PyMem_GetAllocator((PyMemAllocatorDomain)domain, &previous[domain]);
        PyMemAllocatorEx ours = {&previous[domain], hook_malloc, hook_calloc, hook_realloc, hook_free};
        PyMem_SetAllocator((PyMemAllocatorDomain)domain, &ours);
    }
    hooked = 1;
    return 0;
}

/* ---------------------------------------------------------------- Heap */

typedef struct Frame { /* one `with`: what to go back to */
    struct Frame *up;
    Core *core;
    Claim *claim;
    PyObject *owner;
} Frame;

static __thread Frame *frames;
static Frame *spare_frames;

typedef struct {
    PyObject_HEAD
    Core *core;
    PyObject *parent, *name, *last_overrun;
} HeapObject;

typedef struct {
    PyObject_HEAD
    HeapObject *heap;
    Claim claim;
    int released, entered;
} ReservationObject;

static PyTypeObject Heap_Type, Reservation_Type;
#define HEAP(o) ((HeapObject *)(o))
#define RESERVATION(o) ((ReservationObject *)(o))
#define IS_HEAP(o) PyObject_TypeCheck(o, &Heap_Type)

static int push(PyObject *owner, Core *core, Claim *claim)
{
    Frame *f = spare_frames;
    if (f)
        spare_frames = f->up;
    else if (!(f = malloc(sizeof *f))) {
        PyErr_NoMemory();
        return -1;
    }
    f->up = frames;
    f->core = current_core;
    f->claim = active_claim;
    f->owner = Py_NewRef(owner);
    frames = f;
    current_core = core;
    active_claim = claim;
    return 0;
}

/* HeapFull that was not delivered yet is called off: it may never fire outside the heap it is about. */
static inline void call_off(void)
{
    if (UNLIKELY(told)) {
        told = 0;
        PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), NULL);
    }
}

static int pop(PyObject *owner)
{
    Frame *f = frames;
    if (!f || f->owner != owner) {
        PyErr_SetString(PyExc_RuntimeError, "heaps and reservations are left in the reverse order of entering them, on the same thread");
        return -1;
    }
    frames = f->up;
    current_core = f->core;
    active_claim = f->claim;
    f->up = spare_frames;
    spare_frames = f;
    call_off();
    Py_DECREF(owner);
    return 0;
}

static PyObject *heap_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"capacity", "name", "parent", "policy", "slack", NULL};
    PyObject *capacity, *name, *parent, *result = NULL;
    const char *policy_name;
    Py_ssize_t slack;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OUOsn", names, &capacity, &name, &parent, &policy_name, &slack))
        return NULL;
    size_t limit = capacity == Py_None ? UNLIMITED : PyLong_AsSize_t(capacity);
    if (PyErr_Occurred())
        return NULL;
    int policy = 0;
    while (policy < 4 && strcmp(policy_name, policy_names[policy]))
        policy++;
    if (policy == 4 || slack < 0 || (size_t)slack > limit || limit > UNLIMITED || (parent != Py_None && !IS_HEAP(parent))) {
        PyErr_Format(PyExc_ValueError, "a heap's capacity is 0 or more, its slack within it, its policy reserve, fail, panic or wait");
        return NULL;
    }
    if (install())
        return NULL;
    Core *c = calloc(1, sizeof *c);
    if (!c)
        return PyErr_NoMemory();
    result = type->tp_alloc(type, 0);
    if (!result) {
        free(c);
        return NULL;
    }
    c->limit = limit;
    c->slack = (size_t)slack;
    c->policy = policy;
    if (parent != Py_None) {
        c->parent = HEAP(parent)->core;
        c->parent->children++;
    }
    set_ceiling(c);
    c->next = all_cores;
    if (c->next)
        c->next->prev = c;
    all_cores = c;
    HEAP(result)->core = c;
    HEAP(result)->parent = Py_NewRef(parent);
    HEAP(result)->name = Py_NewRef(name);
    HEAP(result)->last_overrun = Py_NewRef(Py_None);
    return result;
}

static void heap_dealloc(PyObject *o)
{
    Core *c = HEAP(o)->core;
    Py_CLEAR(HEAP(o)->last_overrun);
    Py_CLEAR(HEAP(o)->name);
    PyObject *parent = HEAP(o)->parent;
    HEAP(o)->parent = NULL;
    if (c) {
        c->orphan = 1;
        for (unsigned k = 0; k < CLASSES; k++)
            for (Span *s = c->room[k], *next; s; s = next) {
                next = s->next;
                if (!s->used)
                    drop_span(c, s);
            }
        core_release(c);
    }
    Py_TYPE(o)->tp_free(o); /* a subclass's own dealloc, which called us, lets go of the type */
    Py_XDECREF(parent);
}

static PyObject *heap_enter(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    return push(o, HEAP(o)->core, active_claim) ? NULL : Py_NewRef(o);
}

static PyObject *heap_exit(PyObject *o, PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(n))
{
    if (pop(o))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *heap_run(PyObject *o, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    if (n < 1) {
        PyErr_SetString(PyExc_TypeError, "run(function, *arguments, **keywords) needs a function");
        return NULL;
    }
    Core *was = current_core;
    Py_INCREF(o);
    current_core = HEAP(o)->core;
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, (size_t)(n - 1), keywords);
    current_core = was;
    call_off();
    Py_DECREF(o);
    return result;
}

/* Enter the books of a call that overran: rare, so it may cost. */
static void note_overrun(HeapObject *heap, const Claim *claim, PyObject *function)
{
    Core *c = heap->core;
    c->overruns++;
    c->overrun_bytes += claim->over;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *name = PyObject_GetAttrString(function, "__qualname__");
    if (!name) {
        PyErr_Clear();
        name = PyObject_Repr(function);
    }
    PyObject *record = name ? Py_BuildValue("Nnn", name, (Py_ssize_t)claim->asked, (Py_ssize_t)(claim->asked - claim->lowest + claim->over)) : NULL;
    if (record)
        Py_SETREF(heap->last_overrun, record);
    PyErr_Restore(type, value, traceback);
}

static PyObject *call_on_claim(HeapObject *heap, Claim *claim, Core *core, PyObject *const *args, Py_ssize_t n)
{
    Core *was = current_core;
    Claim *outer = active_claim;
    active_claim = claim;
    current_core = core;
    admitted++;
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, (size_t)(n - 1), NULL);
    admitted--;
    current_core = was;
    active_claim = outer;
    call_off();
    Core *c = claim->core;
    c->call_peak = claim->asked - claim->lowest + claim->over;
    c->call_kept = claim->drawn;
    reserved_take(c, claim->left);
    claim->left = 0;
    if (UNLIKELY(claim->over))
        note_overrun(heap, claim, args[0]);
    return result;
}

static PyObject *heap_admit(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    if (n < 3 || !IS_HEAP(args[0])) {
        PyErr_SetString(PyExc_TypeError, "admit(child, bound, function, *arguments) needs a heap, bytes and a function");
        return NULL;
    }
    Core *c = HEAP(o)->core, *child = HEAP(args[0])->core;
    if (c->policy != RESERVE)
        return heap_run(args[0], args + 2, n - 2, NULL);
    size_t bound = PyLong_AsSize_t(args[1]);
    if (bound == (size_t)-1 && PyErr_Occurred())
        return NULL;
    for (Core *k = c; k; k = k->parent)
        if (k->live + bound > k->ceiling || bound > UNLIMITED)
            Py_RETURN_NOTIMPLEMENTED;
    Claim claim = {c, NULL, bound, bound, 0, bound, 0};
    reserved_add(c, bound);
    Py_INCREF(o);
    Py_INCREF(args[0]);
    PyObject *result = call_on_claim(HEAP(o), &claim, child, args + 2, n - 2);
    Py_DECREF(args[0]);
    Py_DECREF(o);
    return result;
}

static PyObject *heap_reserve_nowait(PyObject *o, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "fresh", NULL};
    Py_ssize_t amount;
    int fresh = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n|$p", names, &amount, &fresh))
        return NULL;
    if (amount < 0) {
        PyErr_SetString(PyExc_ValueError, "a reservation is of 0 bytes or more");
        return NULL;
    }
    Core *c = HEAP(o)->core;
    size_t n = (size_t)amount;
    Claim *outer = active_claim && active_claim->core == c && !fresh ? active_claim : NULL;
    if (n > possible_bytes(c)) {
        PyObject *error = PyObject_CallFunction(reservation_impossible, "nnO", amount, (Py_ssize_t)possible_bytes(c), HEAP(o)->name);
        if (error) {
            PyErr_SetObject(reservation_impossible, error);
            Py_DECREF(error);
        }
        return NULL;
    }
    size_t room = outer ? outer->left : room_bytes(c);
    if (n > room) {
        PyErr_Format(would_block, "heap '%U' has no room for %zu bytes now: %zu are free", HEAP(o)->name, n, room);
        return NULL;
    }
    ReservationObject *r = PyObject_New(ReservationObject, &Reservation_Type);
    if (!r)
        return NULL;
    if (n > (outer ? outer->left : room_bytes(c))) { /* making the object took the last of it */
        r->released = 1;
        r->heap = (HeapObject *)Py_NewRef(o);
        Py_DECREF(r);
        PyErr_Format(would_block, "heap '%U' has no room for %zu bytes now", HEAP(o)->name, n);
        return NULL;
    }
    r->heap = (HeapObject *)Py_NewRef(o);
    r->claim = (Claim){c, outer, n, n, 0, n, 0};
    r->released = r->entered = 0;
    if (outer)
        outer->left -= n;
    else
        reserved_add(c, n);
    return (PyObject *)r;
}

static PyObject *heap_fail_nth(PyObject *o, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "min_size", "repeat", NULL};
    Py_ssize_t n, least = 0;
    int repeat = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n|$np", names, &n, &least, &repeat))
        return NULL;
    if (n < 0 || least < 0) {
        PyErr_SetString(PyExc_ValueError, "fail_nth counts from 1; 0 turns it off");
        return NULL;
    }
    Core *c = HEAP(o)->core;
    faults += (n != 0) - (c->fail_in != 0);
    c->fail_in = n;
    c->fail_least = (size_t)least;
    c->fail_repeat = repeat;
    Py_RETURN_NONE;
}

static PyObject *heap_reset_peak(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    HEAP(o)->core->peak = HEAP(o)->core->live;
    Py_RETURN_NONE;
}

static PyObject *heap_last_call(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("nn", (Py_ssize_t)HEAP(o)->core->call_peak, (Py_ssize_t)HEAP(o)->core->call_kept);
}

static PyObject *heap_counters(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    Core *c = HEAP(o)->core;
    return Py_BuildValue("nnnnnn", (Py_ssize_t)c->allocations, (Py_ssize_t)c->frees, (Py_ssize_t)c->failures, (Py_ssize_t)c->overruns,
                         (Py_ssize_t)c->overrun_bytes, (Py_ssize_t)c->leaked);
}

static size_t blocks_of(const Core *c)
{
    size_t bytes = 0;
    for (size_t i = 0; i < (size_t)1 << (ADDRESS_BITS - ARENA_BITS); i++) {
        Arena *a = arenas[i];
        if (!a || (uintptr_t)a->base >> ARENA_BITS != i)
            continue;
        size_t end = a == filling ? filled : a->spans;
        for (size_t k = 0; k < end; k += a->span[k].length ? a->span[k].length : 1)
            if (a->span[k].core == c)
                bytes += a->span[k].large ? a->span[k].large : (size_t)a->span[k].used * a->span[k].block;
    }
    return bytes;
}

/* One core's books against its blocks and its children; NULL when they balance. */
static const char *wrong_with(const Core *c)
{
    size_t children = 0, below = 0, count = 0;
    for (Core *k = all_cores; k; k = k->next)
        if (k->parent == c) {
            children += k->live;
            below += k->reserved;
            count++;
        }
    if (blocks_of(c) + children != c->live)
        return "live is not what its blocks and its children's add up to";
    if ((size_t)c->children != count)
        return "it miscounts its children";
    if (c->reserved < below)
        return "reserved is less than its children's";
    if (c->live + c->reserved > c->limit)
        return "live and reserved exceed its capacity";
    if (c->peak < c->live)
        return "its peak is below what is live";
    return NULL;
}

static PyObject *heap_check(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    Core *was = current_core; /* what this makes must not move what it counts */
    current_core = NULL;
    PyObject *result = NULL;
    for (Core *c = all_cores; c; c = c->next) {
        const char *wrong = in_chain(c, HEAP(o)->core) ? wrong_with(c) : NULL;
        if (wrong) {
            PyErr_Format(internal_error, "heap '%U' or one below it: %s (live %zu, reserved %zu, limit %zu)", HEAP(o)->name, wrong, c->live,
                         c->reserved, c->limit);
            goto done;
        }
    }
    result = Py_NewRef(Py_None);
done:
    current_core = was;
    return result;
}

#define COUNT(name) {#name, heap_get, NULL, NULL, (void *)offsetof(Core, name)}
static PyObject *heap_get(PyObject *o, void *offset) { return PyLong_FromSize_t(*(size_t *)((char *)HEAP(o)->core + (size_t)offset)); }
static PyObject *heap_get_free(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(free_bytes(HEAP(o)->core)); }
static PyObject *heap_get_room(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(room_bytes(HEAP(o)->core)); }
static PyObject *heap_get_possible(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(possible_bytes(HEAP(o)->core)); }
static PyObject *heap_get_name(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->name); }
static PyObject *heap_get_parent(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->parent); }
static PyObject *heap_get_overrun(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->last_overrun); }
static PyObject *heap_get_policy(PyObject *o, void *Py_UNUSED(x)) { return PyUnicode_FromString(policy_names[HEAP(o)->core->policy]); }
static PyObject *heap_get_capacity(PyObject *o, void *Py_UNUSED(x))
{
    if (HEAP(o)->core->limit == UNLIMITED)
        Py_RETURN_NONE;
    return PyLong_FromSize_t(HEAP(o)->core->limit);
}

static PyGetSetDef heap_properties[] = {
    COUNT(live), COUNT(peak), COUNT(reserved), COUNT(slack), COUNT(footprint), COUNT(overruns), COUNT(injected),
    {"free", heap_get_free, NULL, NULL, NULL},
    {"room", heap_get_room, NULL, NULL, NULL},
    {"possible", heap_get_possible, NULL, NULL, NULL},
    {"capacity", heap_get_capacity, NULL, NULL, NULL},
    {"name", heap_get_name, NULL, NULL, NULL},
    {"parent", heap_get_parent, NULL, NULL, NULL},
    {"_last_overrun", heap_get_overrun, NULL, NULL, NULL},
    {"on_exhaustion", heap_get_policy, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define FUNCTION(f) ((PyCFunction)(void (*)(void))(f))
static PyMethodDef heap_methods[] = {
    {"__enter__", heap_enter, METH_NOARGS, NULL},
    {"__exit__", FUNCTION(heap_exit), METH_FASTCALL, NULL},
    {"run", FUNCTION(heap_run), METH_FASTCALL | METH_KEYWORDS, NULL},
    {"admit", FUNCTION(heap_admit), METH_FASTCALL, NULL},
    {"_reserve_nowait", FUNCTION(heap_reserve_nowait), METH_VARARGS | METH_KEYWORDS, NULL},
    {"fail_nth", FUNCTION(heap_fail_nth), METH_VARARGS | METH_KEYWORDS, NULL},
    {"reset_peak", heap_reset_peak, METH_NOARGS, NULL},
    {"last_call", heap_last_call, METH_NOARGS, NULL},
    {"_counters", heap_counters, METH_NOARGS, NULL},
    {"check", heap_check, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Heap_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hardtack.heap._native.Heap",
    .tp_basicsize = sizeof(HeapObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = heap_new,
    .tp_dealloc = heap_dealloc,
    .tp_methods = heap_methods,
    .tp_getset = heap_properties,
};

/* ---------------------------------------------------------------- Reservation */

static void give_back(ReservationObject *r)
{
    if (r->released)
        return;
    r->released = 1;
    Claim *outer = r->claim.outer;
    if (outer) { /* carved: what is left, and what may still be refunded, are the outer one's again */
        outer->left += r->claim.left;
        outer->drawn += r->claim.drawn;
        outer->over += r->claim.over;
        if (outer->left - r->claim.left + r->claim.lowest < outer->lowest)
            outer->lowest = outer->left - r->claim.left + r->claim.lowest;
    } else {
        reserved_take(r->claim.core, r->claim.left);
        if (r->claim.over) {
            r->claim.core->overruns++;
            r->claim.core->overrun_bytes += r->claim.over;
        }
    }
    r->claim.left = 0;
}

static void reservation_dealloc(PyObject *o)
{
    ReservationObject *r = RESERVATION(o);
    if (!r->released) {
        r->claim.core->leaked++;
        give_back(r);
    }
    Py_CLEAR(r->heap);
    PyObject_Free(o);
}

static PyObject *reservation_release(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    if (RESERVATION(o)->entered) {
        PyErr_SetString(PyExc_RuntimeError, "this reservation is in use: leave its `with` first");
        return NULL;
    }
    give_back(RESERVATION(o));
    Py_RETURN_NONE;
}

static int usable(ReservationObject *r)
{
    if (!r->released && !r->entered)
        return 1;
    PyErr_SetString(PyExc_RuntimeError, r->released ? "this reservation was released" : "this reservation is in use already");
    return 0;
}

static PyObject *reservation_enter(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    ReservationObject *r = RESERVATION(o);
    if (!usable(r) || push(o, r->claim.core, &r->claim))
        return NULL;
    r->entered = 1;
    return Py_NewRef(o);
}

static PyObject *reservation_exit(PyObject *o, PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(n))
{
    if (pop(o))
        return NULL;
    RESERVATION(o)->entered = 0;
    give_back(RESERVATION(o));
    Py_RETURN_NONE;
}

static PyObject *reservation_run(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    ReservationObject *r = RESERVATION(o);
    if (n < 2 || !IS_HEAP(args[0])) {
        PyErr_SetString(PyExc_TypeError, "run(child, function, *arguments) needs a heap and a function");
        return NULL;
    }
    if (!usable(r))
        return NULL;
    Py_INCREF(o);
    r->entered = 1;
    PyObject *result;
    if (r->claim.outer) { /* carved: give back to the outer one, not to the heap */
        Core *was = current_core;
        Claim *active = active_claim;
        current_core = HEAP(args[0])->core;
        active_claim = &r->claim;
        result = PyObject_Vectorcall(args[1], args + 2, (size_t)(n - 2), NULL);
        current_core = was;
        active_claim = active;
        call_off();
        give_back(r);
    } else {
        result = call_on_claim(r->heap, &r->claim, HEAP(args[0])->core, args + 1, n - 1);
        r->released = 1;
    }
    r->entered = 0;
    Py_DECREF(o);
    return result;
}

/* Take what was drawn anew from free room: what lives on is the heap's now, not the reservation's. */
static PyObject *reservation_refill(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    Claim *claim = &RESERVATION(o)->claim;
    size_t need = claim->asked - claim->left;
    if (RESERVATION(o)->released || claim->outer || need > room_bytes(claim->core))
        Py_RETURN_FALSE;
    reserved_add(claim->core, need);
    claim->left = claim->lowest = claim->asked;
    claim->drawn = 0;
    Py_RETURN_TRUE;
}

static PyObject *reservation_amount(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(RESERVATION(o)->claim.asked); }
static PyObject *reservation_left(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(RESERVATION(o)->claim.left); }
static PyObject *reservation_heap(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef((PyObject *)RESERVATION(o)->heap); }
static PyObject *reservation_released(PyObject *o, void *Py_UNUSED(x)) { return PyBool_FromLong(RESERVATION(o)->released); }

static PyGetSetDef reservation_properties[] = {
    {"amount", reservation_amount, NULL, NULL, NULL},
    {"left", reservation_left, NULL, NULL, NULL},
    {"heap", reservation_heap, NULL, NULL, NULL},
    {"released", reservation_released, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef reservation_methods[] = {
    {"__enter__", reservation_enter, METH_NOARGS, NULL},
    {"__exit__", FUNCTION(reservation_exit), METH_FASTCALL, NULL},
    {"run", FUNCTION(reservation_run), METH_FASTCALL, NULL},
    {"release", reservation_release, METH_NOARGS, NULL},
    {"refill", reservation_refill, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Reservation_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hardtack.heap._native.Reservation",
    .tp_basicsize = sizeof(ReservationObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = reservation_dealloc,
    .tp_methods = reservation_methods,
    .tp_getset = reservation_properties,
};

/* ---------------------------------------------------------------- the module */

static PyObject *module_installed(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored))
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
    return PyBool_FromLong(hooked && now.malloc == hook_malloc);
}

static PyObject *module_size_class(PyObject *Py_UNUSED(m), PyObject *arg)
{
    size_t n = PyLong_AsSize_t(arg);
    if (n == (size_t)-1 && PyErr_Occurred())
        return NULL;
    return PyLong_FromSize_t(charged_bytes(n));
}

static PyObject *module_charged(PyObject *Py_UNUSED(m), PyObject *o) /* bytes charged for an object's own block; 0 outside */
{
    const void *p = PyObject_IS_GC(o) ? (const char *)o - 16 : (const char *)o;
    if (PyType_HasFeature(Py_TYPE(o), Py_TPFLAGS_HEAPTYPE) && !arena_of(p))
        p = o;
    Arena *a = arena_of(p);
    if (!a || !span_in(a, p)->core)
        return PyLong_FromLong(0);
    Span *s = span_in(a, p);
    return PyLong_FromSize_t(s->large ? s->large : s->block);
}

static PyObject *module_live_of_owner(PyObject *Py_UNUSED(m), PyObject *o) /* for owner_of: identifies the core */
{
    if (IS_HEAP(o))
        return PyLong_FromVoidPtr(HEAP(o)->core);
    Arena *a = arena_of(o);
    return PyLong_FromVoidPtr(a ? span_in(a, o)->core : NULL);
}

static PyObject *module_core(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored)) { return PyLong_FromVoidPtr(current_core); }

static PyObject *module_in_reservation(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored)) { return PyBool_FromLong(active_claim != NULL); }

static PyMethodDef module_methods[] = {
    {"in_reservation", module_in_reservation, METH_NOARGS, NULL},
    {"installed", module_installed, METH_NOARGS, NULL},
    {"size_class", module_size_class, METH_O, NULL},
    {"charged", module_charged, METH_O, NULL},
    {"core_of", module_live_of_owner, METH_O, NULL},
    {"current_core", module_core, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "hardtack.heap._native", NULL, -1, module_methods, NULL, NULL, NULL, NULL};

static int fetch_errors(void)
{
    PyObject *errors = PyImport_ImportModule("hardtack.errors");
    if (!errors)
        return -1;
    heap_full = PyObject_GetAttrString(errors, "HeapFull");
    reservation_impossible = PyObject_GetAttrString(errors, "ReservationImpossible");
    would_block = PyObject_GetAttrString(errors, "WouldBlock");
    internal_error = PyObject_GetAttrString(errors, "InternalError");
    Py_DECREF(errors);
    return heap_full && reservation_impossible && would_block && internal_error ? 0 : -1;
}

PyMODINIT_FUNC PyInit__native(void)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "hardtack.heap works in the main interpreter alone: sub-interpreters share their allocators with it");
        return NULL;
    }
    for (unsigned i = 0; i < CLASSES; i++)
        class_bytes[i] = i < 32 ? (size_t)(i + 1) * 16 : ((size_t)1 << (9 + (i - 32) / 4)) + ((size_t)((i - 32) % 4 + 1) << (7 + (i - 32) / 4));
    if (fetch_errors() || PyType_Ready(&Heap_Type) || PyType_Ready(&Reservation_Type))
        return NULL;
    PyObject *m = PyModule_Create(&definition);
    if (!m || PyModule_AddObjectRef(m, "Heap", (PyObject *)&Heap_Type) || PyModule_AddObjectRef(m, "Reservation", (PyObject *)&Reservation_Type)) {
        Py_XDECREF(m);
        return NULL;
    }
    return m;
}
