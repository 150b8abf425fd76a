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
 *   claim        a reservation as the allocator sees it: bytes set aside on a core and on all above it.  A
 *                thread's active one is drawn from first, and what it frees is refunded to it.
 *   carved       a claim that was taken from another claim of the same core, its outer one.
 *   slack        bytes inside the limit that only overruns and overdrafts may use.
 *   frame        one `with` or one call that changed a thread's heap: what to go back to.
 *
 * Invariants (heap.check() asserts them)
 *   live + reserved <= limit for every core; live = its own blocks + its children's live.
 *   reserved = what is left of its own claims + its children's reserved.
 *   ceiling = limit - slack - reserved, so that one comparison admits a charge; overruns can bring it below 0.
 *   A claim's left + drawn, and the same of all that are carved from it, add up to what it asked for.
 *   Nothing points to a claim that has ended: what was carved from it then stands by itself.
 *
 * The MEM and OBJ domains are called with the GIL held, so nothing here takes a lock, and no hook takes
 * the GIL or touches a Python object.  What the heaps themselves need (reservations, their errors, the line
 * of those who wait) is allocated outside every heap.
 *
 * Not guarded against: a sub-interpreter with a GIL of its own that is run by a thread inside a heap would
 * count without the GIL that the books need; sys._current_frames() inside a heap that is full allocates
 * under the lock that sending HeapFull takes.
 *
 * One file, so that the hooks inline all they need.  Facts and costs: ARCHITECTURE.md. */
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
#define PAGE_BITS 12
#define PAGE_BYTES ((size_t)1 << PAGE_BITS)
#define SMALL_MAX ((size_t)32768)
#define CLASSES 56
#define BINS 64
#define UNLIMITED (SIZE_MAX >> 2)
#define SOFT_MAX ((size_t)512)   /* blocks up to this never fail while slack is left (CPython crashes if they do) */
#define DIRTY_BYTES ((size_t)16 << 20) /* free runs keep their pages up to this; more is given back to the system */
#define EMERGENCY_SPANS 16       /* kept for small blocks when no address space is left */
#define SPARE_RESERVATIONS 32

enum policy { RESERVE, FAIL, PANIC, WAIT };
static const char *const policy_names[] = {"reserve", "fail", "panic", "wait"};

enum awaited { NOBODY, AWAITED = 1, HELD = 2 }; /* who must not be passed: see short_of */

typedef struct Core Core;
typedef struct Span Span;
typedef struct Arena Arena;
typedef struct Claim Claim;
typedef struct Frame Frame;

struct Span {            /* a cache line */
    _Alignas(64) Core *core; /* whose blocks these are; NULL while the run is free */
    void *freed;         /* blocks that were freed, linked through their first word */
    Span *next, *prev;   /* in the core's list of spans with room, or in a bin of free runs */
    char *memory;
    uint32_t pages;      /* of a large block; 0 if the blocks are small */
    uint32_t fresh;      /* offset of the first block that was never used */
    uint32_t used;       /* blocks in use */
    uint32_t block;      /* their size */
    uint32_t length;     /* spans in the run */
    uint8_t class, listed, bin;
    uint8_t dirty;       /* the run may hold other bytes than zeros */
};
_Static_assert(sizeof(Span) == 64, "a span's record is a cache line");

struct Arena {
    Arena *next;
    char *base;
    size_t spans;
    Span span[];
};

struct Core {
    size_t live, peak;             /* the hot words */
    Py_ssize_t ceiling;
    Core *parent;
    size_t limit, slack, reserved;
    Span *room[CLASSES];           /* spans with a free block, by class */
    size_t allocations, frees, failures, footprint, overruns, overrun_bytes, injected, leaked, granted;
    int64_t fail_in;               /* the n-th allocation from now gets NULL; 0 = off */
    size_t fail_least;
    int fail_repeat, policy, orphan, awaited;
    size_t children;
    size_t call_peak, call_kept;   /* of the last reservation that ended */
    Core *next, *prev;             /* all cores, for check() */
    struct { size_t live, reserved, footprint, children; } sum; /* check()'s own */
};

/* Inside a Reservation object, or on the stack of admit(). */
struct Claim {
    Core *core;
    Claim *outer;                  /* carved from this one, if any */
    Claim *next, *prev;            /* all claims */
    size_t asked, left, drawn;
    size_t most, over;             /* the most that was drawn at once; allocated beyond it, in all */
    size_t carved;                 /* claims whose outer one this is */
};

struct Frame {
    Frame *up;
    Core *core;
    Claim *claim;
    PyObject *owner;               /* the heap or reservation of a `with`; NULL for a call, below which nothing can be left */
};

static __thread Core *current_core;    /* the hot word: NULL for threads that are in no heap */
static __thread Claim *active_claim;
static __thread Frame *frames;
static __thread size_t told;           /* how far a heap was over its ceiling when this thread was last told; 0 = it was not */

static PyMemAllocatorEx previous[3];
static int hooked, faults;             /* faults: cores with an injection */
static Arena *arenas[(size_t)1 << (ADDRESS_BITS - ARENA_BITS)];
static Arena *all_arenas;
static Arena *filling;                 /* the arena that new runs are cut from */
static size_t filled;                  /* spans of it that were handed out */
static Span *bins[BINS];               /* free runs by length */
static size_t dirty_bytes;             /* of free runs that kept their pages */
static Span *emergency;
static unsigned emergencies;
static size_t class_bytes[CLASSES];
static Core *all_cores;
static Claim *all_claims;
static Frame *spare_frames;
static PyObject *heap_full, *reservation_impossible, *would_block, *internal_error, *parse_bytes;

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

static inline size_t whole_pages(size_t n) { return (n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1); }
static inline size_t charged_bytes(size_t n) { return n <= SMALL_MAX ? class_bytes[class_of(n)] : whole_pages(n); }

/* Lengths of runs grow by a quarter, so a bin's runs serve every length up to its own. */
static inline size_t next_length(size_t length) { return length + (length / 4 ? length / 4 : 1); }

static unsigned bin_of(size_t need, size_t *length)
{
    unsigned bin = 0;
    for (*length = 1; *length < need; bin++)
        *length = next_length(*length);
    return bin;
}

static inline size_t run_bytes(const Span *s) { return (size_t)s->length << SPAN_BITS; }
static inline size_t large_bytes(const Span *s) { return (size_t)s->pages << PAGE_BITS; }
static inline size_t block_bytes(const Span *s) { return s->pages ? large_bytes(s) : s->block; }

static void run_drop(Span *s)
{
    s->core = NULL;
    s->pages = 0;
    s->prev = NULL;
    if (UNLIKELY(emergencies < EMERGENCY_SPANS) && s->length == 1) {
        s->next = emergency;
        emergency = s;
        emergencies++;
        return;
    }
    if (s->dirty)
        dirty_bytes += run_bytes(s);
    s->next = bins[s->bin];
    bins[s->bin] = s;
}

static Span *run_pop(unsigned bin)
{
    Span *s = bins[bin];
    bins[bin] = s->next;
    if (s->dirty)
        dirty_bytes -= run_bytes(s);
    return s;
}

/* Make free runs, longest first, of some spans of an arena. */
static void cut(Arena *a, size_t first, size_t count, uint8_t dirty)
{
    while (count) {
        size_t length = 1;
        unsigned bin = 0;
        for (; next_length(length) <= count; bin++)
            length = next_length(length);
        Span *s = &a->span[first];
        s->length = (uint32_t)length;
        s->bin = (uint8_t)bin;
        s->dirty = dirty;
        s->memory = a->base + (first << SPAN_BITS);
        run_drop(s);
        first += length;
        count -= length;
    }
}

static char *map(char *where, size_t bytes)
{
    char *p = mmap(where, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (where ? MAP_FIXED_NOREPLACE : 0), -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (where && p != where) { /* a kernel that does not know the flag */
        munmap(p, bytes);
        return NULL;
    }
    return p;
}

/* Address space that begins at a multiple of an arena: below the last one, or cut out of a longer piece. */
static char *map_aligned(size_t bytes)
{
    char *base = all_arenas && (uintptr_t)all_arenas->base > bytes ? map(all_arenas->base - bytes, bytes) : NULL;
    if (base)
        return base;
    char *raw = map(NULL, bytes + ARENA_BYTES);
    if (!raw)
        return NULL;
    base = (char *)(((uintptr_t)raw + ARENA_BYTES - 1) & ~(ARENA_BYTES - 1));
    if (base > raw)
        munmap(raw, (size_t)(base - raw));
    munmap(base + bytes, (size_t)(raw + ARENA_BYTES - base));
    return base;
}

/* Address space comes an arena at a time, so that a limit on it (ulimit -v) is met late, and as a full heap. */
static int new_arena(size_t spans)
{
    size_t bytes = ((spans << SPAN_BITS) + ARENA_BYTES - 1) & ~(ARENA_BYTES - 1);
    size_t count = bytes >> SPAN_BITS, record = sizeof(Arena) + count * sizeof(Span);
    Arena *a = (Arena *)map(NULL, record);
    char *base = a ? map_aligned(bytes) : NULL;
    if (!base) {
        if (a)
            munmap(a, record);
        return 0;
    }
    a->base = base;
    a->spans = count;
    a->next = all_arenas;
    all_arenas = a;
    for (size_t i = 0; i < bytes >> ARENA_BITS; i++)
        arenas[((uintptr_t)base >> ARENA_BITS) + i] = a;
    if (filling) {
        size_t rest = filled;
        filled = filling->spans;
        cut(filling, rest, filling->spans - rest, 0);
    }
    filling = a;
    filled = 0;
    while (emergencies < EMERGENCY_SPANS)
        cut(a, filled++, 1, 0);
    return 1;
}

/* Address space is used up: take a run of this length from a longer free one. */
static Span *run_from_longer(unsigned bin, size_t length)
{
    unsigned from = bin + 1;
    while (from < BINS && !bins[from])
        from++;
    if (from >= BINS)
        return NULL;
    Span *s = run_pop(from);
    Arena *a = arena_of(s->memory);
    size_t first = (size_t)(s - a->span), whole = s->length;
    s->length = (uint32_t)length;
    s->bin = (uint8_t)bin;
    cut(a, first + length, whole - length, s->dirty);
    return s;
}

static Span *run_new(size_t need)
{
    size_t length;
    unsigned bin = bin_of(need, &length);
    Span *s;
    if (bin >= BINS)
        return NULL;
    if (bins[bin]) {
        s = run_pop(bin);
    } else if ((filling && filling->spans - filled >= length) || new_arena(length)) {
        s = &filling->span[filled];
        s->memory = filling->base + (filled << SPAN_BITS);
        s->length = (uint32_t)length;
        s->bin = (uint8_t)bin;
        filled += length;
    } else if (!(s = run_from_longer(bin, length))) {
        return NULL;
    }
    s->next = s->prev = NULL;
    return s;
}

/* ---------------------------------------------------------------- the books */

static inline void set_ceiling(Core *c) { c->ceiling = (Py_ssize_t)c->limit - (Py_ssize_t)(c->slack + c->reserved); }
static inline int beyond(const Core *c, size_t n) { return (Py_ssize_t)(c->live + n) > c->ceiling; }
static inline size_t free_bytes(const Core *c) { return beyond(c, 0) ? 0 : (size_t)c->ceiling - c->live; }

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

/* The first core of a chain that cannot have n bytes set aside: it has no room, or somebody who came
 * earlier waits for its room. */
static inline Core *short_of(Core *c, size_t n, int heed)
{
    for (; c; c = c->parent)
        if (UNLIKELY(beyond(c, n) || (c->awaited & heed)))
            return c;
    return NULL;
}

static inline void reserved_add(Core *c, size_t n)
{
    for (; c; c = c->parent) {
        c->reserved += n;
        c->ceiling -= (Py_ssize_t)n;
    }
}

static inline int in_chain(const Core *c, const Core *k)
{
    while (c && c != k)
        c = c->parent;
    return c != NULL;
}

static inline void claim_open(Claim *claim, Core *core, Claim *outer, size_t n)
{
    *claim = (Claim){.core = core, .outer = outer, .asked = n, .left = n, .next = all_claims};
    if (all_claims)
        all_claims->prev = claim;
    all_claims = claim;
    if (outer) {
        outer->left -= n;
        outer->carved++;
    } else {
        reserved_add(core, n);
    }
}

/* What is carved from a claim that ends is carved from that one's outer claim now, or stands by itself. */
static void orphan_carved(Claim *claim)
{
    for (Claim *k = all_claims; k && claim->carved; k = k->next)
        if (k->outer == claim) {
            k->outer = claim->outer;
            claim->carved--;
            if (k->outer)
                k->outer->carved++;
        }
}

/* Give a carved claim back to its outer one: what is left, and what may still be refunded. */
static void claim_merge(Claim *claim)
{
    Claim *outer = claim->outer;
    size_t held = outer->drawn + claim->most;
    for (Claim *k = all_claims; k && outer->carved > 1; k = k->next)
        if (k->outer == outer && k != claim)
            held += k->drawn;
    if (held > outer->most)
        outer->most = held;
    outer->left += claim->left;
    outer->drawn += claim->drawn;
    outer->over += claim->over;
    outer->carved--;
}

/* End a claim.  Returns whether somebody waits for what came free. */
static inline int claim_close(Claim *claim)
{
    int awaited = NOBODY;
    if (UNLIKELY(claim->carved))
        orphan_carved(claim);
    if (claim->next)
        claim->next->prev = claim->prev;
    if (claim->prev)
        claim->prev->next = claim->next;
    else
        all_claims = claim->next;
    if (claim->outer) {
        claim_merge(claim);
        return NOBODY;
    }
    for (Core *c = claim->core; c; c = c->parent) {
        c->reserved -= claim->left;
        c->ceiling += (Py_ssize_t)claim->left;
        awaited |= c->awaited;
    }
    claim->core->call_peak = claim->most + claim->over;
    claim->core->call_kept = claim->drawn + claim->over;
    return awaited;
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

/* How many of n bytes a core has to find itself: all but what the claim, if it covers the core, brings. */
static inline size_t need_of(const Core *c, const Claim *claim, size_t n, size_t take)
{
    return claim && in_chain(claim->core, c) ? n - take : n;
}

/* The first heap of the chain that cannot take n bytes, `take` of which the active claim covers; with
 * `slack`, the bytes that are kept for overruns count as room. */
static Core *full_core(Core *chain, const Claim *claim, size_t n, size_t take, int slack)
{
    for (Core *c = chain; c; c = c->parent) {
        size_t need = need_of(c, claim, n, take);
        if (need && (Py_ssize_t)(c->live + need) > c->ceiling + (slack ? (Py_ssize_t)c->slack : 0))
            return c;
    }
    return NULL;
}

/* Have HeapFull raised in this thread between two bytecodes, if the heap that is full is one it is inside.
 * An exception that is on its way already stops the thread as well as ours would. */
static void send_heap_full(const Core *full)
{
    if (!in_chain(current_core, full) || !PyGILState_Check() || PyThreadState_Get()->async_exc)
        return;
    if (!told)
        told = 1;
    PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), heap_full);
}

/* Handling HeapFull allocates too: tell a thread again only when half of the slack that was left is used
 * as well, or when it has come down by half and is up again. */
static void tell(const Core *full, size_t over)
{
    if (told && over > told / 2 && over < told + (full->slack > told ? (full->slack - told) / 2 : 0))
        return;
    told = over;
    send_heap_full(full);
}

/* HeapFull that was not delivered yet is called off: it may never fire outside the heap it is about. */
static inline void call_off(void)
{
    if (UNLIKELY(told)) {
        told = 0;
        if (PyThreadState_Get()->async_exc == heap_full)
            PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), NULL);
    }
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
        size_t over = (size_t)((Py_ssize_t)(full->live + need_of(full, claim, n, take)) - full->ceiling);
        if (!claim || over > full->slack / 2) /* an admitted call may overrun; it is stopped while there is slack to stop in */
            tell(full, over);
        return 1;
    }
}

static inline void live_add(Core *c, size_t n)
{
    c->live += n;
    if (c->live > c->peak)
        c->peak = c->live;
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
            c->ceiling += (Py_ssize_t)take;
        }
        live_add(c, n);
    }
    if (claim) {
        claim->left -= take;
        claim->drawn += take;
        claim->over += n - take;
        if (claim->drawn > claim->most)
            claim->most = claim->drawn;
    }
    return 1;
}

/* With a claim at work or a fault under way. */
static int charge_claimed(Core *chain, size_t n)
{
    Claim *claim = active_claim;
    if (UNLIKELY(!claim || claim->left < n || faults))
        return charge_slow(chain, n);
    Core *c = chain;
    for (; c != claim->core; c = c->parent)
        if (UNLIKELY(!c || beyond(c, n)))
            return charge_slow(chain, n);
    for (c = chain; c != claim->core; c = c->parent)
        live_add(c, n);
    claim->left -= n;
    claim->drawn += n;
    if (claim->drawn > claim->most)
        claim->most = claim->drawn;
    for (; c; c = c->parent) { /* live + reserved stays as it was: nothing to check */
        c->reserved -= n;
        c->ceiling += (Py_ssize_t)n;
        live_add(c, n);
    }
    return 1;
}

static inline int charge(Core *chain, size_t n)
{
    if (UNLIKELY(active_claim || faults))
        return charge_claimed(chain, n);
    for (Core *c = chain; c; c = c->parent)
        if (UNLIKELY(beyond(c, n)))
            return charge_slow(chain, n);
    for (Core *c = chain; c; c = c->parent)
        live_add(c, n);
    return 1;
}

static void core_release(Core *c);

/* What a reserved call frees is refunded to its claim, up to what that drew, and then to the outer ones. */
static size_t refund(Claim *claim, size_t n)
{
    size_t back = 0;
    do {
        size_t part = claim->drawn < n - back ? claim->drawn : n - back;
        claim->drawn -= part;
        claim->left += part;
        back += part;
    } while (UNLIKELY(back < n) && (claim = claim->outer));
    return back;
}

static inline void uncharge(Core *chain, size_t n)
{
    Claim *claim = active_claim;
    for (Core *c = chain; c; c = c->parent) {
        c->live -= n;
        if (UNLIKELY(claim && c == claim->core)) {
            size_t back = refund(claim, n);
            for (Core *k = c; k; k = k->parent) {
                k->reserved += back;
                k->ceiling -= (Py_ssize_t)back;
            }
        }
    }
    if (UNLIKELY(chain->orphan))
        core_release(chain);
}

/* ---------------------------------------------------------------- blocks: take and drop know no books */

static inline int has_room(const Span *s) { return s->freed || s->fresh + s->block <= SPAN_BYTES; }

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

static Span *new_span(Core *c, unsigned class)
{
    Span *s = run_new(1);
    if (UNLIKELY(!s)) { /* no address space: a few small blocks are still served, and the thread is told, seldom */
        if (!(s = emergency))
            return NULL;
        emergency = s->next;
        emergencies--;
        if (!told || !(emergencies & (emergencies - 1)))
            send_heap_full(c);
    }
    s->core = c;
    s->pages = 0;
    s->class = (uint8_t)class;
    s->block = (uint32_t)class_bytes[class];
    s->freed = NULL;
    s->fresh = s->used = 0;
    footprint_add(c, SPAN_BYTES);
    list_span(c, s);
    return s;
}

/* Give the pages of a run that is about to be free back to the system, unless few are kept so far. */
static inline void clean(Span *s)
{
    if (dirty_bytes + run_bytes(s) > DIRTY_BYTES)
        s->dirty = madvise(s->memory, run_bytes(s), MADV_DONTNEED) != 0;
}

static void drop_span(Core *c, Span *s)
{
    unlist_span(c, s);
    footprint_take(c, SPAN_BYTES);
    s->dirty = 1;
    clean(s);
    run_drop(s);
}

static inline void *take_small(Core *c, unsigned class)
{
    Span *s = c->room[class];
    if (UNLIKELY(!s) && !(s = new_span(c, class)))
        return NULL;
    void *p = s->freed;
    if (p) {
        s->freed = *(void **)p;
    } else {
        p = s->memory + s->fresh;
        s->fresh += s->block;
    }
    s->used++;
    c->allocations++;
    if (UNLIKELY(!has_room(s)))
        unlist_span(c, s);
    return p;
}

static void *take_large(Core *c, size_t bytes)
{
    Span *s = run_new((bytes + SPAN_BYTES - 1) >> SPAN_BITS);
    if (!s)
        return NULL;
    s->core = c;
    s->pages = (uint32_t)(bytes >> PAGE_BITS);
    footprint_add(c, bytes);
    c->allocations++;
    return s->memory;
}

static inline void drop(Span *s, void *p)
{
    Core *c = s->core;
    c->frees++;
    if (UNLIKELY(s->pages)) {
        footprint_take(c, large_bytes(s));
        s->dirty = 1;
        clean(s);
        run_drop(s);
        return;
    }
    *(void **)p = s->freed;
    s->freed = p;
    if (UNLIKELY(!s->listed))
        list_span(c, s);
    if (UNLIKELY(--s->used == 0) && (s->next || s->prev || c->orphan)) /* keep one empty span a class */
        drop_span(c, s);
}

static void *alloc_large(Core *c, size_t n)
{
    size_t bytes = whole_pages(n);
    if (n > UNLIMITED || !charge(c, bytes))
        return NULL;
    void *p = take_large(c, bytes);
    if (!p) { /* no address space: the thread learns it from this, and handles it on emergency spans */
        told += !told && in_chain(current_core, c);
        c->failures++;
        uncharge(c, bytes);
    }
    return p;
}

static inline void *alloc(Core *c, size_t n)
{
    if (UNLIKELY(n > SMALL_MAX))
        return alloc_large(c, n);
    unsigned class = class_of(n);
    if (UNLIKELY(!charge(c, class_bytes[class])))
        return NULL;
    void *p = take_small(c, class);
    if (UNLIKELY(!p)) {
        c->failures++;
        uncharge(c, class_bytes[class]);
    }
    return p;
}

static inline void release(Span *s, void *p)
{
    Core *c = s->core;
    size_t bytes = block_bytes(s);
    drop(s, p);
    uncharge(c, bytes); /* last, for it frees the core of a heap that is gone */
}

/* A large block that stays where it is: its run is long enough. */
static int resize_in_place(Span *s, size_t bytes)
{
    Core *c = s->core;
    size_t old = large_bytes(s);
    if (bytes > old && !charge(c, bytes - old))
        return 0;
    s->pages = (uint32_t)(bytes >> PAGE_BITS);
    if (bytes > old) {
        footprint_add(c, bytes - old);
        return 1;
    }
    if (madvise(s->memory + bytes, old - bytes, MADV_DONTNEED))
        s->dirty = 1;
    footprint_take(c, old - bytes);
    uncharge(c, old - bytes);
    return 1;
}

/* The owner pays, wherever the thread is.  Shrinking needs no room and cannot fail. */
static void *resize(Span *s, void *p, size_t n)
{
    Core *c = s->core;
    size_t old = block_bytes(s);
    if (n > UNLIMITED)
        return NULL;
    size_t bytes = charged_bytes(n);
    if (bytes == old)
        return p;
    if (s->pages && n > SMALL_MAX && bytes <= run_bytes(s))
        return resize_in_place(s, bytes) ? p : NULL;
    if (bytes > old && !charge(c, bytes))
        return NULL;
    void *q = n > SMALL_MAX ? take_large(c, bytes) : take_small(c, class_of(n));
    if (!q) {
        if (bytes < old)
            return p;
        c->failures++;
        uncharge(c, bytes);
        return NULL;
    }
    memcpy(q, p, n < old ? n : old);
    drop(s, p);
    uncharge(c, bytes > old ? old : old - bytes);
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
    if (p && (n <= SMALL_MAX || span_in(arena_of(p), p)->dirty))
        memset(p, 0, n);
    return p;
}

static __attribute__((noinline)) void *realloc_inside(void *context, void *p, size_t n)
{
    Core *c = current_core;
    if (!p)
        return alloc(c, n);
    Arena *a = arena_of(p);
    if (a)
        return resize(span_in(a, p), p, n);
    current_core = NULL; /* what the allocator below us asks for is not ours to count */
    void *q = PREVIOUS(context)->realloc(PREVIOUS(context)->ctx, p, n);
    current_core = c;
    return q;
}

static void *hook_realloc(void *context, void *p, size_t n)
{
    if (LIKELY(!current_core && !arena_of(p)))
        return PREVIOUS(context)->realloc(PREVIOUS(context)->ctx, p, n);
    return realloc_inside(context, p, n);
}

static void hook_free(void *context, void *p)
{
    Arena *a = arena_of(p);
    if (LIKELY(!a))
        PREVIOUS(context)->free(PREVIOUS(context)->ctx, p);
    else
        release(span_in(a, p), p);
}

/* Put the hook in place.  Python code runs only before the mark in sys is looked at: it may let another thread in,
 * which may be here, too. */
static int install(void)
{
    if (hooked)
        return 0;
    PyObject *tracemalloc = PyImport_ImportModule("tracemalloc");
    PyObject *tracing = tracemalloc ? PyObject_CallMethod(tracemalloc, "is_tracing", NULL) : NULL;
    Py_XDECREF(tracemalloc);
    if (!tracing)
        return -1;
    int on = PyObject_IsTrue(tracing);
    Py_DECREF(tracing);
    if (hooked)
        return 0;
    if (on) {
        PyErr_SetString(PyExc_RuntimeError,
                        "tracemalloc is tracing, and would remove hardtack's hook when it stops: call tracemalloc.stop() first "
                        "(starting it later is fine)");
        return -1;
    }
    if (PySys_GetObject("_hardtack_heap")) {
        PyErr_SetString(PyExc_RuntimeError, "another copy of hardtack's heap is at work in this process: import only one");
        return -1;
    }
    if (PySys_SetObject("_hardtack_heap", Py_True))
        return -1;
    hooked = 1;
    for (int domain = PYMEM_DOMAIN_MEM; domain <= PYMEM_DOMAIN_OBJ; domain++) {
        PyMem_GetAllocator((PyMemAllocatorDomain)domain, &previous[domain]);
        PyMemAllocatorEx ours = {&previous[domain], hook_malloc, hook_calloc, hook_realloc, hook_free};
        PyMem_SetAllocator((PyMemAllocatorDomain)domain, &ours);
    }
    return 0;
}

/* ---------------------------------------------------------------- frames: which heap a thread is in */

typedef struct {
    PyObject_HEAD
    Core *core;
    PyObject *parent, *name, *last_overrun;
    PyObject *line; /* of a root: those who wait for it or for a heap below it (waiting.py), or NULL */
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

/* An exception under way that must survive what is done in between. */
typedef struct {
    PyObject *type, *value, *traceback;
} Raised;

static Raised set_aside(void)
{
    Raised r = {NULL, NULL, NULL};
#if PY_VERSION_HEX >= 0x030C0000
    r.value = PyErr_GetRaisedException();
#else
    PyErr_Fetch(&r.type, &r.value, &r.traceback);
#endif
    return r;
}

static void put_back(Raised r)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(r.value);
#else
    PyErr_Restore(r.type, r.value, r.traceback);
#endif
}

static int push(PyObject *owner, Core *core, Claim *claim)
{
    Frame *f = spare_frames;
    if (f)
        spare_frames = f->up;
    else if (!(f = malloc(sizeof *f))) {
        PyErr_NoMemory();
        return -1;
    }
    *f = (Frame){frames, current_core, active_claim, Py_NewRef(owner)};
    frames = f;
    current_core = core;
    active_claim = claim;
    return 0;
}

/* Go back to before the topmost `with`.  Returns its owner, which is the caller's to let go of. */
static inline PyObject *pop_frame(void)
{
    Frame *f = frames;
    frames = f->up;
    current_core = f->core;
    active_claim = f->claim;
    f->up = spare_frames;
    spare_frames = f;
    return f->owner;
}

/* Leave everything that was entered after `until` and not left, as by a generator that stopped inside a `with`. */
static void unwind(const Frame *until)
{
    Raised raised = set_aside();
    while (frames != until) {
        PyObject *owner = pop_frame();
        if (Py_IS_TYPE(owner, &Reservation_Type))
            RESERVATION(owner)->entered = 0;
        Py_DECREF(owner);
    }
    put_back(raised);
}

static int pop(PyObject *owner)
{
    Frame *f = frames;
    if (LIKELY(f && f->owner == owner)) {
        Py_DECREF(pop_frame());
        call_off();
        return 0;
    }
    while (f && f->owner && f->owner != owner)
        f = f->up;
    if (f && f->owner) { /* others were entered later and are still open: out of them too */
        unwind(f->up);
        call_off();
    }
    PyErr_SetString(PyExc_RuntimeError, "heaps and reservations are left in the reverse order of entering them, on the same thread and in the same call");
    return -1;
}

/* Call args[0] with the rest, in another heap or in none.  Whatever it does, the thread is then where it was. */
static inline PyObject *call_in(Core *core, Claim *claim, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    Frame barrier = {frames, current_core, active_claim, NULL};
    frames = &barrier;
    current_core = core;
    active_claim = claim;
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, (size_t)(n - 1), keywords);
    if (UNLIKELY(frames != &barrier))
        unwind(&barrier);
    frames = barrier.up;
    current_core = barrier.core;
    active_claim = barrier.claim;
    call_off();
    return result;
}

/* Our own objects are nobody's: they are made outside every heap. */
static inline Core *step_out(void)
{
    Core *was = current_core;
    current_core = NULL;
    return was;
}

/* The same for our own Python code.  HeapFull that is on its way waits until it is done. */
static PyObject *call_outside(Claim *claim, PyObject *const *args, Py_ssize_t n)
{
    size_t was_told = told;
    int pending = told && PyThreadState_Get()->async_exc == heap_full;
    call_off();
    PyObject *result = call_in(NULL, claim, args, n, NULL);
    told = was_told;
    if (pending)
        PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), heap_full);
    return result;
}

/* ---------------------------------------------------------------- claims that end, and who hears of it */

/* Somebody waits for what came free: hand it over, on this thread. */
static void serve(HeapObject *heap)
{
    while (heap->parent != Py_None)
        heap = HEAP(heap->parent);
    if (!heap->line)
        return;
    Raised raised = set_aside();
    PyObject *line = Py_NewRef(heap->line);
    Core *was = step_out();
    PyObject *method = PyObject_GetAttrString(line, "serve");
    PyObject *result = method ? call_outside(NULL, &method, 1) : NULL;
    if (!result)
        PyErr_WriteUnraisable(line);
    Py_XDECREF(result);
    Py_XDECREF(method);
    current_core = was;
    Py_DECREF(line);
    put_back(raised);
}

/* The name of a function, or of the one that is running. */
static PyObject *name_of(PyObject *function)
{
    PyFrameObject *frame = function ? NULL : PyEval_GetFrame();
    PyCodeObject *code = frame ? PyFrame_GetCode(frame) : NULL;
    PyObject *name = code       ? PyObject_GetAttrString((PyObject *)code, "co_qualname")
                     : function ? PyObject_GetAttrString(function, "__qualname__")
                                : PyUnicode_FromString("?");
    Py_XDECREF(code);
    if (name && PyUnicode_Check(name))
        return name;
    Py_XDECREF(name);
    PyErr_Clear();
    return PyObject_Repr(function ? function : Py_None);
}

/* Enter an overrun in the books: rare, so it may cost. */
static void note_overrun(HeapObject *heap, const Claim *claim, PyObject *function)
{
    heap->core->overruns++;
    heap->core->overrun_bytes += claim->over;
    Raised raised = set_aside();
    Core *was = step_out();
    PyObject *name = name_of(function);
    PyObject *record = name ? Py_BuildValue("Nnn", name, (Py_ssize_t)claim->asked, (Py_ssize_t)(claim->most + claim->over)) : NULL;
    if (record)
        Py_XSETREF(heap->last_overrun, record);
    else
        PyErr_Clear();
    current_core = was;
    put_back(raised);
}

/* End a claim on a heap; `function` is what ran on it, or NULL for a `with`. */
static inline void finish(HeapObject *heap, Claim *claim, PyObject *function)
{
    int carved = claim->outer != NULL, awaited = claim_close(claim);
    if (UNLIKELY(claim->over) && !carved)
        note_overrun(heap, claim, function);
    if (UNLIKELY(awaited))
        serve(heap);
}

static void give_back(ReservationObject *r, PyObject *function)
{
    if (r->released)
        return;
    r->released = 1;
    finish(r->heap, &r->claim, function);
    r->claim.left = 0;
}

/* ---------------------------------------------------------------- reserving */

static ReservationObject *spare_reservations[SPARE_RESERVATIONS];
static int spares;

static PyObject *new_reservation(HeapObject *heap, Claim *outer, size_t n)
{
    ReservationObject *r;
    if (LIKELY(spares)) {
        r = spare_reservations[--spares];
        (void)PyObject_Init((PyObject *)r, &Reservation_Type);
    } else {
        Core *was = step_out();
        r = PyObject_New(ReservationObject, &Reservation_Type);
        current_core = was;
        if (!r)
            return NULL;
    }
    r->heap = (HeapObject *)Py_NewRef(heap);
    r->released = r->entered = 0;
    claim_open(&r->claim, heap->core, outer, n);
    return (PyObject *)r;
}

/* A size as people give it: a number of bytes, or text, which units.parse_bytes reads. */
static int amount_of(PyObject *o, size_t *amount)
{
    if (LIKELY(PyLong_CheckExact(o))) {
        Py_ssize_t n = PyLong_AsSsize_t(o);
        if (LIKELY(n >= 0 && (size_t)n <= UNLIMITED)) {
            *amount = (size_t)n;
            return 0;
        }
        PyErr_Clear();
    }
    PyObject *args[] = {parse_bytes, o};
    PyObject *parsed = call_outside(active_claim, args, 2);
    if (!parsed)
        return -1;
    *amount = PyLong_AsSize_t(parsed);
    Py_DECREF(parsed);
    return *amount == (size_t)-1 && PyErr_Occurred() ? -1 : 0;
}

static PyObject *impossible(HeapObject *heap, size_t n)
{
    Core *was = step_out();
    PyObject *error = PyObject_CallFunction(reservation_impossible, "nnO", (Py_ssize_t)n, (Py_ssize_t)possible_bytes(heap->core), heap->name);
    if (error) {
        PyErr_SetObject(reservation_impossible, error);
        Py_DECREF(error);
    }
    current_core = was;
    return NULL;
}

static PyObject *would_have_to_wait(HeapObject *heap, size_t n, const Claim *outer)
{
    Core *was = step_out();
    if (outer)
        PyErr_Format(would_block, "the reservation on heap '%U' that this is inside has %zu of %zu bytes left, not %zu", heap->name, outer->left,
                     outer->asked, n);
    else if (!short_of(heap->core, n, NOBODY))
        PyErr_Format(would_block, "heap '%U': others wait for its memory, and %zu more bytes may not pass them", heap->name, n);
    else
        PyErr_Format(would_block, "heap '%U' has no room for %zu bytes now: %zu are free", heap->name, n, room_bytes(heap->core));
    current_core = was;
    return NULL;
}

/* Sort a call's arguments by its parameters, of which the first must be given. */
static int sort_arguments(const char *function, const char *const *parameters, Py_ssize_t count, Py_ssize_t positional, PyObject *const *args,
                          Py_ssize_t n, PyObject *keywords, PyObject **into)
{
    if (n > positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes %zd positional arguments at most, not %zd", function, positional, n);
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++)
        into[i] = args[i];
    for (Py_ssize_t k = 0; keywords && k < PyTuple_GET_SIZE(keywords); k++) {
        PyObject *keyword = PyTuple_GET_ITEM(keywords, k);
        Py_ssize_t i = 0;
        while (i < count && PyUnicode_CompareWithASCIIString(keyword, parameters[i]))
            i++;
        if (i == count || into[i]) {
            PyErr_Format(PyExc_TypeError, "%s() has no argument '%U', or has it twice", function, keyword);
            return -1;
        }
        into[i] = args[n + k];
    }
    if (!into[0])
        PyErr_Format(PyExc_TypeError, "%s() needs an argument '%s'", function, parameters[0]);
    return into[0] ? 0 : -1;
}

PyDoc_STRVAR(reserve_nowait_doc,
"reserve_nowait($self, /, amount, *, fresh=False)\n--\n\n"
"Set `amount` bytes aside at once, on this heap and all above it.\n"
"\n"
"Inside an active reservation of this heap the bytes are carved from that one, unless `fresh`.\n"
"\n"
"Args:\n"
"    amount: bytes, or text like \"2 MiB\".\n"
"    fresh: take them from the heap in any case.\n"
"\n"
"Raises:\n"
"    WouldBlock: there is no room now, or others wait for it; nothing is held.\n"
"    ReservationImpossible: there never could be.\n"
"\n"
"Example:\n"
"    >>> from hardtack.heap import Heap\n"
"    >>> heap = Heap(\"1 MiB\", name=\"demo\")\n"
"    >>> reservation = heap.reserve_nowait(100_000)\n"
"    >>> heap.reserved\n"
"    100000\n"
"    >>> reservation.release(); heap.reserved\n"
"    0\n");

static inline Claim *outer_claim(const Core *c) { return active_claim && active_claim->core == c ? active_claim : NULL; }

static PyObject *heap_reserve_nowait(PyObject *o, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    static const char *const parameters[] = {"amount", "fresh"};
    PyObject *given[2] = {NULL, NULL};
    int fresh = 0;
    if (LIKELY(n == 1 && !keywords))
        given[0] = args[0];
    else if (sort_arguments("reserve_nowait", parameters, 2, 1, args, n, keywords, given) || (given[1] && (fresh = PyObject_IsTrue(given[1])) < 0))
        return NULL;
    size_t amount;
    if (amount_of(given[0], &amount))
        return NULL;
    Core *c = HEAP(o)->core;
    Claim *outer = fresh ? NULL : outer_claim(c);
    if (outer ? amount <= outer->left : !short_of(c, amount, AWAITED | HELD))
        return new_reservation(HEAP(o), outer, amount);
    if (amount > possible_bytes(c))
        return impossible(HEAP(o), amount);
    return would_have_to_wait(HEAP(o), amount, outer);
}

PyDoc_STRVAR(reserve_doc,
"reserve($self, /, amount, timeout=None)\n--\n\n"
"Set `amount` bytes aside, waiting for them if need be. Blocks the calling thread.\n"
"\n"
"Who waits is served in the order of coming, and cannot be passed by those who come later; garbage is\n"
"collected before waiting. Inside a reservation it never waits: on the same heap the bytes are carved from\n"
"that one. Used as `with heap.reserve(n):`, what is allocated inside comes out of the reservation, and the\n"
"rest goes back at the end.\n"
"\n"
"Args:\n"
"    amount: bytes, or text like \"2 MiB\".\n"
"    timeout: seconds to wait at most, None for ever.\n"
"\n"
"Raises:\n"
"    ReservationImpossible: there never could be room; nothing was evicted or waited for.\n"
"    ReservationTimeout: the time is over; nothing is held.\n"
"    WouldBlock: it would have to wait inside a reservation, or on the thread of a running event loop.\n"
"\n"
"Example:\n"
"    >>> from hardtack.heap import Heap\n"
"    >>> heap = Heap(\"1 MiB\", name=\"demo\")\n"
"    >>> with heap.reserve(\"64 KiB\") as reservation:\n"
"    ...     page = bytes(1000)\n"
"    >>> heap.reserved, heap.live\n"
"    (0, 1280)\n");

static PyObject *heap_reserve(PyObject *o, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    static const char *const parameters[] = {"amount", "timeout"};
    PyObject *given[2] = {NULL, NULL};
    if (LIKELY(n == 1 && !keywords))
        given[0] = args[0];
    else if (sort_arguments("reserve", parameters, 2, 2, args, n, keywords, given))
        return NULL;
    size_t amount;
    if (amount_of(given[0], &amount))
        return NULL;
    Core *c = HEAP(o)->core;
    Claim *outer = outer_claim(c);
    if (outer ? amount <= outer->left : !short_of(c, amount, AWAITED | HELD))
        return new_reservation(HEAP(o), outer, amount);
    if (amount > possible_bytes(c))
        return impossible(HEAP(o), amount);
    if (active_claim)
        return would_have_to_wait(HEAP(o), amount, outer);
    Core *was = step_out();
    PyObject *waiting = PyImport_ImportModule("hardtack.heap.waiting");
    PyObject *wait[] = {waiting ? PyObject_GetAttrString(waiting, "reserve") : NULL, o, PyLong_FromSize_t(amount), given[1] ? given[1] : Py_None};
    PyObject *result = wait[0] && wait[2] ? call_outside(NULL, wait, 4) : NULL;
    Py_XDECREF(wait[2]);
    Py_XDECREF(wait[0]);
    Py_XDECREF(waiting);
    current_core = was;
    return result;
}

/* For the line of those who wait: a reservation, or the heap that is short, whose room nobody may take now. */
static PyObject *heap_grant(PyObject *o, PyObject *amount)
{
    size_t n = PyLong_AsSize_t(amount);
    if (n == (size_t)-1 && PyErr_Occurred())
        return NULL;
    Core *full = short_of(HEAP(o)->core, n, AWAITED);
    if (!full) {
        PyObject *r = new_reservation(HEAP(o), NULL, n);
        HEAP(o)->core->granted += r != NULL;
        return r;
    }
    while (HEAP(o)->core != full)
        o = HEAP(o)->parent;
    full->awaited |= AWAITED;
    return Py_NewRef(o);
}

/* For the line: nobody waits for this heap's room any more, as far as is known. */
static PyObject *heap_unmark(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    HEAP(o)->core->awaited &= ~AWAITED;
    Py_RETURN_NONE;
}

/* For the line: while it looks who can be served, no newcomer may take anything in this tree. */
static PyObject *heap_hold(PyObject *o, PyObject *on)
{
    int held = PyObject_IsTrue(on);
    if (held < 0)
        return NULL;
    HEAP(o)->core->awaited = (HEAP(o)->core->awaited & ~HELD) | (held ? HELD : 0);
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- Heap */

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
    if (parent != Py_None && !IS_HEAP(parent)) {
        PyErr_Format(PyExc_TypeError, "a heap's parent is a heap or None, not %.100s", Py_TYPE(parent)->tp_name);
        return NULL;
    }
    if (policy == 4 || slack < 0 || (size_t)slack > limit || limit > UNLIMITED) {
        PyErr_Format(PyExc_ValueError, "a heap's capacity is from 0 to 2**62 - 1 bytes, its slack within it, its policy reserve, fail, panic or wait");
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
    HEAP(result)->line = NULL;
    return result;
}

static void heap_dealloc(PyObject *o)
{
    Core *c = HEAP(o)->core;
    PyObject *parent = HEAP(o)->parent;
    Py_CLEAR(HEAP(o)->line);
    Py_CLEAR(HEAP(o)->last_overrun);
    Py_CLEAR(HEAP(o)->name);
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

PyDoc_STRVAR(enter_doc,
"__enter__($self, /)\n--\n\n"
"Have the calling thread allocate from this heap until it leaves; returns the heap.");

static PyObject *heap_enter(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    return push(o, HEAP(o)->core, active_claim) ? NULL : Py_NewRef(o);
}

PyDoc_STRVAR(exit_doc,
"__exit__($self, /, *exception)\n--\n\n"
"Have the thread allocate from where it did before. Out of order or on another thread: RuntimeError.");

static PyObject *heap_exit(PyObject *o, PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(n))
{
    if (pop(o))
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(run_doc,
"run($self, function, /, *arguments, **keywords)\n--\n\n"
"Call a function inside this heap and return what it returns: `with heap:` for one call.");

static PyObject *heap_run(PyObject *o, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    if (n < 1) {
        PyErr_SetString(PyExc_TypeError, "run(function, *arguments, **keywords) needs a function");
        return NULL;
    }
    Py_INCREF(o);
    PyObject *result = call_in(HEAP(o)->core, active_claim, args, n, keywords);
    Py_DECREF(o);
    return result;
}

static int is_below(const Core *child, const Core *c)
{
    if (LIKELY(in_chain(child, c)))
        return 1;
    PyErr_SetString(PyExc_ValueError, "a call runs in the heap of its reservation or in one below it");
    return 0;
}

PyDoc_STRVAR(admit_doc,
"admit($self, child, bound, function, /, *arguments)\n--\n\n"
"Reserve `bound` bytes on this heap, call the function inside `child`, give back the rest.\n"
"\n"
"The function cannot run out of memory while it keeps within the bound. Never waits.\n"
"\n"
"Args:\n"
"    child: this heap or one below it.\n"
"    bound: bytes that the call needs at most.\n"
"    function: called with the arguments. Under a policy other than reserve it is called without a reservation.\n"
"\n"
"Returns:\n"
"    What the function returns; NotImplemented, without having called it, if there is no room or others\n"
"    wait for it.\n");

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
    if ((bound == (size_t)-1 && PyErr_Occurred()) || !is_below(child, c))
        return NULL;
    if (bound > UNLIMITED || short_of(c, bound, AWAITED | HELD))
        Py_RETURN_NOTIMPLEMENTED;
    Claim claim;
    claim_open(&claim, c, NULL, bound);
    Py_INCREF(o);
    Py_INCREF(args[0]);
    PyObject *result = call_in(child, &claim, args + 2, n - 2, NULL);
    finish(HEAP(o), &claim, args[2]);
    Py_DECREF(args[0]);
    Py_DECREF(o);
    return result;
}

PyDoc_STRVAR(fail_nth_doc,
"fail_nth($self, n, /, *, min_size=0, repeat=False)\n--\n\n"
"Make the n-th allocation from now fail, in this heap or below it; 0 turns it off.\n"
"\n"
"Args:\n"
"    n: counted from 1.\n"
"    min_size: smaller blocks, in bytes, are not counted and do not fail.\n"
"    repeat: all that come after it fail as well.\n");

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

PyDoc_STRVAR(reset_peak_doc, "reset_peak($self, /)\n--\n\nStart `peak` anew from what is live now.");

static PyObject *heap_reset_peak(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    HEAP(o)->core->peak = HEAP(o)->core->live;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(last_call_doc,
"last_call($self, /)\n--\n\n"
"Return (peak, kept) of the last reservation on this heap that ended: the most bytes it held, and at its end.");

static PyObject *heap_last_call(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("nn", (Py_ssize_t)HEAP(o)->core->call_peak, (Py_ssize_t)HEAP(o)->core->call_kept);
}

static PyObject *heap_counters(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    Core *c = HEAP(o)->core;
    return Py_BuildValue("nnnnnnn", (Py_ssize_t)c->allocations, (Py_ssize_t)c->frees, (Py_ssize_t)c->failures, (Py_ssize_t)c->overruns,
                         (Py_ssize_t)c->overrun_bytes, (Py_ssize_t)c->leaked, (Py_ssize_t)c->granted);
}

PyDoc_STRVAR(owns_doc,
"owns($self, thing, /)\n--\n\n"
"Tell whether an object's own block is charged to this heap itself.");

static PyObject *heap_owns(PyObject *o, PyObject *thing)
{
    Arena *a = arena_of(thing);
    return PyBool_FromLong(a && span_in(a, thing)->core == HEAP(o)->core);
}

/* ---------------------------------------------------------------- checking the books */

/* One span against its core, whose sums it adds to; NULL when all is well. */
static const char *wrong_with_span(const Span *s)
{
    s->core->sum.live += s->pages ? large_bytes(s) : (size_t)s->used * s->block;
    s->core->sum.footprint += s->pages ? large_bytes(s) : SPAN_BYTES;
    if (s->pages)
        return large_bytes(s) > run_bytes(s) ? "a large block is longer than its run" : NULL;
    size_t freed = 0, made = s->fresh / s->block;
    for (void *p = s->freed; p && freed <= made; p = *(void **)p)
        freed++;
    if (freed + s->used != made)
        return "a span's free list does not hold what is not in use";
    if (s->listed != has_room(s))
        return "a span with room is not listed, or a full one is";
    return NULL;
}

static const char *wrong_with(const Core *c)
{
    if (c->sum.live != c->live)
        return "live is not what its blocks and its children's add up to";
    if (c->sum.footprint != c->footprint)
        return "its footprint is not what its spans and its children's add up to";
    if (c->sum.children != c->children)
        return "it miscounts its children";
    if (c->sum.reserved != c->reserved)
        return "reserved is not what its reservations and its children's have left";
    if (c->ceiling != (Py_ssize_t)c->limit - (Py_ssize_t)(c->slack + c->reserved))
        return "its ceiling is not limit - slack - reserved";
    if (c->live + c->reserved > c->limit)
        return "live and reserved exceed its capacity";
    if (c->peak < c->live)
        return "its peak is below what is live";
    return NULL;
}

/* The first thing that does not hold of a core and those below it, and of which core. */
static const char *wrong_anywhere(const Core *top, const Core **where)
{
    const char *wrong = NULL;
    for (Core *c = all_cores; c; c = c->next)
        memset(&c->sum, 0, sizeof c->sum);
    for (Arena *a = all_arenas; a; a = a->next) {
        size_t end = a == filling ? filled : a->spans;
        for (size_t k = 0; k < end; k += a->span[k].length)
            if (a->span[k].core) {
                const char *bad = wrong_with_span(&a->span[k]);
                if (bad && in_chain(a->span[k].core, top)) {
                    *where = a->span[k].core;
                    wrong = bad;
                }
            }
    }
    for (Claim *k = all_claims; k; k = k->next)
        k->core->sum.reserved += k->left;
    for (Core *c = all_cores; c; c = c->next)
        if (c->parent) {
            c->parent->sum.live += c->live;
            c->parent->sum.reserved += c->reserved;
            c->parent->sum.footprint += c->footprint;
            c->parent->sum.children++;
        }
    for (Core *c = all_cores; c && !wrong; c = c->next)
        if (in_chain(c, top) && (wrong = wrong_with(c)))
            *where = c;
    return wrong;
}

PyDoc_STRVAR(check_doc,
"check($self, /)\n--\n\n"
"Count this heap's blocks, spans and reservations, and those of the heaps below, against their books.\n"
"\n"
"Raises:\n"
"    InternalError: they do not balance.\n");

static PyObject *heap_check(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    const Core *where = NULL;
    const char *wrong = wrong_anywhere(HEAP(o)->core, &where);
    if (!wrong)
        Py_RETURN_NONE;
    return PyErr_Format(internal_error, "heap '%U' or one below it: %s (live %zu, reserved %zu, footprint %zu, limit %zu)", HEAP(o)->name, wrong,
                        where->live, where->reserved, where->footprint, where->limit);
}

#define COUNT(name, doc) {#name, heap_get, NULL, doc, (void *)offsetof(Core, name)}
static PyObject *heap_get(PyObject *o, void *offset) { return PyLong_FromSize_t(*(size_t *)((char *)HEAP(o)->core + (size_t)offset)); }
static PyObject *heap_get_free(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(free_bytes(HEAP(o)->core)); }
static PyObject *heap_get_room(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(room_bytes(HEAP(o)->core)); }
static PyObject *heap_get_possible(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(possible_bytes(HEAP(o)->core)); }
static PyObject *heap_get_name(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->name); }
static PyObject *heap_get_parent(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->parent); }
static PyObject *heap_get_overrun(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->last_overrun); }
static PyObject *heap_get_policy(PyObject *o, void *Py_UNUSED(x)) { return PyUnicode_FromString(policy_names[HEAP(o)->core->policy]); }
static PyObject *heap_get_line(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->line ? HEAP(o)->line : Py_None); }
static PyObject *heap_get_capacity(PyObject *o, void *Py_UNUSED(x))
{
    if (HEAP(o)->core->limit == UNLIMITED)
        Py_RETURN_NONE;
    return PyLong_FromSize_t(HEAP(o)->core->limit);
}

static int heap_set_line(PyObject *o, PyObject *line, void *Py_UNUSED(x))
{
    Py_XSETREF(HEAP(o)->line, Py_XNewRef(line));
    return 0;
}

static PyGetSetDef heap_properties[] = {
    COUNT(live, "Bytes allocated now, here and in the heaps below."),
    COUNT(peak, "The most bytes that were ever live."),
    COUNT(reserved, "Bytes set aside by reservations and not drawn."),
    COUNT(slack, "Bytes of the capacity that only overruns may use."),
    COUNT(footprint, "Address space held for its blocks, in bytes."),
    COUNT(overruns, "Reservations that were overrun."),
    COUNT(injected, "Allocations that fail_nth made fail."),
    {"free", heap_get_free, NULL, "Bytes that are neither live, reserved nor slack.", NULL},
    {"room", heap_get_room, NULL, "The least `free` from here to the root, in bytes.", NULL},
    {"possible", heap_get_possible, NULL, "The most bytes that could ever be reserved.", NULL},
    {"capacity", heap_get_capacity, NULL, "The most bytes it may hold; None for its parents' limits alone.", NULL},
    {"name", heap_get_name, NULL, "For messages.", NULL},
    {"parent", heap_get_parent, NULL, "The heap that everything here is charged to as well, or None.", NULL},
    {"on_exhaustion", heap_get_policy, NULL, "What an allocation meets at the limit.", NULL},
    {"_last_overrun", heap_get_overrun, NULL, NULL, NULL},
    {"_line", heap_get_line, heap_set_line, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define FUNCTION(f) ((PyCFunction)(void (*)(void))(f))
static PyMethodDef heap_methods[] = {
    {"__enter__", heap_enter, METH_NOARGS, enter_doc},
    {"__exit__", FUNCTION(heap_exit), METH_FASTCALL, exit_doc},
    {"run", FUNCTION(heap_run), METH_FASTCALL | METH_KEYWORDS, run_doc},
    {"admit", FUNCTION(heap_admit), METH_FASTCALL, admit_doc},
    {"reserve", FUNCTION(heap_reserve), METH_FASTCALL | METH_KEYWORDS, reserve_doc},
    {"reserve_nowait", FUNCTION(heap_reserve_nowait), METH_FASTCALL | METH_KEYWORDS, reserve_nowait_doc},
    {"fail_nth", FUNCTION(heap_fail_nth), METH_VARARGS | METH_KEYWORDS, fail_nth_doc},
    {"reset_peak", heap_reset_peak, METH_NOARGS, reset_peak_doc},
    {"last_call", heap_last_call, METH_NOARGS, last_call_doc},
    {"owns", heap_owns, METH_O, owns_doc},
    {"check", heap_check, METH_NOARGS, check_doc},
    {"_counters", heap_counters, METH_NOARGS, NULL},
    {"_grant", heap_grant, METH_O, NULL},
    {"_unmark", heap_unmark, METH_NOARGS, NULL},
    {"_hold", heap_hold, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Heap_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hardtack.heap._native.Heap",
    .tp_doc = "The native core of hardtack.heap.Heap.",
    .tp_basicsize = sizeof(HeapObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = heap_new,
    .tp_dealloc = heap_dealloc,
    .tp_methods = heap_methods,
    .tp_getset = heap_properties,
};

/* ---------------------------------------------------------------- Reservation */

static void reservation_dealloc(PyObject *o)
{
    ReservationObject *r = RESERVATION(o);
    if (UNLIKELY(!r->released)) {
        r->claim.core->leaked++;
        give_back(r, NULL);
    }
    HeapObject *heap = r->heap;
    if (spares < SPARE_RESERVATIONS)
        spare_reservations[spares++] = r;
    else
        PyObject_Free(o);
    Py_DECREF(heap);
}

PyDoc_STRVAR(release_doc,
"release($self, /)\n--\n\n"
"Give back what is left. Once is enough; again does nothing. Not while it is entered: RuntimeError.");

static PyObject *reservation_release(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    if (RESERVATION(o)->entered) {
        PyErr_SetString(PyExc_RuntimeError, "this reservation is in use: leave its `with` first");
        return NULL;
    }
    give_back(RESERVATION(o), NULL);
    Py_RETURN_NONE;
}

static int usable(ReservationObject *r)
{
    if (LIKELY(!r->released && !r->entered))
        return 1;
    PyErr_SetString(PyExc_RuntimeError, r->released ? "this reservation was released" : "this reservation is in use already");
    return 0;
}

PyDoc_STRVAR(reservation_enter_doc,
"__enter__($self, /)\n--\n\n"
"Enter the heap, and have the calling thread draw from this reservation first.");

static PyObject *reservation_enter(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    ReservationObject *r = RESERVATION(o);
    if (!usable(r) || push(o, r->claim.core, &r->claim))
        return NULL;
    r->entered = 1;
    return Py_NewRef(o);
}

PyDoc_STRVAR(reservation_exit_doc, "__exit__($self, /, *exception)\n--\n\nLeave, and release.");

static PyObject *reservation_exit(PyObject *o, PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(n))
{
    int failed = pop(o);
    if (!failed)
        RESERVATION(o)->entered = 0;
    if (!RESERVATION(o)->entered) {
        Raised raised = set_aside();
        give_back(RESERVATION(o), NULL);
        put_back(raised);
    }
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(reservation_run_doc,
"run($self, child, function, /, *arguments)\n--\n\n"
"Call a function on this reservation, inside `child` (its heap or one below it), and release it.");

static PyObject *reservation_run(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    ReservationObject *r = RESERVATION(o);
    if (n < 2 || !IS_HEAP(args[0])) {
        PyErr_SetString(PyExc_TypeError, "run(child, function, *arguments) needs a heap and a function");
        return NULL;
    }
    if (!usable(r) || !is_below(HEAP(args[0])->core, r->claim.core))
        return NULL;
    Py_INCREF(o);
    Py_INCREF(args[0]);
    r->entered = 1;
    PyObject *result = call_in(HEAP(args[0])->core, &r->claim, args + 1, n - 1, NULL);
    r->entered = 0;
    give_back(r, args[1]);
    Py_DECREF(args[0]);
    Py_DECREF(o);
    return result;
}

PyDoc_STRVAR(refill_doc,
"refill($self, /)\n--\n\n"
"Take what was drawn anew from the heap's free room, if all of it is there; tell whether it was.\n"
"\n"
"What was drawn and lives on is the heap's from now on, and not refunded when it is freed. For\n"
"reservations that stand for long; a carved one cannot be refilled.");

static PyObject *reservation_refill(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    Claim *claim = &RESERVATION(o)->claim;
    if (RESERVATION(o)->released || claim->outer || short_of(claim->core, claim->drawn, NOBODY))
        Py_RETURN_FALSE;
    reserved_add(claim->core, claim->drawn);
    claim->left += claim->drawn;
    claim->drawn = 0;
    Py_RETURN_TRUE;
}

static PyObject *reservation_amount(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(RESERVATION(o)->claim.asked); }
static PyObject *reservation_left(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(RESERVATION(o)->claim.left); }
static PyObject *reservation_heap(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef((PyObject *)RESERVATION(o)->heap); }
static PyObject *reservation_released(PyObject *o, void *Py_UNUSED(x)) { return PyBool_FromLong(RESERVATION(o)->released); }

static PyGetSetDef reservation_properties[] = {
    {"amount", reservation_amount, NULL, "Bytes that were asked for.", NULL},
    {"left", reservation_left, NULL, "Bytes that are not drawn; 0 once released.", NULL},
    {"heap", reservation_heap, NULL, "The heap it is on.", NULL},
    {"released", reservation_released, NULL, "Whether it was given back.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef reservation_methods[] = {
    {"__enter__", reservation_enter, METH_NOARGS, reservation_enter_doc},
    {"__exit__", FUNCTION(reservation_exit), METH_FASTCALL, reservation_exit_doc},
    {"run", FUNCTION(reservation_run), METH_FASTCALL, reservation_run_doc},
    {"release", reservation_release, METH_NOARGS, release_doc},
    {"refill", reservation_refill, METH_NOARGS, refill_doc},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Reservation_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hardtack.heap.Reservation",
    .tp_doc = "Bytes set aside on a heap; made by Heap.reserve and Heap.reserve_nowait.\n\n"
              "Leaving its `with`, or release(), gives back what is left. One that is dropped without either is\n"
              "given back too, and counted as leaked.",
    .tp_basicsize = sizeof(ReservationObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
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

static PyObject *module_in_reservation(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored)) { return PyBool_FromLong(active_claim != NULL); }

static PyObject *module_census(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored))
{
    Py_ssize_t cores = 0, claims = 0, arenas_held = 0;
    for (Core *c = all_cores; c; c = c->next)
        cores++;
    for (Claim *k = all_claims; k; k = k->next)
        claims++;
    for (Arena *a = all_arenas; a; a = a->next)
        arenas_held += (Py_ssize_t)(a->spans << SPAN_BITS);
    return Py_BuildValue("nnn", cores, claims, arenas_held);
}

static PyMethodDef module_methods[] = {
    {"installed", module_installed, METH_NOARGS, "installed($module, /)\n--\n\nTell whether the hook is in place, with nobody's on top of it."},
    {"size_class", module_size_class, METH_O, "size_class($module, size, /)\n--\n\nReturn the bytes that a block of this size is charged."},
    {"in_reservation", module_in_reservation, METH_NOARGS, "in_reservation($module, /)\n--\n\nTell whether the thread draws from a reservation."},
    {"census", module_census, METH_NOARGS,
     "census($module, /)\n--\n\nReturn how many heaps (dropped ones with live blocks too) and reservations there are, and bytes of address space."},
    {NULL, NULL, 0, NULL},
};

static int fetch(PyObject **into, PyObject *module, const char *name)
{
    Py_XSETREF(*into, module ? PyObject_GetAttrString(module, name) : NULL);
    return *into ? 0 : -1;
}

static int module_exec(PyObject *m)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "hardtack.heap works in the main interpreter alone: sub-interpreters share their allocators with it");
        return -1;
    }
    for (unsigned i = 0; i < CLASSES; i++)
        class_bytes[i] = i < 32 ? (size_t)(i + 1) * 16 : ((size_t)1 << (9 + (i - 32) / 4)) + ((size_t)((i - 32) % 4 + 1) << (7 + (i - 32) / 4));
    PyObject *errors = PyImport_ImportModule("hardtack.errors"), *units = PyImport_ImportModule("hardtack.units");
    int failed = !errors || !units || fetch(&heap_full, errors, "HeapFull") || fetch(&reservation_impossible, errors, "ReservationImpossible") ||
                 fetch(&would_block, errors, "WouldBlock") || fetch(&internal_error, errors, "InternalError") ||
                 fetch(&parse_bytes, units, "parse_bytes") || PyModule_AddType(m, &Heap_Type) || PyModule_AddType(m, &Reservation_Type);
    Py_XDECREF(errors);
    Py_XDECREF(units);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "hardtack.heap._native", "The native core: see hardtack.heap.", 0, module_methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
