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
 *   hold         bytes set aside for a claim on a core below the claim's, which has a limit of its own: they do
 *                not count above it, where the claim does.
 *   tab          what one core has been charged, from one claim or from none, that the books do not show yet.
 *   slack        bytes inside the limit that only overruns and overdrafts may use.
 *   spill        a core of its own, beside its heap's chain, for the small blocks that a full heap may not refuse,
 *                since CPython does not survive that.  Its home is the core that they would have been charged to.
 *   frame        one `with` or one call that changed a thread's heap: what to go back to.
 *   coroutine    one that brings its own frames along, and takes them away again, at every step.
 *
 * Invariants (heap.check() asserts them)
 *   live + reserved + held <= limit for every core; live = its own blocks + its children's live.
 *   reserved = what is left of its own claims + its children's reserved; held = what is left of its holds.
 *   ceiling = limit - slack - reserved - held, so that one comparison admits a charge; overruns can bring it below 0.
 *   A claim's left + drawn, and the same of all that are carved from it, add up to what it asked for.
 *   The tab is settled before anything reads what it changes, and closed before its room could be less than it says.
 *   Nothing points to a claim that has ended: what was carved from it then stands by itself.
 *   Automatic collection is off while a thread draws from a claim, if it was on when the first of them began.  A
 *   thread that ends a claim then does what is due of it, outside every heap and every claim of its own.
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
#include <frameobject.h>
#if PY_VERSION_HEX < 0x030D0000 /* what only later Pythons tell or do by themselves */
#define Py_BUILD_CORE 1
#undef _PyGC_FINALIZED /* the inner headers have a function of that name */
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#if PY_VERSION_HEX < 0x030C0000
#include <internal/pycore_frame.h>
#endif
#undef Py_BUILD_CORE
#undef ARENA_BITS /* obmalloc's; ours are below */
#undef ADDRESS_BITS
#endif
#ifdef Py_GIL_DISABLED
#error "free-threaded CPython keeps objects in mimalloc and cannot take another allocator: use a GIL build"
#endif
#include <opcode.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COLD __attribute__((cold, noinline)) /* out of the way of those that are measured in nanoseconds */
#define ALWAYS_INLINE inline __attribute__((always_inline)) /* where GCC thinks it too long, and it is the way of every call */
#define APART __attribute__((noinline)) /* called last, so that who calls it has no registers to save */

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
#define SOFT_MAX ((size_t)512)   /* blocks up to this are never refused (CPython crashes if they are) */
#define EMERGENCY_BYTES ((size_t)65536) /* of spilled blocks, in which a thread may end in order; then it is told at every one */
#define UNBORN_BLOCKS 64         /* more than it takes to make HeapFull */
#define DIRTY_BYTES ((size_t)16 << 20) /* free runs keep their pages up to this; more is given back to the system */
#define EMERGENCY_SPANS 16       /* kept for small blocks when no address space is left */
#define SPARE_RESERVATIONS 32
#define LOOK_SECONDS 0.01        /* between two looks of those who leave whether garbage is to be collected */
#define FULL_SHARE 10            /* full collections may take one such part of the time */

enum policy { RESERVE, FAIL, PANIC, WAIT };
static const char *const policy_names[] = {"reserve", "fail", "panic", "wait"};

enum awaited { NOBODY, AWAITED = 1 }; /* who must not be passed: see short_of */

typedef struct Core Core;
typedef struct Span Span;
typedef struct Arena Arena;
typedef struct Claim Claim;
typedef struct Hold Hold;
typedef struct Thread Thread;
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
    size_t live, peak;             /* the hot words: a cache line */
    Py_ssize_t ceiling;
    Core *parent;
    size_t allocations, frees, reserved, held;
    size_t limit, slack;
    Span *room[CLASSES];           /* by class: all spans with a free block, and full ones that nobody has come across yet */
    size_t failures, footprint, overruns, overrun_bytes, injected, leaked, granted;
    int64_t fail_in;               /* the n-th allocation from now gets NULL; 0 = off */
    size_t fail_least;
    int fail_repeat, policy, orphan, awaited, strict;
    int cyclic;                    /* its Heap, or one above, may refer to things that refer to reservations on it */
    Core *spill, *home;            /* see above; a core has one of them at most */
    size_t children, holds;        /* that keep it from being freed, as does a spill that is not empty */
    size_t call_peak, call_kept;   /* of the last reservation that ended */
    uint64_t serial;               /* no other core ever has the same */
    Core *next, *prev;             /* all cores, for check() */
    Core *below, *beside, *before; /* the first child; the next and the previous child of the same parent */
    const Core *above;             /* the core in its chain that admitted the last call here */
    PyObject *object;              /* the Heap, which it does not keep alive; NULL once that is gone */
    struct { size_t live, reserved, held, footprint, children; } sum; /* check()'s own */
};

/* Inside a Reservation object, or on the stack of admit(). */
struct Claim {
    Core *core;
    Claim *outer;                  /* carved from this one, if any */
    Claim *next, *prev;            /* all claims */
    size_t asked, left, drawn;
    size_t most, beyond, over;     /* the most that was drawn at once; live beyond it now, and at most */
    size_t carved;                 /* claims whose outer one this is */
    Hold *holds;                   /* one a core */
    PyObject *maker;               /* the code that made it and where in it; of a call (at < 0), the function */
    int at, ended, object;         /* object: it is a Reservation's */
};

/* Made by malloc; belongs to one claim. */
struct Hold {
    Hold *next;
    Core *core;
    Hold *outer;                   /* of the outer claim, on the same core: what it was carved from, if it was */
    size_t left, drawn;
};

struct Frame {
    Frame *up;
    Core *core;
    Claim *claim;
    PyObject *owner;               /* the heap or reservation of a `with`; NULL for a call, below which nothing can be left */
    Claim *mine;                   /* the claim that was entered with it, if any */
    const void *python;            /* of a `with`: the Python frame that it stands in, to compare alone, */
    int at;                        /* where in it, */
    uint64_t context;              /* and how often the thread had changed its context */
};

/* A thread that has been in a heap; ends with its thread state. Made by malloc. */
struct Thread {
    Frame **frames;                /* the thread's own, as are the next two: others may write them, under the GIL */
    Core **core;
    Claim **claim;
    Thread *next, *prev;
};

static __thread Core *current_core;    /* the hot word: NULL for threads that are in no heap */
static __thread Claim *active_claim;
static __thread Frame *frames;
static __thread struct {
    uint64_t serial;
    size_t asked, held, free;
    unsigned unborn;
} refusal;                             /* what HeapFull was last sent for: the core, which may be gone, and figures of that moment */
static __thread size_t told;           /* how far a heap was over its ceiling when this thread was last told; 0 = it was not */
static __thread int spilling;          /* it was told because a block was spilled: that is not forgiven on leaving */
static __thread size_t refusals;       /* allocations of this thread that got NULL */

static PyMemAllocatorEx previous[3];
static int hooked, faults;             /* faults: cores with an injection */
static Core *refuser;                  /* the full core that the last charge failed on; NULL if that was an injected fault */
static Span *spans_at[(size_t)1 << (ADDRESS_BITS - ARENA_BITS)]; /* the records of 64 MiB of addresses, if they are an arena's */
static uintptr_t lowest, extent;       /* all arenas are in here: most blocks of others are told by this alone */
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
static Thread *all_threads;
static __thread Thread *this_thread;
static size_t admitted;                /* threads that draw from a claim now */
static int collecting;                 /* automatic collection was on before they did */
static double look_due, full_due;      /* when to look again whether something is to be collected, and whether fully */
static Frame *spare_frames;
static void (*enter_hook)(void);       /* an integration's: called when a thread in no heap has entered one */
static PyObject *heap_full, *reservation_impossible, *would_block, *bound_exceeded, *internal_error, *parse_bytes, *report_overrun, *report_leak, *package, *garbage;

/* ---------------------------------------------------------------- addresses, classes, runs */

static inline int may_be_ours(const void *p) { return (uintptr_t)p - lowest < extent; }

/* The record of the span that an address is in; NULL if it is in none of ours. */
static inline Span *span_of(const void *p)
{
    if (!may_be_ours(p))
        return NULL;
    Span *first = spans_at[(uintptr_t)p >> ARENA_BITS];
    return first ? &first[(uintptr_t)p >> SPAN_BITS & (((size_t)1 << (ARENA_BITS - SPAN_BITS)) - 1)] : NULL;
}

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
    for (size_t i = 0; i < count; i += (size_t)1 << (ARENA_BITS - SPAN_BITS))
        spans_at[((uintptr_t)base + (i << SPAN_BITS)) >> ARENA_BITS] = &a->span[i];
    uintptr_t end = (uintptr_t)base + bytes;
    if (extent && lowest + extent > end)
        end = lowest + extent;
    if (!extent || (uintptr_t)base < lowest)
        lowest = (uintptr_t)base;
    extent = end - lowest;
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
    Arena *a = all_arenas;
    while (s < a->span || s >= a->span + a->spans)
        a = a->next;
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

static inline void set_ceiling(Core *c) { c->ceiling = (Py_ssize_t)c->limit - (Py_ssize_t)(c->slack + c->reserved + c->held); }
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

/* The same of the claim's own core and of those that a hold would be taken on. */
static Core *short_with_holds(Core *c, size_t n, const Hold *holds, int heed)
{
    Core *full = short_of(c, n, heed);
    for (; holds && !full; holds = holds->next)
        if (beyond(holds->core, n) || (holds->core->awaited & heed))
            full = holds->core;
    return full;
}

/* ---------------------------------------------------------------- the tab */

/* Most blocks are charged like the one before.  So nobody goes up the chain for each of them: when a tab is opened, its
 * room is what the claim has left, or the chain, and drawing is a subtraction until somebody wants to see the books.
 * There is one for all threads, which hold the GIL: it serves the thread that has its core and its claim. */
static struct {
    Core *core;                    /* NULL while none is open */
    Claim *claim;                  /* that it draws from, if any: its thread's active one */
    size_t room;                   /* what may be charged on it */
    size_t settled, least;         /* what room was when it was settled, and the least since */
    size_t whole;                  /* what room may grow to: no claim takes back more than was drawn from it */
} tab;

static inline int on_tab(const Core *c) { return tab.core == c && tab.claim == active_claim; }

static inline void charged_on(Core *c, size_t drawn, size_t most)
{
    if (c->live + most > c->peak)
        c->peak = c->live + most;
    c->live += drawn; /* modulo 2**64: more may have been freed */
}

static void settle_drawn(size_t drawn, size_t most)
{
    Core *c = tab.core;
    Claim *claim = tab.claim;
    tab.settled = tab.least = tab.room;
    for (; c && !(claim && c == claim->core); c = c->parent)
        charged_on(c, drawn, most);
    if (!claim)
        return;
    if (claim->drawn + most > claim->most)
        claim->most = claim->drawn + most;
    claim->left -= drawn;
    claim->drawn += drawn;
    for (; c; c = c->parent) {
        charged_on(c, drawn, most);
        c->reserved -= drawn;
        c->ceiling += (Py_ssize_t)drawn;
    }
}

/* Bring the books up to date. */
static inline void settle(void)
{
    if (tab.core && (tab.room != tab.settled || tab.least != tab.settled))
        settle_drawn(tab.settled - tab.room, tab.settled - tab.least);
}

static inline void close_tab(void)
{
    settle();
    tab.core = NULL;
    tab.claim = NULL;
}

/* A claim on this core moves as much out of what is reserved as into what is live: to see what is free, or to set
 * more aside, it need not be settled. */
static inline int tab_draws_on(const Core *c) { return tab.claim && tab.claim->core == c; }

/* A claim that is to begin on this core leaves the tab open if it is neither carved from another nor has holds. */
static inline void make_way(const Core *c, int plain)
{
    if (!plain || !tab_draws_on(c))
        close_tab();
}

/* Open a tab, if any bytes are left that need no thought. */
static int open_tab(Core *core)
{
    Claim *claim = active_claim;
    close_tab();
    if (UNLIKELY(faults || core->orphan || (claim && claim->holds)))
        return 0;
    size_t room = claim ? claim->left : UNLIMITED;
    Core *top = claim ? claim->core : NULL;
    for (Core *c = core; c != top; c = c->parent) {
        if (UNLIKELY(!c)) /* a block of another heap */
            return 0;
        if (free_bytes(c) < room)
            room = free_bytes(c);
    }
    tab.core = core;
    tab.claim = claim;
    tab.room = tab.settled = tab.least = room;
    tab.whole = claim ? room + claim->drawn : SIZE_MAX;
    return 1;
}

static inline void draw(size_t n)
{
    tab.room -= n;
    if (tab.room < tab.least)
        tab.least = tab.room;
}

static inline void held_add(Core *c, Py_ssize_t n)
{
    c->held += (size_t)n;
    c->ceiling -= n;
}

static inline Hold *hold_on(const Claim *claim, const Core *c)
{
    Hold *h = claim->holds;
    while (h && h->core != c)
        h = h->next;
    return h;
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

static COLD void holds_open(const Claim *claim)
{
    for (Hold *h = claim->holds; h; h = h->next) {
        h->core->holds++;
        if (h->outer)
            h->outer->left -= h->left;
        else
            held_add(h->core, (Py_ssize_t)h->left);
    }
}

/* Begin a claim that there is room for. The holds are its own from now on. Who calls has made way. */
static inline void claim_open(Claim *claim, Core *core, Claim *outer, size_t n, Hold *holds)
{
    /* One by one: told to clear it all, GCC writes `rep stos`, which takes longer to begin than this in all. */
    claim->core = core;
    claim->outer = outer;
    claim->next = all_claims;
    claim->prev = NULL;
    claim->asked = claim->left = n;
    claim->drawn = claim->most = claim->beyond = claim->over = 0;
    claim->carved = 0;
    claim->holds = holds;
    claim->maker = NULL;
    claim->at = claim->ended = claim->object = 0;
    if (UNLIKELY(holds != NULL))
        holds_open(claim);
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
static COLD void orphan_carved(Claim *claim)
{
    for (Claim *k = all_claims; k && claim->carved; k = k->next)
        if (k->outer == claim) {
            for (Hold *h = k->holds; h; h = h->next)
                if (h->outer)
                    h->outer = h->outer->outer;
            k->outer = claim->outer;
            claim->carved--;
            if (k->outer)
                k->outer->carved++;
        }
}

/* Give a carved claim back to its outer one: what is left, and what may still be refunded. */
static COLD void claim_merge(Claim *claim)
{
    Claim *outer = claim->outer;
    size_t held = outer->drawn + claim->most + claim->over;
    for (Claim *k = all_claims; k && outer->carved > 1; k = k->next)
        if (k->outer == outer && k != claim)
            held += k->drawn;
    if (held > outer->most)
        outer->most = held;
    outer->left += claim->left;
    outer->drawn += claim->drawn;
    outer->carved--;
}

static void core_release(Core *c);

/* Give the holds of a claim back, to those they were carved from or to their cores. */
static COLD int holds_close(Claim *claim)
{
    int awaited = NOBODY;
    for (Hold *h; (h = claim->holds); free(h)) {
        claim->holds = h->next;
        if (h->outer) {
            h->outer->left += h->left;
            h->outer->drawn += h->drawn;
        } else {
            held_add(h->core, -(Py_ssize_t)h->left);
            awaited |= h->core->awaited;
        }
        h->core->holds--;
        if (UNLIKELY(h->core->orphan))
            core_release(h->core);
    }
    return awaited;
}

/* End a claim; a plain one is carved from no other, and has no holds. Returns whether somebody waits for what came
 * free. */
static ALWAYS_INLINE int claim_close_as(Claim *claim, int plain)
{
    int awaited = NOBODY;
    if (tab.claim == claim || claim->carved || (!plain && claim->outer))
        close_tab();
    claim->ended = 1;
    if (UNLIKELY(claim->carved))
        orphan_carved(claim);
    if (claim->next)
        claim->next->prev = claim->prev;
    if (claim->prev)
        claim->prev->next = claim->next;
    else
        all_claims = claim->next;
    if (!plain && UNLIKELY(claim->holds != NULL))
        awaited = holds_close(claim);
    if (!plain && claim->outer) {
        claim_merge(claim);
        return awaited;
    }
    for (Core *c = claim->core; c; c = c->parent) {
        c->reserved -= claim->left;
        c->ceiling += (Py_ssize_t)claim->left;
        awaited |= c->awaited;
    }
    claim->core->call_peak = claim->most + claim->over;
    claim->core->call_kept = claim->drawn + claim->beyond;
    return awaited;
}

static int claim_close(Claim *claim) { return claim_close_as(claim, 0); }

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

static inline size_t from_hold(const Hold *h, size_t n) { return h->left < n ? h->left : n; }

/* How many of n bytes a core has to find itself: all but what the claim, if it covers the core, or its hold
 * there brings. */
static inline size_t need_of(const Core *c, const Claim *claim, size_t n, size_t take)
{
    if (!claim)
        return n;
    if (in_chain(claim->core, c))
        return n - take;
    const Hold *h = hold_on(claim, c);
    return h ? n - from_hold(h, n) : n;
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
 * An exception that is on its way already stops the thread as well as ours would.  One that has arrived is an object
 * only when CPython has made it, in the full heap, and run its __init__: told of what that takes it would have to make
 * another, and so on.  Some of those are never made, so the thread is told again after so many blocks. */
static void send_heap_full(const Core *full, size_t asked)
{
    settle();
    if (!in_chain(current_core, full) || !PyGILState_Check() || PyThreadState_Get()->async_exc)
        return;
    if (refusal.unborn && --refusal.unborn)
        return;
    if (!told)
        told = 1;
    refusal.unborn = UNBORN_BLOCKS;
    refusal.serial = full->serial;
    refusal.asked = asked;
    refusal.held = full->live + full->reserved;
    refusal.free = free_bytes(full);
    PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), heap_full);
}

/* Handling HeapFull allocates too: tell a thread again only when half of the slack that was left is used
 * as well, and then of the emergency's bytes, or when it has come down by half and is up again. */
static void tell(const Core *full, size_t over, size_t asked)
{
    size_t end = told < full->slack ? full->slack : full->slack + EMERGENCY_BYTES;
    if (told && over > told / 2 && over < told + (end > told ? (end - told) / 2 : 0))
        return;
    told = over;
    send_heap_full(full, asked);
}

/* Take back the exception that was sent to this thread.  Up to 3.12, PyThreadState_SetAsyncExc(..., NULL) leaves
 * the interpreter's note that there is one: it would look for it at every function from then on, and under a
 * tracer, in 3.11, for ever.  What else may be on its way is looked at after the breaker is down: none is missed.
 * Of that only what this thread would handle raises it again, by CPython's own rule, or a tracer would wait for others;
 * another thread that an exception is on its way to makes the note anew when it takes the GIL. */
static void take_back(PyThreadState *thread)
{
    Py_CLEAR(thread->async_exc);
#if PY_VERSION_HEX < 0x030D0000
    struct _ceval_state *eval = &thread->interp->ceval;
    eval->pending.async_exc = 0;
    _Py_atomic_store(&eval->eval_breaker, 0);
    int in_main = PyThread_get_thread_ident() == _PyRuntime.main_thread;
    int due = _Py_atomic_load(&eval->gil_drop_request), due_in_main = _Py_atomic_load(&_PyRuntime.ceval.signals_pending);
#if PY_VERSION_HEX >= 0x030C0000
    due |= _Py_atomic_load(&eval->gc_scheduled) | _Py_atomic_load(&eval->pending.calls_to_do);
    due_in_main |= _Py_atomic_load(&_PyRuntime.ceval.pending_mainthread.calls_to_do);
#else
    due_in_main |= _Py_atomic_load(&eval->pending.calls_to_do);
#endif
    if (due || (in_main && due_in_main))
        _Py_atomic_store(&eval->eval_breaker, 1);
#endif
}

/* HeapFull that was not delivered yet is called off: it may never fire outside the heap it is about.  Returns
 * whether that may not be forgiven. */
static COLD int call_off_told(void)
{
    PyThreadState *thread = PyThreadState_Get();
    int pending = thread->async_exc == heap_full, spilled = spilling;
    told = 0;
    spilling = 0;
    refusal.unborn = 0;
    if (pending)
        take_back(thread);
    return pending && spilled;
}

static inline int call_off(void) { return UNLIKELY(told) && call_off_told(); }

/* What a heap that is full does, by its policy: 1 = the slack serves, 0 = no.  May not return (panic). */
static void write_events(const Core *c);

static int at_the_limit(Core *full, Core *chain, const Claim *claim, size_t n, size_t take)
{
    switch (full->policy) {
    case PANIC:
        fprintf(stderr, "hardtack: heap exhausted: %zu of %zu bytes live, %zu more asked\n", full->live, full->limit, n);
        write_events(full);
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
            tell(full, over, n);
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
    close_tab();
    refuser = NULL;
    if (UNLIKELY(faults) && fault_due(chain, n))
        return 0;
    if (claim && !in_chain(chain, claim->core))
        claim = NULL;
    size_t take = claim ? (claim->left < n ? claim->left : n) : 0;
    Core *full = full_core(chain, claim, n, take, 0);
    if (full && !at_the_limit(full, chain, claim, n, take)) {
        full->failures++;
        refuser = full;
        return 0;
    }
    int covered = 0;
    for (Core *c = chain; c; c = c->parent) {
        if (claim && c == claim->core)
            covered = 1;
        Hold *h = claim && !covered ? hold_on(claim, c) : NULL;
        if (covered) {
            c->reserved -= take;
            c->ceiling += (Py_ssize_t)take;
        } else if (h) {
            size_t part = from_hold(h, n);
            h->left -= part;
            h->drawn += part;
            held_add(c, -(Py_ssize_t)part);
        }
        live_add(c, n);
    }
    if (claim) {
        claim->left -= take;
        claim->drawn += take;
        claim->beyond += n - take;
        if (claim->beyond > claim->over)
            claim->over = claim->beyond;
        if (claim->drawn > claim->most)
            claim->most = claim->drawn;
    }
    return 1;
}

/* Charge if there is nothing to think about; 0 = nothing is charged yet, see charge_slow. */
static inline int charge_quickly(Core *chain, size_t n)
{
    if (LIKELY(on_tab(chain) && n <= tab.room) || (open_tab(chain) && n <= tab.room)) {
        draw(n);
        return 1;
    }
    return 0;
}

static int charge(Core *chain, size_t n) { return charge_quickly(chain, n) || charge_slow(chain, n); }

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

/* The same for the claim's hold on a core, and those it was carved from. */
static COLD void refund_hold(const Claim *claim, Core *c, size_t n)
{
    size_t back = 0;
    for (Hold *h = hold_on(claim, c); h && back < n; h = h->outer) {
        size_t part = h->drawn < n - back ? h->drawn : n - back;
        h->drawn -= part;
        h->left += part;
        back += part;
    }
    held_add(c, (Py_ssize_t)back);
}

/* What the active claim itself did not draw came from beyond it. */
static inline void repay(Claim *claim, size_t n)
{
    size_t rest = claim->drawn < n ? n - claim->drawn : 0;
    claim->beyond -= claim->beyond < rest ? claim->beyond : rest;
}

static inline int tab_takes_back(const Core *c, size_t n) { return on_tab(c) && tab.room + n <= tab.whole; }

/* Where a claim, if there is one, has drawn as much. The tab stays open: its room can only have grown. */
static void uncharge_apart(Core *chain, Claim *claim, size_t n)
{
    Core *c = chain;
    for (; c && !(claim && c == claim->core); c = c->parent)
        c->live -= n;
    if (!c)
        return;
    claim->left += n;
    claim->drawn -= n;
    if (tab.claim == claim)
        tab.whole -= n;
    for (; c; c = c->parent) {
        c->live -= n;
        c->reserved += n;
        c->ceiling -= (Py_ssize_t)n;
    }
}

static void uncharge_slow(Core *chain, Claim *claim, size_t n)
{
    close_tab();
    for (Core *c = chain; c; c = c->parent) {
        c->live -= n;
        if (c == claim->core) {
            repay(claim, n);
            reserved_add(c, refund(claim, n));
        } else if (claim->holds)
            refund_hold(claim, c, n);
    }
}

static void uncharge(Core *chain, size_t n)
{
    Claim *claim = active_claim;
    if (LIKELY(tab_takes_back(chain, n))) {
        tab.room += n;
        return;
    }
    settle();
    if (!claim || (claim->drawn >= n && !claim->holds))
        uncharge_apart(chain, claim, n);
    else
        uncharge_slow(chain, claim, n);
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
            send_heap_full(c, class_bytes[class]);
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

/* A block of a span; NULL if it is full. */
static inline void *take_from(Core *c, Span *s, size_t block)
{
    void *p = s->freed;
    if (p) {
        s->freed = *(void **)p;
    } else {
        if (UNLIKELY(s->fresh + block > SPAN_BYTES))
            return NULL;
        p = s->memory + s->fresh;
        s->fresh += (uint32_t)block;
    }
    s->used++;
    c->allocations++;
    return p;
}

static void *take_small(Core *c, unsigned class)
{
    for (Span *s; (s = c->room[class]); unlist_span(c, s)) {
        void *p = take_from(c, s, s->block);
        if (p)
            return p;
    }
    Span *s = new_span(c, class);
    return s ? take_from(c, s, s->block) : NULL;
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

/* A span without a block in use goes, unless it is the only one of its class. */
static APART void drop_empty(Core *c, Span *s)
{
    if (s->next || s->prev || c->orphan)
        drop_span(c, s);
}

static COLD void drop_large(Core *c, Span *s)
{
    footprint_take(c, large_bytes(s));
    s->dirty = 1;
    clean(s);
    run_drop(s);
}

static inline void drop(Span *s, void *p)
{
    Core *c = s->core;
    c->frees++;
    if (UNLIKELY(s->pages)) {
        drop_large(c, s);
        return;
    }
    *(void **)p = s->freed;
    s->freed = p;
    if (UNLIKELY(!s->listed))
        list_span(c, s);
    if (UNLIKELY(--s->used == 0))
        drop_empty(c, s);
}

static void link_core(Core *c)
{
    static uint64_t cores;
    c->serial = ++cores;
    c->next = all_cores;
    if (c->next)
        c->next->prev = c;
    all_cores = c;
}

static COLD void *refuse_block(void)
{
    refusals++;
    return NULL;
}

static COLD Core *new_spill(Core *home)
{
    Core *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->limit = UNLIMITED;
    c->home = home;
    c->orphan = home->orphan;
    set_ceiling(c);
    link_core(c);
    home->holds++;
    return home->spill = c;
}

/* A small block that a full heap may not refuse: it is made beside the heap, and the thread is told. */
static COLD void *spill(Core *c, size_t n)
{
    Core *full = refuser, *to = n > SOFT_MAX || !full ? NULL : c->spill ? c->spill : new_spill(c);
    void *p = to ? take_small(to, class_of(n)) : NULL;
    if (!p) {
        if (to && !to->live) /* made for this block, in vain: an orphan's would stay for ever */
            core_release(to);
        return refuse_block();
    }
    live_add(to, class_bytes[class_of(n)]);
    spilling |= in_chain(current_core, full);
    tell(full, full->slack + to->live, class_bytes[class_of(n)]);
    return p;
}

static void *alloc_large(Core *c, size_t n)
{
    size_t bytes = whole_pages(n);
    if (n > UNLIMITED || !charge(c, bytes))
        return refuse_block();
    void *p = take_large(c, bytes);
    if (!p) { /* no address space: the thread learns it from this, and handles it on emergency spans */
        told += !told && in_chain(current_core, c);
        c->failures++;
        uncharge(c, bytes);
        refuse_block();
    }
    return p;
}

/* A small block that is charged already. */
static APART void *take_charged(Core *c, unsigned class)
{
    void *p = take_small(c, class);
    if (UNLIKELY(!p)) {
        c->failures++;
        uncharge(c, class_bytes[class]);
        refuse_block();
    }
    return p;
}

static APART void *alloc_slow(Core *c, size_t n)
{
    if (n > SMALL_MAX)
        return alloc_large(c, n);
    unsigned class = class_of(n);
    return charge(c, class_bytes[class]) ? take_charged(c, class) : spill(c, n);
}

/* Any small block that can be charged without a thought. */
static APART void *alloc_small(Core *c, size_t n)
{
    if (UNLIKELY(n > SMALL_MAX))
        return alloc_slow(c, n);
    unsigned class = class_of(n);
    size_t block = class_bytes[class];
    Span *s = c->room[class];
    if (UNLIKELY(!s || !charge_quickly(c, block)))
        return alloc_slow(c, n);
    void *p = take_from(c, s, block);
    return LIKELY(p) ? p : take_charged(c, class);
}

/* What is most frequent first: a tab and a span with room, up to 512 bytes. */
static inline void *alloc(Core *c, size_t n)
{
    if (UNLIKELY(n - 1 >= 512))
        return alloc_small(c, n);
    size_t block = (n + 15) & ~(size_t)15;
    Span *s = c->room[(n - 1) >> 4];
    if (UNLIKELY(!s || !on_tab(c) || block > tab.room))
        return alloc_small(c, n);
    void *p = take_from(c, s, block);
    if (UNLIKELY(!p))
        return alloc_small(c, n);
    draw(block);
    return p;
}

static APART void release_slow(Span *s, void *p)
{
    Core *c = s->core;
    size_t bytes = block_bytes(s);
    drop(s, p);
    uncharge(c, bytes); /* last, for it frees the core of a heap that is gone */
}

/* As in alloc, what is most frequent first: a small block of a span that is listed. */
static inline void release(Span *s, void *p)
{
    Core *c = s->core;
    size_t block = s->block;
    if (UNLIKELY(!s->listed || !tab_takes_back(c, block))) {
        release_slow(s, p);
        return;
    }
    tab.room += block;
    *(void **)p = s->freed;
    s->freed = p;
    c->frees++;
    if (UNLIKELY(--s->used == 0))
        drop_empty(c, s);
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

/* A block that grows: the owner pays, wherever the thread is, and for a spilled one its home, if it can. */
static void *grow(Span *s, void *p, size_t n)
{
    Core *c = s->core;
    void *q = alloc(c->home ? c->home : c, n);
    if (q) {
        memcpy(q, p, block_bytes(s));
        release(s, p);
    }
    return q;
}

/* Shrinking needs no room and cannot fail. */
static void *shrink(Span *s, void *p, size_t n)
{
    Core *c = s->core;
    size_t old = block_bytes(s), bytes = charged_bytes(n);
    void *q = n > SMALL_MAX ? take_large(c, bytes) : take_small(c, class_of(n));
    if (!q)
        return p;
    memcpy(q, p, n);
    drop(s, p);
    uncharge(c, old - bytes);
    return q;
}

static void *resize(Span *s, void *p, size_t n)
{
    size_t old = block_bytes(s);
    if (n > UNLIMITED)
        return refuse_block();
    size_t bytes = charged_bytes(n);
    if (bytes == old)
        return p;
    if (s->pages && n > SMALL_MAX && bytes <= run_bytes(s))
        return resize_in_place(s, bytes) ? p : refuse_block();
    return bytes > old ? grow(s, p, n) : shrink(s, p, n);
}

/* Give back the spans that an orphan holds empty; free it once nothing of it is left. */
static void core_release(Core *c)
{
    while (c && c->orphan && !c->live && !c->children && !c->holds) {
        for (unsigned k = 0; k < CLASSES; k++)
            while (c->room[k])
                drop_span(c, c->room[k]);
        Core *parent = c->parent, *home = c->home;
        if (c->next)
            c->next->prev = c->prev;
        if (c->prev)
            c->prev->next = c->next;
        else
            all_cores = c->next;
        if (c->beside)
            c->beside->before = c->before;
        if (c->before)
            c->before->beside = c->beside;
        else if (parent)
            parent->below = c->beside;
        if (c->fail_in)
            faults--;
        free(c);
        if (parent)
            parent->children--;
        if (home) {
            home->spill = NULL;
            home->holds--;
        }
        c = parent ? parent : home;
    }
}

static void drop_empty_spans(Core *c)
{
    for (unsigned k = 0; k < CLASSES; k++)
        for (Span *s = c->room[k], *next; s; s = next) {
            next = s->next;
            if (!s->used)
                drop_span(c, s);
        }
}

/* ---------------------------------------------------------------- the hooks */

static inline void *malloc_over(const PyMemAllocatorEx *below, size_t n)
{
    Core *c = current_core;
    if (LIKELY(!c))
        return below->malloc(below->ctx, n);
    return alloc(c, n);
}

static inline void *calloc_over(const PyMemAllocatorEx *below, size_t count, size_t size)
{
    Core *c = current_core;
    if (LIKELY(!c))
        return below->calloc(below->ctx, count, size);
    size_t n = count * size; /* PyMem_Calloc has checked that this does not overflow */
    void *p = alloc(c, n);
    if (p && (n <= SMALL_MAX || span_of(p)->dirty))
        memset(p, 0, n);
    return p;
}

static APART void *realloc_inside(const PyMemAllocatorEx *below, void *p, size_t n)
{
    Core *c = current_core;
    if (c && !p)
        return alloc(c, n);
    Span *s = span_of(p);
    if (s)
        return resize(s, p, n);
    current_core = NULL; /* what the allocator below us asks for is not ours to count */
    void *q = below->realloc(below->ctx, p, n);
    current_core = c;
    return q;
}

static inline void *realloc_over(const PyMemAllocatorEx *below, void *p, size_t n)
{
    if (LIKELY(!current_core && !may_be_ours(p)))
        return below->realloc(below->ctx, p, n);
    return realloc_inside(below, p, n);
}

static inline void free_over(const PyMemAllocatorEx *below, void *p)
{
    Span *s = span_of(p);
    if (LIKELY(!s))
        below->free(below->ctx, p);
    else
        release(s, p);
}

/* One set a domain, for an allocator whose address is known is reached in fewer steps than one that the context names. */
#define HOOKS(domain, name)                                                                                                      \
    static void *name##_malloc(void *Py_UNUSED(x), size_t n) { return malloc_over(&previous[domain], n); }                       \
    static void *name##_calloc(void *Py_UNUSED(x), size_t count, size_t size) { return calloc_over(&previous[domain], count, size); } \
    static void *name##_realloc(void *Py_UNUSED(x), void *p, size_t n) { return realloc_over(&previous[domain], p, n); }          \
    static void name##_free(void *Py_UNUSED(x), void *p) { free_over(&previous[domain], p); }                                    \
    static PyMemAllocatorEx name##_hooks = {NULL, name##_malloc, name##_calloc, name##_realloc, name##_free};

HOOKS(PYMEM_DOMAIN_MEM, mem)
HOOKS(PYMEM_DOMAIN_OBJ, obj)

/* Put the hook in place.  Python code runs only before the mark in sys is looked at: it may let another thread in,
 * which may be here, too. */
static void forked(void);

static int install(void)
{
    if (hooked)
        return 0;
    PyObject *tracemalloc = PyImport_ImportModule("_tracemalloc");
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
    if (pthread_atfork(NULL, NULL, forked)) {
        PyErr_NoMemory();
        return -1;
    }
    hooked = 1;
    PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &previous[PYMEM_DOMAIN_MEM]);
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &previous[PYMEM_DOMAIN_OBJ]);
    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &mem_hooks);
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &obj_hooks);
    return 0;
}

/* ---------------------------------------------------------------- frames: which heap a thread is in */

typedef struct {
    PyObject_HEAD
    Core *core;
    PyObject *parent, *name, *last_overrun;
    PyObject *tree;  /* of a root: the admission of all who wait in its tree, or None */
    PyObject *group; /* what may be killed with it (reclaim.py), or None */
    PyObject *events; /* of a root: the list of the last events' lines (black_box.py), or None */
} HeapObject;

typedef struct {
    PyObject_HEAD
    HeapObject *heap;
    Claim claim;
    int entered;
    int untaken;     /* granted to one who waits and has not taken it: nobody's fault if it is dropped */
} ReservationObject;

/* Another coroutine, whose steps run in frames of their own: between the steps these stand in no thread. */
typedef struct CoroutineObject CoroutineObject;
struct CoroutineObject {
    PyObject_HEAD
    PyObject *coroutine;           /* NULL when it has ended */
    PyObject *on;                  /* the reservation or heap that it runs on */
    PyObject *weakrefs;
    Frame bottom;                  /* nothing below it can be left; in a step, what to go back to */
    Frame *top;                    /* between steps: where the next one goes on, and in which heap and claim */
    Core *core;
    Claim *claim;
    int started, running;
    int owed;                      /* HeapFull was to strike in the last step: it does so in the next */
    CoroutineObject *around;       /* in a step: the one whose step this one's is part of */
    CoroutineObject *next, *prev;  /* all of them */
};

static CoroutineObject *all_coroutines;
static __thread CoroutineObject *current_coroutine;

static PyTypeObject Heap_Type, Reservation_Type, Coroutine_Type, Ready_Type;
#define COROUTINE(o) ((CoroutineObject *)(o))
#define HEAP(o) ((HeapObject *)(o))
#define RESERVATION(o) ((ReservationObject *)(o))
#define IS_HEAP(o) PyObject_TypeCheck(o, &Heap_Type)

/* Before an abort: write the last events of a tree, the oldest first, to standard error. Allocates nothing. */
static void write_events(const Core *c)
{
    while (c->parent)
        c = c->parent;
    PyObject *lines = c->object ? HEAP(c->object)->events : NULL;
    if (!lines || !PyList_Check(lines))
        return;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(lines); i++)
        if (!PyBytes_Check(PyList_GET_ITEM(lines, i)))
            return;
    Py_ssize_t count = PyList_GET_SIZE(lines), gap = 0;
    while (gap < count && PyBytes_GET_SIZE(PyList_GET_ITEM(lines, gap))) /* the ring begins after an empty line */
        gap++;
    for (Py_ssize_t k = 1; k <= count; k++) {
        PyObject *line = PyList_GET_ITEM(lines, (gap + k) % count);
        if (PyBytes_GET_SIZE(line))
            fprintf(stderr, "  %s\n", PyBytes_AS_STRING(line));
    }
}

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

static void drop_raised(Raised r)
{
    Py_XDECREF(r.type);
    Py_XDECREF(r.value);
    Py_XDECREF(r.traceback);
}

/* Our own objects are nobody's: they are made outside every heap. */
static inline Core *step_out(void)
{
    Core *was = current_core;
    current_core = NULL;
    return was;
}

/* Draw from another claim, or from none. Foreign code stays out of admitted calls, so there is no automatic
 * collection while one runs. */
static inline void activate_on(Claim **active, Claim *claim)
{
    if (!claim != !*active) {
        if (claim) {
            if (!admitted++)
                collecting = PyGC_Disable();
        } else if (!--admitted && collecting) {
            PyGC_Enable();
        }
    }
    *active = claim;
}

static inline void activate(Claim *claim) { activate_on(&active_claim, claim); }

/* Tell the integrations when a thread that was in no heap is in one. */
static inline void entered(const Core *before)
{
    if (UNLIKELY(enter_hook != NULL) && !before && current_core) {
        Core *here = current_core;
        current_core = NULL; /* what the hook makes is nobody's */
        enter_hook();
        current_core = here;
    }
}

/* The Python frame that is running, NULL where none is; where it stands in its code; the code, as a new reference. */
typedef struct _PyInterpreterFrame PythonFrame;

static inline PythonFrame *python_frame(const PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030D0000
    return thread->current_frame;
#else
    return thread->cframe->current_frame;
#endif
}

#if PY_VERSION_HEX >= 0x030C0000
static inline int python_at(PythonFrame *frame) { return PyUnstable_InterpreterFrame_GetLasti(frame); }
static inline PyObject *python_code(PythonFrame *frame) { return PyUnstable_InterpreterFrame_GetCode(frame); }
#else
static inline int python_at(PythonFrame *frame) { return _PyInterpreterFrame_LASTI(frame) * (int)sizeof(_Py_CODEUNIT); }
static inline PyObject *python_code(PythonFrame *frame) { return Py_NewRef(frame->f_code); }
#endif

/* Whether a coroutine's code can wait between two places. */
static int awaits_between(PyObject *code, int from, int to)
{
    if (!(((PyCodeObject *)code)->co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR)))
        return 0;
    PyObject *bytes = PyCode_GetCode((PyCodeObject *)code);
    int found = 0;
    for (int i = from; bytes && !found && i < to && i < PyBytes_GET_SIZE(bytes); i += 2)
        found = (unsigned char)PyBytes_AS_STRING(bytes)[i] == SEND;
    if (!bytes)
        PyErr_Clear();
    Py_XDECREF(bytes);
    return found;
}

/* A `with` is about to be left, and the thread's context has changed since it was entered: event loops run every
 * task in its own. Whether that was because a coroutine awaited inside, which has not brought its frames along, so
 * that others have run in its heap. */
static COLD int awaited_inside(const Frame *f)
{
    PythonFrame *frame = python_frame(_PyThreadState_UncheckedGet());
    if (current_coroutine || !frame || frame != f->python)
        return 0;
    Raised raised = set_aside();
    Core *was = step_out();
    PyObject *code = python_code(frame);
    int awaited = awaits_between(code, f->at, python_at(frame));
    Py_DECREF(code);
    current_core = was;
    put_back(raised);
    return awaited;
}

static inline int finalizing(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

static void thread_gone(PyObject *capsule);

/* A thread enters for the first time: its frames are to be left when it ends. */
static COLD int know_thread(void)
{
    Core *was = step_out();
    int failed = -1;
    Thread *t = malloc(sizeof *t);
    PyObject *dict = PyThreadState_GetDict(), *capsule = t && dict ? PyCapsule_New(t, NULL, thread_gone) : NULL;
    if (capsule) {
        *t = (Thread){.frames = &frames, .core = &current_core, .claim = &active_claim, .next = all_threads};
        if (all_threads)
            all_threads->prev = t;
        all_threads = this_thread = t;
        failed = PyDict_SetItemString(dict, "hardtack.heap", capsule);
        Py_DECREF(capsule);
    } else {
        free(t);
        if (!PyErr_Occurred())
            PyErr_NoMemory();
    }
    current_core = was;
    return failed;
}

static inline int unknown_thread(void) { return UNLIKELY(!this_thread) && know_thread(); }

static int push(PyObject *owner, Core *core, Claim *claim)
{
    if (unknown_thread())
        return -1;
    Frame *f = spare_frames;
    if (f)
        spare_frames = f->up;
    else if (!(f = malloc(sizeof *f))) {
        PyErr_NoMemory();
        return -1;
    }
    const PyThreadState *thread = _PyThreadState_UncheckedGet();
    PythonFrame *python = python_frame(thread);
    *f = (Frame){frames, current_core, active_claim, Py_NewRef(owner), claim != active_claim ? claim : NULL, python,
                 python ? python_at(python) : 0, thread->context_ver};
    frames = f;
    current_core = core;
    activate(claim);
    entered(f->core);
    return 0;
}

/* Go back to before the topmost `with`.  Returns its owner, which is the caller's to let go of. */
static inline PyObject *pop_frame(void)
{
    Frame *f = frames;
    frames = f->up;
    current_core = f->core;
    activate(f->claim);
    f->up = spare_frames;
    spare_frames = f;
    return f->owner;
}

/* Leave everything that was entered after `until` and not left, as by a generator that stopped inside a `with`. */
static COLD void unwind(const Frame *until)
{
    Raised raised = set_aside();
    while (frames != until && frames->owner) {
        PyObject *owner = pop_frame();
        if (Py_IS_TYPE(owner, &Reservation_Type))
            RESERVATION(owner)->entered = 0;
        Py_DECREF(owner);
    }
    put_back(raised);
}

/* A finalizer or a collection may end a coroutine from outside of its step: what it has entered is then left
 * where it stands. */
static COLD int pop_suspended(const PyObject *owner)
{
    for (CoroutineObject *co = all_coroutines; co; co = co->next)
        if (!co->running && co->top->owner == owner) {
            Frame *f = co->top;
            co->top = f->up;
            co->core = f->core;
            co->claim = f->claim;
            f->up = spare_frames;
            spare_frames = f;
            Py_DECREF(f->owner);
            return 1;
        }
    return 0;
}

/* A generator that stopped inside `with reservation` may be ended on another thread than the one that it was entered
 * on, which is then to be inside no longer: what it entered is taken out from among that thread's frames. */
static COLD int pop_elsewhere(const PyObject *owner)
{
    const PythonFrame *generator = python_frame(_PyThreadState_UncheckedGet());
    if (finalizing()) /* then threads end without a word, and what they had is gone with them */
        return 0;
    for (Thread *t = all_threads; t; t = t->next) {
        Frame *above = NULL, *f = *t->frames;
        while (f && f->owner != owner) {
            above = f;
            f = f->up;
        }
        if (!f || !generator || f->python != generator) /* another's `with`, which still runs */
            continue;
        for (Frame *later = *t->frames; later != f; later = later->up) /* whatever entered a heap went on drawing from the claim */
            if (later->claim == f->mine)
                later->claim = f->claim;
        if (above) {
            above->up = f->up;
            above->core = f->core;
        } else {
            *t->frames = f->up;
            *t->core = f->core;
        }
        if (*t->claim == f->mine)
            activate_on(t->claim, f->claim);
        f->up = spare_frames;
        spare_frames = f;
        Py_DECREF(f->owner);
        return 1;
    }
    return 0;
}

enum { LEFT = 0, OWED = 1, ASTRAY = 2 };

/* Leave a `with`. Returns -1 with an error set if it is not the thread's topmost, OWED if HeapFull was to strike in it
 * and may not be forgiven, ASTRAY if a coroutine awaited in it that does not bring its heap along. */
static int pop(PyObject *owner)
{
    Frame *f = frames;
    if (LIKELY(f && f->owner == owner)) {
        int astray = UNLIKELY(f->context != _PyThreadState_UncheckedGet()->context_ver) && awaited_inside(f);
        Py_DECREF(pop_frame());
        int owed = call_off();
        return UNLIKELY(astray) ? ASTRAY : owed;
    }
    while (f && f->owner && f->owner != owner)
        f = f->up;
    if (pop_suspended(owner))
        return 0;
    if (f && f->owner) { /* others were entered later and are still open: out of them too */
        unwind(f->up);
        call_off();
    } else if (Py_IS_TYPE(owner, &Reservation_Type) && RESERVATION(owner)->entered && pop_elsewhere(owner)) {
        RESERVATION(owner)->entered = 0;
    }
    PyErr_SetString(PyExc_RuntimeError, "heaps and reservations are left in the reverse order of entering them, on the same thread and in the same call");
    return -1;
}

/* A call has failed in which an allocation was refused: where CPython lost that error on its way, say what it was. */
static COLD void as_memory_error(void)
{
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_SystemError))
        return;
    Core *was = step_out();
    Raised raised = set_aside();
#if PY_VERSION_HEX < 0x030C0000
    if (raised.type)
        PyErr_NormalizeException(&raised.type, &raised.value, &raised.traceback);
    if (raised.value && raised.traceback)
        PyException_SetTraceback(raised.value, raised.traceback);
#endif
    PyObject *error = PyObject_CallFunction(PyExc_MemoryError, "s", "an allocation was refused, and CPython lost the error");
    if (error) {
        PyException_SetContext(error, Py_XNewRef(raised.value)); /* steals */
        PyException_SetCause(error, raised.value);
        raised.value = NULL;
        PyErr_SetObject(PyExc_MemoryError, error);
        Py_DECREF(error);
    }
    drop_raised(raised); /* if no error could be made, why not is one as well */
    current_core = was;
}

/* Call args[0] with the rest, in another heap or in none.  Whatever it does, the thread is then where it was. */
static ALWAYS_INLINE PyObject *call_in(Core *core, Claim *claim, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    if (unknown_thread())
        return NULL;
    Frame barrier = {.up = frames, .core = current_core, .claim = active_claim, .mine = claim != active_claim ? claim : NULL};
    size_t refused = refusals;
    frames = &barrier;
    current_core = core;
    activate(claim);
    entered(barrier.core);
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, (size_t)(n - 1), keywords);
    if (UNLIKELY(frames != &barrier))
        unwind(&barrier);
    frames = barrier.up;
    current_core = barrier.core;
    activate(barrier.claim);
    int owed = call_off();
    if (UNLIKELY(refusals != refused) && !result)
        as_memory_error();
    else if (UNLIKELY(owed) && result) {
        Py_CLEAR(result);
        PyErr_SetNone(heap_full);
    }
    return result;
}

/* A thread has ended, with generators inside a `with` perhaps. If it is another's thread state that is torn
 * down, after a fork or at the end of the process, there is nothing left to go back to. */
static void thread_gone(PyObject *capsule)
{
    Thread *t = PyCapsule_GetPointer(capsule, NULL);
    if (t == this_thread) {
        unwind(NULL);
        this_thread = NULL;
    }
    if (t->next)
        t->next->prev = t->prev;
    if (t->prev)
        t->prev->next = t->next;
    else
        all_threads = t->next;
    free(t);
}

/* In the child of a fork: the other threads are gone, and what they had entered has ended. */
static void forked(void)
{
    static Frame *none;
    if (!PyGILState_Check()) /* not by Python: the books may be half written; such a child does not run Python */
        return;
    for (Thread *t = all_threads; t; t = t->next)
        if (t != this_thread) {
            for (Frame *f = *t->frames; f; f = f->up)
                if (f->mine)
                    (void)claim_close(f->mine);
            t->frames = &none;
        }
    if (admitted && !active_claim && collecting)
        PyGC_Enable();
    admitted = active_claim != NULL;
}

/* Call our own Python code, outside every heap, for a thread that has stepped out of *was.  That is NULL or another
 * heap afterwards if what was entered is ended on another thread meanwhile.  HeapFull that is on its way waits. */
static PyObject *call_outside(Core **was, Claim *claim, PyObject *const *args, Py_ssize_t n)
{
    size_t was_told = told;
    int was_spilling = spilling, pending = told && PyThreadState_Get()->async_exc == heap_full;
    (void)call_off();
    current_core = *was;
    PyObject *result = call_in(NULL, claim, args, n, NULL);
    *was = step_out();
    told = was_told;
    spilling = was_spilling;
    if (pending && !PyThreadState_Get()->async_exc)
        PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), heap_full);
    return result;
}

/* ---------------------------------------------------------------- sites: who made a reservation */

/* The code that is running and where it stands, as a new reference; NULL where none is. Kept as they are:
 * a line's number costs more than the reservation. */
static inline PyObject *running_code(int *at)
{
    PythonFrame *frame = python_frame(_PyThreadState_UncheckedGet());
    if (UNLIKELY(!frame))
        return NULL;
    *at = python_at(frame);
    return python_code(frame);
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

/* "file.py:123", of a function where it begins, or its name if it is not Python's; "?" where neither is known. */
static PyObject *site_of(PyObject *maker, int at)
{
    PyObject *site = NULL;
    PyCodeObject *code = maker && PyFunction_Check(maker) ? (PyCodeObject *)PyFunction_GET_CODE(maker) : NULL;
    if (code)
        site = PyUnicode_FromFormat("%U:%d", code->co_filename, code->co_firstlineno);
    else if (maker && PyCode_Check(maker))
        site = PyUnicode_FromFormat("%U:%d", ((PyCodeObject *)maker)->co_filename, PyCode_Addr2Line((PyCodeObject *)maker, at));
    else if (maker)
        site = name_of(maker);
    if (!site)
        PyErr_Clear();
    return site ? site : PyUnicode_FromString("?");
}

/* ---------------------------------------------------------------- claims that end, and who hears of it */

/* Somebody waits for what came free: hand it over, on this thread. */
static COLD void serve(HeapObject *heap)
{
    while (heap->parent != Py_None)
        heap = HEAP(heap->parent);
    if (!heap->tree || heap->tree == Py_None)
        return;
    Raised raised = set_aside();
    PyObject *tree = Py_NewRef(heap->tree);
    Core *was = step_out();
    PyObject *method = PyObject_GetAttrString(tree, "serve");
    PyObject *result = method ? call_outside(&was, active_claim, &method, 1) : NULL;
    if (!result && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) { /* all were served; it is for whoever runs on */
        PyErr_Clear();
        PyErr_SetInterrupt();
    } else if (!result) {
        PyErr_WriteUnraisable(tree);
    }
    Py_XDECREF(result);
    Py_XDECREF(method);
    current_core = was;
    Py_DECREF(tree);
    put_back(raised);
}

/* Tell of what must not happen, outside every heap: report(*arguments); the arguments are stolen. It is
 * rare, so it may cost. Errors go where those of finalizers go. */
static void tell_of(Core **was, PyObject *report, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *call[6] = {report};
    int complete = 1;
    for (Py_ssize_t i = 0; i < count; i++)
        complete &= (call[i + 1] = arguments[i]) != NULL;
    PyObject *result = complete ? call_outside(was, active_claim, call, count + 1) : NULL;
    if (!result)
        PyErr_WriteUnraisable(report);
    Py_XDECREF(result);
    for (Py_ssize_t i = 0; i < count; i++)
        Py_XDECREF(arguments[i]);
}

/* Enter an overrun in the books, and have it logged. Returns -1 with BoundExceeded set if it may raise on a
 * strict heap.  A claim that went beyond had nothing left: it had drawn all that it asked for, or lent it to those
 * that were carved from it. */
static int note_overrun(HeapObject *heap, const Claim *claim, PyObject *function, PyObject *site, int may_raise)
{
    Py_ssize_t asked = (Py_ssize_t)claim->asked, used = (Py_ssize_t)(claim->asked + claim->over);
    heap->core->overruns++;
    heap->core->overrun_bytes += claim->over;
    Raised raised = set_aside();
    Core *was = step_out();
    PyObject *name = name_of(function);
    PyObject *record = name ? Py_BuildValue("Onn", name, asked, used) : NULL;
    if (record)
        Py_XSETREF(heap->last_overrun, record);
    else
        PyErr_Clear();
    if (!finalizing())
        tell_of(&was, report_overrun, (PyObject *[]){Py_NewRef(heap), Py_XNewRef(name), Py_XNewRef(site), PyLong_FromSsize_t(asked), PyLong_FromSsize_t(used)}, 5);
    put_back(raised);
    may_raise = may_raise && heap->core->strict;
    if (may_raise)
        PyErr_Format(bound_exceeded, "%V allocated %zd bytes at its peak and had reserved %zd on heap '%U'", name, "a call", used, asked, heap->name);
    Py_XDECREF(name);
    current_core = was;
    return may_raise ? -1 : 0;
}

/* The site of an overrun is the function, or what made the reservation. */
static COLD int overran(HeapObject *heap, const Claim *claim, PyObject *function, int may_raise)
{
    Core *was = step_out();
    PyObject *site = function && PyFunction_Check(function) ? site_of(function, -1) : site_of(claim->maker, claim->at);
    current_core = was;
    int failed = note_overrun(heap, claim, function, site, may_raise);
    Py_XDECREF(site);
    return failed;
}

static inline double seconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The oldest generation that CPython itself would collect now, were it not for those who draw from claims; -1 if
 * none. Its rule for full collections counts objects, which the collector alone can see; ours is about time. */
static int generation_due(void)
{
    long count[3], threshold[3];
    PyObject *counts = PyObject_CallMethod(garbage, "get_count", NULL);
    PyObject *thresholds = counts ? PyObject_CallMethod(garbage, "get_threshold", NULL) : NULL;
    int due = -1;
    if (thresholds && PyArg_ParseTuple(counts, "lll", &count[0], &count[1], &count[2]) &&
        PyArg_ParseTuple(thresholds, "lll", &threshold[0], &threshold[1], &threshold[2]) && threshold[0] && count[0] > threshold[0])
        due = count[1] <= threshold[1] ? 0 : count[2] <= threshold[2] || seconds(CLOCK_MONOTONIC) < full_due ? 1 : 2;
    Py_XDECREF(counts);
    Py_XDECREF(thresholds);
    return due;
}

/* Somebody draws from a claim all the time, so automatic collection never comes back on: do here what is due of
 * it. This thread has ended its claim and draws from none, and is outside every heap; so what finalizers allocate
 * is charged to nobody, and no claim is theirs to draw from. What they and the collector free goes back to
 * the books of its heaps, and is refunded to no claim: refunds go to the thread's own. Others stand inside admitted
 * calls meanwhile, between two bytecodes or where they let the GIL go, as they would for any other thread's
 * Python code; their bytes are set aside. A finalizer that reserves may find this at work: then the
 * collector is busy, and does nothing. */
static COLD void collect_what_is_due(void)
{
    if (finalizing())
        return;
    Raised raised = set_aside();
    Core *was = step_out();
    int due = generation_due();
    PyObject *call[] = {due < 0 ? NULL : PyObject_GetAttrString(garbage, "collect"), PyLong_FromLong(due)};
    double start = seconds(CLOCK_MONOTONIC);
    PyObject *found = call[0] && call[1] ? call_outside(&was, NULL, call, 2) : NULL;
    double end = seconds(CLOCK_MONOTONIC);
    if (due == 2)
        full_due = end + FULL_SHARE * (end - start);
    look_due = end + LOOK_SECONDS;
    if (PyErr_Occurred())
        PyErr_WriteUnraisable(garbage);
    Py_XDECREF(found);
    Py_XDECREF(call[0]);
    Py_XDECREF(call[1]);
    current_core = was;
    put_back(raised);
}

/* End a claim on a heap; `function` is what ran on it, or NULL for a `with`. Returns -1 if that raises. */
static ALWAYS_INLINE int finish(HeapObject *heap, Claim *claim, int plain, PyObject *function, int may_raise)
{
    if (UNLIKELY(claim_close_as(claim, plain)))
        serve(heap);
    if (UNLIKELY(collecting && admitted && !active_claim) && seconds(CLOCK_MONOTONIC_COARSE) >= look_due)
        collect_what_is_due();
    return UNLIKELY(claim->over) ? overran(heap, claim, function, may_raise) : 0;
}

static int give_back(ReservationObject *r, PyObject *function, int may_raise)
{
    if (r->claim.ended)
        return 0;
    int failed = finish(r->heap, &r->claim, 0, function, may_raise);
    r->claim.left = 0;
    return failed;
}

/* A reservation that was dropped without being released. That is a leak, unless it was on its way to one who
 * waited and was cut off. */
static COLD void note_leak(ReservationObject *r)
{
    r->claim.core->leaked += !r->untaken;
    Py_ssize_t amount = (Py_ssize_t)r->claim.asked;
    (void)give_back(r, NULL, 0);
    if (r->untaken || finalizing())
        return;
    Raised raised = set_aside();
    Core *was = step_out();
    tell_of(&was, report_leak, (PyObject *[]){Py_NewRef(r->heap), PyLong_FromSsize_t(amount), site_of(r->claim.maker, r->claim.at)}, 3);
    current_core = was;
    put_back(raised);
}

/* ---------------------------------------------------------------- reserving */

static ReservationObject *spare_reservations[SPARE_RESERVATIONS];
static int spares;

static void free_holds(Hold *holds)
{
    for (Hold *next; holds; holds = next) {
        next = holds->next;
        free(holds);
    }
}

static int add_hold(Hold **holds, Core *c, Hold *outer, size_t n)
{
    Hold *h = malloc(sizeof *h);
    if (!h) {
        PyErr_NoMemory();
        return -1;
    }
    *h = (Hold){*holds, c, outer, n, 0};
    *holds = h;
    return 0;
}

static int is_below(const Core *child, const Core *c)
{
    if (LIKELY(child->above == c || in_chain(child, c)))
        return 1;
    PyErr_SetString(PyExc_ValueError, "a call runs in the heap of its reservation or in one below it");
    return 0;
}

/* The holds that a claim on a core needs so that it is good in these heaps below: one on every core from each
 * of them up to the claim's that has a limit of its own. */
static COLD int holds_for(Core *top, PyObject *also, size_t n, Hold **holds)
{
    if (!PyTuple_Check(also) && !PyList_Check(also)) {
        PyErr_Format(PyExc_TypeError, "also= is a tuple or a list of heaps, not %.100s", Py_TYPE(also)->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(also); i++) {
        PyObject *child = PySequence_Fast_GET_ITEM(also, i);
        if (!IS_HEAP(child)) {
            PyErr_Format(PyExc_TypeError, "also= is a tuple or a list of heaps; this is a %.100s", Py_TYPE(child)->tp_name);
            return -1;
        }
        if (!is_below(HEAP(child)->core, top))
            return -1;
        for (Core *c = HEAP(child)->core; c != top; c = c->parent) {
            Claim known = {.holds = *holds};
            if (c->limit != UNLIMITED && !hold_on(&known, c) && add_hold(holds, c, NULL, n))
                return -1;
        }
    }
    return 0;
}

/* What is carved from a claim brings along as much of its holds, asked or not: what it allocates there is the
 * outer claim's business, too. */
static COLD int carve_holds(const Claim *outer, size_t n, Hold **holds)
{
    for (Hold *from = outer->holds; from; from = from->next) {
        Claim known = {.holds = *holds};
        Hold *h = hold_on(&known, from->core);
        if (h)
            h->outer = from;
        else if (add_hold(holds, from->core, from, from_hold(from, n)))
            return -1;
    }
    return 0;
}

/* The first hold that could not be had, of a claim that is to be carved. */
static const Hold *missing_hold(size_t n, const Hold *holds)
{
    while (holds && (holds->outer ? holds->left <= holds->outer->left : !beyond(holds->core, n) && !holds->core->awaited))
        holds = holds->next;
    return holds;
}

/* Whether n bytes can be carved from a claim, with these holds. */
static int can_carve(const Claim *outer, size_t n, const Hold *holds)
{
    return n <= outer->left && !missing_hold(n, holds);
}

/* A reservation that there is room for. The holds become its own, or are freed. */
static PyObject *new_reservation(HeapObject *heap, Claim *outer, size_t n, Hold *holds)
{
    ReservationObject *r;
    if (LIKELY(spares)) {
        r = spare_reservations[--spares];
        (void)PyObject_Init((PyObject *)r, &Reservation_Type);
    } else {
        Core *was = step_out();
        r = PyObject_GC_New(ReservationObject, &Reservation_Type);
        current_core = was;
        if (!r) {
            free_holds(holds);
            return NULL;
        }
    }
    r->heap = (HeapObject *)Py_NewRef(heap);
    r->entered = r->untaken = 0;
    make_way(heap->core, !outer && !holds);
    claim_open(&r->claim, heap->core, outer, n, holds);
    r->claim.maker = running_code(&r->claim.at);
    r->claim.object = 1;
    if (UNLIKELY(heap->core->cyclic))
        PyObject_GC_Track((PyObject *)r);
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
    Core *was = step_out();
    PyObject *args[] = {parse_bytes, o};
    PyObject *parsed = call_outside(&was, active_claim, args, 2);
    current_core = was;
    if (!parsed)
        return -1;
    *amount = PyLong_AsSize_t(parsed);
    Py_DECREF(parsed);
    return *amount == (size_t)-1 && PyErr_Occurred() ? -1 : 0;
}

static size_t possible_with_holds(const Core *c, const Hold *holds)
{
    size_t least = possible_bytes(c);
    for (; holds; holds = holds->next)
        if (holds->core->limit - holds->core->slack < least)
            least = holds->core->limit - holds->core->slack;
    return least;
}

static COLD PyObject *impossible(HeapObject *heap, size_t n, size_t possible)
{
    Core *was = step_out();
    PyObject *error = PyObject_CallFunction(reservation_impossible, "nnO", (Py_ssize_t)n, (Py_ssize_t)possible, heap->name);
    if (error) {
        PyErr_SetObject(reservation_impossible, error);
        Py_DECREF(error);
    }
    current_core = was;
    return NULL;
}

/* WouldBlock, with the heap that refuses, which need not be the one that was asked, and its figures. */
static COLD void would_have_to_wait(HeapObject *heap, size_t n, const Claim *outer, const Hold *holds)
{
    Core *was = step_out();
    settle();
    const Hold *missing = outer && n <= outer->left ? missing_hold(n, holds) : NULL;
    const Core *full = outer ? missing ? missing->core : heap->core : short_with_holds(heap->core, n, holds, NOBODY);
    PyObject *name = full && full->object ? HEAP(full->object)->name : heap->name, *message, *error;
    const char *where = !full || full == heap->core ? NULL : in_chain(heap->core, full) ? "above" : "below";
    size_t left = missing && missing->outer ? missing->outer->left : outer && !missing ? outer->left : free_bytes(full ? full : heap->core);
    if (missing && missing->outer)
        message = PyUnicode_FromFormat("the reservation that this is inside has %zu bytes left on heap '%U', below '%U', not %zu", left, name,
                                       heap->name, missing->left);
    else if (outer && !missing)
        message = PyUnicode_FromFormat("the reservation on heap '%U' that this is inside has %zu of %zu bytes left, not %zu", name, left,
                                       outer->asked, n);
    else if (!full || !beyond(full, n))
        message = PyUnicode_FromFormat("heap '%U': others wait for its memory, and %zu more bytes may not pass them", name, n);
    else if (where)
        message = PyUnicode_FromFormat("heap '%U', %s '%U', has no room for %zu bytes now: %zu are free", name, where, heap->name, n, left);
    else
        message = PyUnicode_FromFormat("heap '%U' has no room for %zu bytes now: %zu are free", name, n, left);
    error = message ? PyObject_CallFunction(would_block, "Onn", message, (Py_ssize_t)n, (Py_ssize_t)left) : NULL;
    if (error)
        PyErr_SetObject(would_block, error);
    Py_XDECREF(message);
    Py_XDECREF(error);
    current_core = was;
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

static inline Claim *outer_claim(const Core *c) { return active_claim && active_claim->core == c ? active_claim : NULL; }

/* What is asked of reserve, reserve_nowait and a call on a reservation. */
typedef struct {
    size_t amount;
    Claim *outer;
    Hold *holds;   /* the request's own until a claim takes them */
} Request;

/* Whether a request can be granted at once: 1 = yes, 0 = it would have to wait, -1 = with an error set. Unless
 * it is granted the holds are freed. */
static inline int admissible(HeapObject *heap, Request *request, PyObject *also)
{
    Core *c = heap->core;
    if (also || request->outer || !tab_draws_on(c))
        settle();
    if (LIKELY(!also && !(request->outer && request->outer->holds))) {
        if (LIKELY(request->outer ? request->amount <= request->outer->left : !short_of(c, request->amount, AWAITED)))
            return 1;
    } else if ((also && holds_for(c, also, request->amount, &request->holds)) ||
               (request->outer && carve_holds(request->outer, request->amount, &request->holds))) {
        goto failed;
    } else if (request->outer ? can_carve(request->outer, request->amount, request->holds)
                              : !short_with_holds(c, request->amount, request->holds, AWAITED)) {
        return 1;
    }
    size_t possible = possible_with_holds(c, request->holds);
    if (request->amount > possible) {
        impossible(heap, request->amount, possible);
        goto failed;
    }
    return 0;
failed:
    free_holds(request->holds);
    return -1;
}

/* The end of a request that may not wait. */
static COLD PyObject *refuse(HeapObject *heap, Request *request)
{
    would_have_to_wait(heap, request->amount, request->outer, request->holds);
    free_holds(request->holds);
    return NULL;
}

/* Wait for what a request asks: a reservation, or what an event loop's thread gets instead. */
static COLD PyObject *wait_for(HeapObject *heap, Request *request, PyObject *timeout, PyObject *also)
{
    if (active_claim)
        return refuse(heap, request);
    free_holds(request->holds);
    Core *was = step_out();
    PyObject *waiting = PyImport_ImportModule("hardtack.heap.waiting");
    PyObject *wait[] = {waiting ? PyObject_GetAttrString(waiting, "reserve") : NULL, (PyObject *)heap, PyLong_FromSize_t(request->amount),
                        timeout ? timeout : Py_None, also ? PySequence_Tuple(also) : PyTuple_New(0)};
    PyObject *result = wait[0] && wait[2] && wait[4] ? call_outside(&was, NULL, wait, 5) : NULL;
    Py_XDECREF(wait[4]);
    Py_XDECREF(wait[2]);
    Py_XDECREF(wait[0]);
    Py_XDECREF(waiting);
    current_core = was;
    if (result && Py_IS_TYPE(result, &Reservation_Type)) {
        Claim *claim = &RESERVATION(result)->claim;
        Py_XSETREF(claim->maker, running_code(&claim->at));
    }
    return result;
}

/* A senseless timeout is an error even if there is nothing to wait for; units.py says which. */
static int check_timeout(PyObject *timeout)
{
    if (LIKELY(!timeout || timeout == Py_None))
        return 0;
    double seconds = PyFloat_CheckExact(timeout) ? PyFloat_AS_DOUBLE(timeout) : PyLong_CheckExact(timeout) ? PyLong_AsDouble(timeout) : -1.0;
    if (LIKELY(seconds >= 0.0 && seconds < Py_HUGE_VAL)) /* false for NaN */
        return 0;
    PyErr_Clear();
    Core *was = step_out();
    PyObject *units = PyImport_ImportModule("hardtack.units");
    PyObject *check[] = {units ? PyObject_GetAttrString(units, "parse_timeout") : NULL, timeout};
    PyObject *result = check[0] ? call_outside(&was, active_claim, check, 2) : NULL;
    Py_XDECREF(check[0]);
    Py_XDECREF(units);
    current_core = was;
    Py_XDECREF(result);
    return result ? 0 : -1;
}

PyDoc_STRVAR(reserve_nowait_doc,
"reserve_nowait($self, /, amount, *, fresh=False, also=())\n--\n\n"
"Set `amount` bytes aside at once, on this heap and all above it.\n"
"\n"
"Inside an active reservation of this heap the bytes are carved from that one, unless `fresh`.\n"
"\n"
"Args:\n"
"    amount: bytes, or text like \"2 MiB\".\n"
"    fresh: take them from the heap in any case.\n"
"    also: heaps below this one that the work may enter; those with a capacity of their own, and those\n"
"        between, set the bytes aside as well: all or none.\n"
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

static PyObject *heap_reserve_nowait(PyObject *o, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    static const char *const parameters[] = {"amount", "fresh", "also"};
    PyObject *given[3] = {NULL, NULL, NULL};
    int fresh = 0;
    if (LIKELY(n == 1 && !keywords))
        given[0] = args[0];
    else if (sort_arguments("reserve_nowait", parameters, 3, 1, args, n, keywords, given) || (given[1] && (fresh = PyObject_IsTrue(given[1])) < 0))
        return NULL;
    Request request = {0};
    if (amount_of(given[0], &request.amount))
        return NULL;
    request.outer = fresh ? NULL : outer_claim(HEAP(o)->core);
    int now = admissible(HEAP(o), &request, given[2]);
    if (LIKELY(now > 0))
        return new_reservation(HEAP(o), request.outer, request.amount, request.holds);
    return now ? NULL : refuse(HEAP(o), &request);
}

PyDoc_STRVAR(reserve_doc,
"reserve($self, /, amount, timeout=None, also=())\n--\n\n"
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
"    also: heaps below this one that the work may enter; those with a capacity of their own, and those\n"
"        between, set the bytes aside as well: all or none.\n"
"\n"
"Raises:\n"
"    ReservationImpossible: there never could be room; nothing was evicted or waited for.\n"
"    ReservationTimeout: the time is over; nothing is held.\n"
"    WouldBlock: it would have to wait inside a reservation, or on the thread of a running event loop; or for\n"
"        ever, where there is a single thread, for what that has reserved and not entered.\n"
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
    static const char *const parameters[] = {"amount", "timeout", "also"};
    PyObject *given[3] = {NULL, NULL, NULL};
    if (LIKELY(n == 1 && !keywords))
        given[0] = args[0];
    else if (sort_arguments("reserve", parameters, 3, 2, args, n, keywords, given))
        return NULL;
    Request request = {0};
    if (amount_of(given[0], &request.amount) || check_timeout(given[1]))
        return NULL;
    request.outer = outer_claim(HEAP(o)->core);
    int now = admissible(HEAP(o), &request, given[2]);
    if (LIKELY(now > 0))
        return new_reservation(HEAP(o), request.outer, request.amount, request.holds);
    return now ? NULL : wait_for(HEAP(o), &request, given[1], given[2]);
}

/* Whether a claim is a Reservation's that is not entered, and is not a group's, whose kill callback may release it. */
static int is_idle(const Claim *k)
{
    if (!k->object || ((const ReservationObject *)((const char *)k - offsetof(ReservationObject, claim)))->entered)
        return 0;
    for (const Core *c = k->core; c; c = c->parent)
        if (c->object && HEAP(c->object)->group && HEAP(c->object)->group != Py_None)
            return 0;
    return 1;
}

/* For who waits where no other thread is: (bytes, site of the last) of the reservations that are not entered, if so
 * many bytes can never be had beside them; else None. */
static PyObject *heap_held_by_nobody_else(PyObject *o, PyObject *amount)
{
    size_t n = PyLong_AsSize_t(amount);
    if (n == (size_t)-1 && PyErr_Occurred())
        return NULL;
    PyThreadState *first = PyInterpreterState_ThreadHead(PyInterpreterState_Main());
    settle();
    for (Core *c = HEAP(o)->core; c && !PyThreadState_Next(first); c = c->parent) {
        const Claim *last = NULL;
        size_t held = 0;
        for (const Claim *k = all_claims; k; k = k->next)
            if (is_idle(k) && in_chain(k->core, c)) {
                last = last ? last : k;
                held += k->left;
            }
        if (last && held + n > c->limit - c->slack)
            return Py_BuildValue("nN", (Py_ssize_t)held, site_of(last->maker, last->at));
    }
    Py_RETURN_NONE;
}

/* For admission, which decides whose turn it is: _grant(amount, also=()), a reservation, or the first heap that
 * has no room. */
static PyObject *heap_grant(PyObject *o, PyObject *const *args, Py_ssize_t count)
{
    Hold *holds = NULL;
    size_t n = count == 1 || count == 2 ? PyLong_AsSize_t(args[0]) : (size_t)-1;
    if (n == (size_t)-1) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "_grant(amount, also=())");
        return NULL;
    }
    if (count == 2 && holds_for(HEAP(o)->core, args[1], n, &holds)) {
        free_holds(holds);
        return NULL;
    }
    settle();
    Core *full = short_with_holds(HEAP(o)->core, n, holds, NOBODY);
    if (!full) {
        PyObject *r = new_reservation(HEAP(o), NULL, n, holds);
        if (r) {
            HEAP(o)->core->granted++;
            RESERVATION(r)->untaken = 1;
        }
        return r;
    }
    free_holds(holds);
    return Py_NewRef(full->object); /* alive: `o` or one of `also` is, and they are below it */
}

/* For admission: somebody waits for this heap's room, so newcomers may not have it. */
static PyObject *heap_mark(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    HEAP(o)->core->awaited |= AWAITED;
    Py_RETURN_NONE;
}

/* For admission: nobody waits for this heap's room any more. */
static PyObject *heap_unmark(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    HEAP(o)->core->awaited &= ~AWAITED;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- Heap */

static PyObject *heap_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"capacity", "name", "parent", "policy", "slack", "strict", NULL};
    PyObject *capacity, *name, *parent, *result = NULL;
    const char *policy_name;
    Py_ssize_t slack;
    int strict;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OUOsnp", names, &capacity, &name, &parent, &policy_name, &slack, &strict))
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
    if (limit > UNLIMITED)
        return PyErr_Format(PyExc_ValueError, "a heap's capacity is at most 2**62 - 1 bytes, not %zu", limit);
    if (slack < 0)
        return PyErr_Format(PyExc_ValueError, "a heap's slack is a number of bytes from 0 on, not %zd", slack);
    if ((size_t)slack > limit)
        return PyErr_Format(PyExc_ValueError, "a heap's slack is a part of its capacity: %zd bytes are more than %zu", slack, limit);
    if (policy == 4)
        return PyErr_Format(PyExc_ValueError, "a heap's policy, on_exhaustion, is reserve, fail, panic or wait, not '%s'", policy_name);
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
    c->strict = strict;
    c->cyclic = parent != Py_None && HEAP(parent)->core->cyclic;
    if (type->tp_dictoffset || (type != &Heap_Type && type->tp_base != &Heap_Type))
        c->cyclic = 1; /* the attributes of who derives from hardtack.heap.Heap may refer to anything */
    if (parent != Py_None) {
        c->parent = HEAP(parent)->core;
        c->parent->children++;
        c->beside = c->parent->below;
        if (c->beside)
            c->beside->before = c;
        c->parent->below = c;
    }
    set_ceiling(c);
    link_core(c);
    c->object = result;
    HEAP(result)->core = c;
    HEAP(result)->parent = Py_NewRef(parent);
    HEAP(result)->name = Py_NewRef(name);
    HEAP(result)->last_overrun = Py_NewRef(Py_None);
    HEAP(result)->tree = Py_NewRef(Py_None);
    HEAP(result)->group = Py_NewRef(Py_None);
    HEAP(result)->events = Py_NewRef(Py_None);
    return result;
}

static int heap_traverse(PyObject *o, visitproc visit, void *arg)
{
    Py_VISIT(HEAP(o)->parent);
    Py_VISIT(HEAP(o)->last_overrun);
    Py_VISIT(HEAP(o)->tree);
    Py_VISIT(HEAP(o)->group);
    Py_VISIT(HEAP(o)->events);
    return 0;
}

/* A cycle through a heap or its parent leaves them by one of these. The parent itself stays: reservations
 * that end later still give back to it. */
static int heap_clear(PyObject *o)
{
    Py_CLEAR(HEAP(o)->tree);
    Py_CLEAR(HEAP(o)->group);
    Py_CLEAR(HEAP(o)->events);
    Py_CLEAR(HEAP(o)->last_overrun);
    return 0;
}

static void heap_dealloc(PyObject *o)
{
    Core *c = HEAP(o)->core;
    PyObject *parent = HEAP(o)->parent;
    PyObject_GC_UnTrack(o);
    heap_clear(o);
    Py_CLEAR(HEAP(o)->name);
    HEAP(o)->parent = NULL;
    if (c) {
        c->object = NULL;
        close_tab(); /* an orphan has none: it is to be freed with its last block */
        c->orphan = 1;
        drop_empty_spans(c);
        if (c->spill) {
            c->spill->orphan = 1;
            drop_empty_spans(c->spill);
        }
        core_release(c->spill ? c->spill : c);
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

/* Whether a `with` is left without an exception. */
static inline int left_in_peace(PyObject *const *args, Py_ssize_t n) { return !n || args[0] == Py_None; }

/* What `__exit__` returns after pop(). */
static inline PyObject *exited(int popped, int in_peace)
{
    if (LIKELY(!popped) || (popped > 0 && !in_peace))
        Py_RETURN_NONE;
    if (popped == OWED)
        PyErr_SetNone(heap_full);
    else if (popped == ASTRAY)
        PyErr_SetString(PyExc_RuntimeError, "this coroutine awaited inside a plain `with`, so other tasks have run in its heap: decorate the function "
                                            "with @heap.call(bound), or run heap.wrap(coroutine), which takes the heap along across every await");
    return NULL;
}

static PyObject *heap_exit(PyObject *o, PyObject *const *args, Py_ssize_t n) { return exited(pop(o), left_in_peace(args, n)); }

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

/* As PyLong_AsSize_t, without a call for the numbers that bounds are. */
static inline size_t bound_of(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (LIKELY(PyLong_CheckExact(o) && PyUnstable_Long_IsCompact((PyLongObject *)o))) {
        Py_ssize_t value = PyUnstable_Long_CompactValue((PyLongObject *)o);
        if (LIKELY(value >= 0))
            return (size_t)value;
    }
#else
    if (LIKELY(PyLong_CheckExact(o) && Py_SIZE(o) == 1))
        return ((PyLongObject *)o)->ob_digit[0];
#endif
    return PyLong_AsSize_t(o);
}

/* The way of every system call. Who calls keeps its heaps alive until it returns. */
static PyObject *heap_admit(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    if (n < 3 || !(Py_TYPE(args[0]) == Py_TYPE(o) || IS_HEAP(args[0]))) {
        PyErr_SetString(PyExc_TypeError, "admit(child, bound, function, *arguments) needs a heap, bytes and a function");
        return NULL;
    }
    Core *c = HEAP(o)->core, *child = HEAP(args[0])->core;
    if (c->policy != RESERVE)
        return heap_run(args[0], args + 2, n - 2, NULL);
    size_t bound = bound_of(args[1]);
    if ((bound == (size_t)-1 && PyErr_Occurred()) || !is_below(child, c))
        return NULL;
    make_way(c, 1);
    if (bound > UNLIMITED || short_of(c, bound, AWAITED))
        Py_RETURN_NOTIMPLEMENTED;
    child->above = c;
    Claim claim;
    claim_open(&claim, c, NULL, bound, NULL);
    claim.maker = args[2];
    claim.at = -1;
    PyObject *result = call_in(child, &claim, args + 2, n - 2, NULL);
    if (finish(HEAP(o), &claim, 1, args[2], result != NULL))
        Py_CLEAR(result);
    return result;
}

/* Call args[0] with the rest on a reservation, inside `child`, and release it. */
static PyObject *run_on(ReservationObject *r, PyObject *child, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    Py_INCREF(r);
    Py_INCREF(child);
    r->entered = 1;
    PyObject *result = call_in(HEAP(child)->core, &r->claim, args, n, keywords);
    r->entered = 0;
    if (give_back(r, args[0], result != NULL))
        Py_CLEAR(result);
    Py_DECREF(child);
    Py_DECREF(r);
    return result;
}

PyDoc_STRVAR(call_reserved_doc,
"_call_reserved($self, amount, function, /, *arguments, **keywords)\n--\n\n"
"Reserve, waiting if need be, and call a function on the reservation, inside this heap.");

static PyObject *heap_call_reserved(PyObject *o, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    if (n < 2) {
        PyErr_SetString(PyExc_TypeError, "_call_reserved(amount, function, *arguments, **keywords)");
        return NULL;
    }
    Request request = {0};
    if (amount_of(args[0], &request.amount))
        return NULL;
    request.outer = outer_claim(HEAP(o)->core);
    int now = admissible(HEAP(o), &request, NULL);
    if (now < 0)
        return NULL;
    PyObject *result;
    if (LIKELY(now)) {
        Claim claim;
        make_way(HEAP(o)->core, !request.outer && !request.holds);
        claim_open(&claim, HEAP(o)->core, request.outer, request.amount, request.holds);
        claim.maker = args[1];
        claim.at = -1;
        Py_INCREF(o);
        result = call_in(HEAP(o)->core, &claim, args + 1, n - 1, keywords);
        if (finish(HEAP(o), &claim, 0, args[1], result != NULL))
            Py_CLEAR(result);
        Py_DECREF(o);
        return result;
    }
    PyObject *reservation = wait_for(HEAP(o), &request, NULL, NULL);
    if (!reservation)
        return NULL;
    if (Py_IS_TYPE(reservation, &Reservation_Type)) {
        result = run_on(RESERVATION(reservation), o, args + 1, n - 1, keywords);
    } else { /* what an event loop's thread gets may be awaited only, which it says itself */
        result = PyObject_CallMethod(reservation, "__enter__", NULL);
        if (result) {
            Py_CLEAR(result);
            PyErr_SetString(would_block, "a plain function cannot wait for its reservation on the thread of an event loop");
        }
    }
    Py_DECREF(reservation);
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
    close_tab(); /* from now on each allocation is counted */
    Py_RETURN_NONE;
}

PyDoc_STRVAR(reset_peak_doc, "reset_peak($self, /)\n--\n\nStart `peak` anew from what is live now.");

static PyObject *heap_reset_peak(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    settle();
    HEAP(o)->core->peak = HEAP(o)->core->live;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(trim_doc,
"trim($self, /)\n--\n\n"
"Give back the memory that is kept for the next block of a size of which none is in use; children keep theirs.");

static PyObject *heap_trim(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    drop_empty_spans(HEAP(o)->core);
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

/* The heaps right below this one that are alive. */
static PyObject *heap_children(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    Core *was = step_out();
    PyObject *list = PyList_New(0);
    for (Core *c = HEAP(o)->core->below; c && list; c = c->beside)
        if (c->object && Py_REFCNT(c->object) > 0 && PyList_Append(list, c->object))
            Py_CLEAR(list);
    current_core = was;
    return list;
}

/* (amount, left, drawn, site) of each reservation on this very heap, the newest first. They are copied
 * before Python code can run, which may end them. */
static PyObject *heap_reservations(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    size_t count = 0, filled_in = 0;
    settle();
    for (Claim *k = all_claims; k; k = k->next)
        count += k->core == HEAP(o)->core;
    Claim *copies = malloc((count + 1) * sizeof *copies);
    if (!copies)
        return PyErr_NoMemory();
    for (Claim *k = all_claims; k; k = k->next)
        if (k->core == HEAP(o)->core) {
            copies[filled_in] = *k;
            Py_XINCREF(copies[filled_in++].maker);
        }
    Core *was = step_out();
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; i < count; i++) {
        Claim *k = &copies[i];
        PyObject *row = list ? Py_BuildValue("nnnN", (Py_ssize_t)k->asked, (Py_ssize_t)k->left, (Py_ssize_t)k->drawn, site_of(k->maker, k->at)) : NULL;
        Py_XDECREF(k->maker);
        if (row)
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
        else
            Py_CLEAR(list);
    }
    current_core = was;
    free(copies);
    return list;
}

PyDoc_STRVAR(owns_doc,
"owns($self, thing, /)\n--\n\n"
"Tell whether an object's own block is charged to this heap itself.");

static PyObject *heap_owns(PyObject *o, PyObject *thing)
{
    const Span *s = span_of(thing);
    return PyBool_FromLong(s && s->core == HEAP(o)->core);
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
    if (has_room(s) && !s->listed)
        return "a span with room is not listed";
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
    if (c->sum.held != c->held)
        return "held is not what the holds on it have left";
    if (c->ceiling != (Py_ssize_t)c->limit - (Py_ssize_t)(c->slack + c->reserved + c->held))
        return "its ceiling is not limit - slack - reserved - held";
    if (c->live + c->reserved + c->held > c->limit)
        return "live, reserved and held exceed its capacity";
    if (c->peak < c->live)
        return "its peak is below what is live";
    return NULL;
}

static int belongs(const Core *c, const Core *top) { return in_chain(c->home ? c->home : c, top); }

/* The tab, which is settled. */
static const char *wrong_with_tab(void)
{
    const Claim *claim = tab.claim;
    if (claim && (tab.room > claim->left || tab.whole - tab.room > claim->drawn))
        return "its tab has more room than its reservation, or takes more back";
    for (const Core *c = tab.core; c && !(claim && c == claim->core); c = c->parent)
        if (tab.room > free_bytes(c))
            return "its tab has more room than it has itself";
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
                if (bad && belongs(a->span[k].core, top)) {
                    *where = a->span[k].core;
                    wrong = bad;
                }
            }
    }
    for (Claim *k = all_claims; k; k = k->next) {
        k->core->sum.reserved += k->left;
        for (Hold *h = k->holds; h; h = h->next)
            h->core->sum.held += h->left;
    }
    for (Core *c = all_cores; c; c = c->next)
        if (c->parent) {
            c->parent->sum.live += c->live;
            c->parent->sum.reserved += c->reserved;
            c->parent->sum.footprint += c->footprint;
            c->parent->sum.children++;
        }
    for (Core *c = all_cores; c && !wrong; c = c->next)
        if (belongs(c, top) && (wrong = wrong_with(c)))
            *where = c;
    if (!wrong && tab.core && belongs(tab.core, top) && (wrong = wrong_with_tab()))
        *where = tab.core;
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
    settle();
    const char *wrong = wrong_anywhere(HEAP(o)->core, &where);
    if (!wrong)
        Py_RETURN_NONE;
    return PyErr_Format(internal_error, "heap '%U' or one below it: %s (live %zu, reserved %zu, held %zu, footprint %zu, limit %zu)", HEAP(o)->name, wrong,
                        where->live, where->reserved, where->held, where->footprint, where->limit);
}

#define COUNT(name, doc) {#name, heap_get, NULL, doc, (void *)offsetof(Core, name)}
static Core *settled_core(PyObject *o)
{
    settle();
    return HEAP(o)->core;
}
static PyObject *heap_get(PyObject *o, void *offset) { return PyLong_FromSize_t(*(size_t *)((char *)settled_core(o) + (size_t)offset)); }
static PyObject *heap_get_free(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(free_bytes(settled_core(o))); }
static PyObject *heap_get_room(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(room_bytes(settled_core(o))); }
static PyObject *heap_get_possible(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(possible_bytes(HEAP(o)->core)); }
static PyObject *heap_get_spilled(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(HEAP(o)->core->spill ? HEAP(o)->core->spill->live : 0); }
static PyObject *heap_get_name(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->name); }
static PyObject *heap_get_parent(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->parent); }
static PyObject *heap_get_overrun(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef(HEAP(o)->last_overrun ? HEAP(o)->last_overrun : Py_None); }
static PyObject *heap_get_policy(PyObject *o, void *Py_UNUSED(x)) { return PyUnicode_FromString(policy_names[HEAP(o)->core->policy]); }

static PyObject *heap_get_slot(PyObject *o, void *offset)
{
    PyObject *thing = *(PyObject **)((char *)o + (size_t)offset);
    return Py_NewRef(thing ? thing : Py_None);
}

/* From now on reservations here and below are known to the garbage collector, which costs a fifth of their time. */
static void set_cyclic(Core *c)
{
    c->cyclic = 1;
    for (Core *k = c->below; k; k = k->beside)
        if (!k->cyclic)
            set_cyclic(k);
}

static int heap_set_slot(PyObject *o, PyObject *thing, void *offset)
{
    set_cyclic(HEAP(o)->core);
    Py_XSETREF(*(PyObject **)((char *)o + (size_t)offset), Py_NewRef(thing ? thing : Py_None));
    return 0;
}

static PyObject *heap_get_capacity(PyObject *o, void *Py_UNUSED(x))
{
    if (HEAP(o)->core->limit == UNLIMITED)
        Py_RETURN_NONE;
    return PyLong_FromSize_t(HEAP(o)->core->limit);
}

static PyGetSetDef heap_properties[] = {
    COUNT(live, "Bytes allocated now, here and in the heaps below."),
    COUNT(peak, "The most bytes that were ever live."),
    COUNT(reserved, "Bytes set aside by reservations and not drawn."),
    COUNT(held, "Bytes set aside, here alone, by reservations on heaps above."),
    COUNT(slack, "Bytes of the capacity that only overruns may use."),
    COUNT(footprint, "Address space held for its blocks, in bytes."),
    COUNT(overruns, "Reservations that were overrun."),
    COUNT(injected, "Allocations that fail_nth made fail."),
    {"free", heap_get_free, NULL, "Bytes that are neither live, reserved, held nor slack.", NULL},
    {"room", heap_get_room, NULL, "The least `free` from here to the root, in bytes.", NULL},
    {"possible", heap_get_possible, NULL, "The most bytes that could ever be reserved.", NULL},
    {"spilled", heap_get_spilled, NULL, "Bytes of small blocks that live beside it, because it was full when they were made.", NULL},
    {"capacity", heap_get_capacity, NULL, "The most bytes it may hold; None for its parents' limits alone.", NULL},
    {"name", heap_get_name, NULL, "For messages.", NULL},
    {"parent", heap_get_parent, NULL, "The heap that everything here is charged to as well, or None.", NULL},
    {"on_exhaustion", heap_get_policy, NULL, "What an allocation meets at the limit.", NULL},
    {"_last_overrun", heap_get_overrun, NULL, NULL, NULL},
    {"_tree", heap_get_slot, heap_set_slot, NULL, (void *)offsetof(HeapObject, tree)},
    {"_group", heap_get_slot, heap_set_slot, NULL, (void *)offsetof(HeapObject, group)},
    {"_events", heap_get_slot, heap_set_slot, NULL, (void *)offsetof(HeapObject, events)},
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
    {"trim", heap_trim, METH_NOARGS, trim_doc},
    {"last_call", heap_last_call, METH_NOARGS, last_call_doc},
    {"owns", heap_owns, METH_O, owns_doc},
    {"check", heap_check, METH_NOARGS, check_doc},
    {"_call_reserved", FUNCTION(heap_call_reserved), METH_FASTCALL | METH_KEYWORDS, call_reserved_doc},
    {"_counters", heap_counters, METH_NOARGS, NULL},
    {"_children", heap_children, METH_NOARGS, NULL},
    {"_reservations", heap_reservations, METH_NOARGS, NULL},
    {"_grant", FUNCTION(heap_grant), METH_FASTCALL, NULL},
    {"_held_by_nobody_else", heap_held_by_nobody_else, METH_O, NULL},
    {"_mark", heap_mark, METH_NOARGS, NULL},
    {"_unmark", heap_unmark, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Heap_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hardtack.heap._native.Heap",
    .tp_doc = "The native core of hardtack.heap.Heap.",
    .tp_basicsize = sizeof(HeapObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = heap_new,
    .tp_dealloc = heap_dealloc,
    .tp_traverse = heap_traverse,
    .tp_clear = heap_clear,
    .tp_methods = heap_methods,
    .tp_getset = heap_properties,
};

/* ---------------------------------------------------------------- Reservation */

static PyObject *ready(PyObject *value);

static void reservation_dealloc(PyObject *o)
{
    ReservationObject *r = RESERVATION(o);
    if (UNLIKELY(r->claim.core->cyclic))
        PyObject_GC_UnTrack(o);
    if (UNLIKELY(!r->claim.ended))
        note_leak(r);
    HeapObject *heap = r->heap;
    PyObject *maker = r->claim.maker;
    if (spares < SPARE_RESERVATIONS)
        spare_reservations[spares++] = r;
    else
        PyObject_GC_Del(o);
    Py_XDECREF(maker);
    Py_DECREF(heap);
}

/* No tp_clear: a cycle through a reservation goes through its heap, which is cleared, and the reservation
 * gives back to it until its end. */
static int reservation_traverse(PyObject *o, visitproc visit, void *arg)
{
    Py_VISIT(RESERVATION(o)->heap);
    return 0;
}

PyDoc_STRVAR(release_doc,
"release($self, /)\n--\n\n"
"Give back what is left. Once is enough; again does nothing. Not while it is entered: RuntimeError.");

static PyObject *reservation_release(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    if (RESERVATION(o)->entered && !RESERVATION(o)->claim.ended) {
        PyErr_SetString(PyExc_RuntimeError, "this reservation is in use: leave its `with` first");
        return NULL;
    }
    (void)give_back(RESERVATION(o), NULL, 0);
    Py_RETURN_NONE;
}

static int usable(ReservationObject *r)
{
    if (LIKELY(!r->claim.ended && !r->entered))
        return 1;
    PyErr_SetString(PyExc_RuntimeError, r->claim.ended ? "this reservation was released" : "this reservation is in use already");
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

static PyObject *reservation_exit(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    int popped = pop(o), in_peace = left_in_peace(args, n);
    if (popped >= 0)
        RESERVATION(o)->entered = 0;
    if (popped < 0 && !RESERVATION(o)->entered) {
        Raised raised = set_aside();
        (void)give_back(RESERVATION(o), NULL, 0);
        put_back(raised);
    } else if (popped >= 0 && give_back(RESERVATION(o), NULL, in_peace && !popped)) {
        return NULL;
    }
    return exited(popped, in_peace);
}

PyDoc_STRVAR(reservation_aenter_doc,
"__aenter__($self, /)\n--\n\n"
"Enter as `with` does, inside a coroutine that Heap.wrap or @heap.call made; RuntimeError in any other, where\n"
"the tasks that run meanwhile would draw from it.");

static PyObject *reservation_aenter(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    if (!current_coroutine) {
        PyErr_SetString(PyExc_RuntimeError, "async with enters a reservation only in a coroutine that brings its heap along: "
                                            "decorate the function with @heap.call(bound), or run heap.wrap(coroutine)");
        return NULL;
    }
    return ready(reservation_enter(o, NULL));
}

PyDoc_STRVAR(reservation_aexit_doc, "__aexit__($self, /, *exception)\n--\n\nLeave, and release.");

static PyObject *reservation_aexit(PyObject *o, PyObject *const *args, Py_ssize_t n) { return ready(reservation_exit(o, args, n)); }

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
    return run_on(r, args[0], args + 1, n - 1, NULL);
}

/* Call a function inside a reservation's heap, drawing from it, and keep it: for calls.py, which makes a
 * coroutine there. */
static PyObject *reservation_make(PyObject *o, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    ReservationObject *r = RESERVATION(o);
    if (n < 1) {
        PyErr_SetString(PyExc_TypeError, "_make(function, *arguments, **keywords)");
        return NULL;
    }
    if (!usable(r))
        return NULL;
    Py_INCREF(o);
    r->entered = 1;
    PyObject *result = call_in(r->claim.core, &r->claim, args, n, keywords);
    r->entered = 0;
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
    close_tab();
    if (claim->ended || claim->outer || short_of(claim->core, claim->drawn, NOBODY))
        Py_RETURN_FALSE;
    for (Hold *h = claim->holds; h; h = h->next)
        if (beyond(h->core, h->drawn))
            Py_RETURN_FALSE;
    for (Hold *h = claim->holds; h; h = h->next) {
        held_add(h->core, (Py_ssize_t)h->drawn);
        h->left += h->drawn;
        h->drawn = 0;
    }
    reserved_add(claim->core, claim->drawn);
    claim->left += claim->drawn;
    claim->drawn = 0;
    Py_RETURN_TRUE;
}

static PyObject *reservation_amount(PyObject *o, void *Py_UNUSED(x)) { return PyLong_FromSize_t(RESERVATION(o)->claim.asked); }
static PyObject *reservation_left(PyObject *o, void *Py_UNUSED(x))
{
    settle();
    return PyLong_FromSize_t(RESERVATION(o)->claim.ended ? 0 : RESERVATION(o)->claim.left);
}
static PyObject *reservation_heap(PyObject *o, void *Py_UNUSED(x)) { return Py_NewRef((PyObject *)RESERVATION(o)->heap); }
static PyObject *reservation_site(PyObject *o, void *Py_UNUSED(x)) { return site_of(RESERVATION(o)->claim.maker, RESERVATION(o)->claim.at); }
static PyObject *reservation_released(PyObject *o, void *Py_UNUSED(x)) { return PyBool_FromLong(RESERVATION(o)->claim.ended); }

/* For the drivers of admission: whoever waited has it now. */
static PyObject *reservation_take(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    RESERVATION(o)->untaken = 0;
    return Py_NewRef(o);
}

/* For those who reserve for others: the reservation counts as made by a function, or where _native.here() was. */
static PyObject *reservation_made_by(PyObject *o, PyObject *who)
{
    Claim *claim = &RESERVATION(o)->claim;
    int at = -1;
    if (PyTuple_Check(who) && !PyArg_ParseTuple(who, "Oi", &who, &at))
        return NULL;
    claim->at = at;
    Py_XSETREF(claim->maker, Py_NewRef(who));
    Py_RETURN_NONE;
}

static PyGetSetDef reservation_properties[] = {
    {"amount", reservation_amount, NULL, "Bytes that were asked for.", NULL},
    {"left", reservation_left, NULL, "Bytes that are not drawn; 0 once released.", NULL},
    {"heap", reservation_heap, NULL, "The heap it is on.", NULL},
    {"site", reservation_site, NULL, "Who made it, as in \"server.py:123\".", NULL},
    {"released", reservation_released, NULL, "Whether it was given back.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef reservation_methods[] = {
    {"__enter__", reservation_enter, METH_NOARGS, reservation_enter_doc},
    {"__exit__", FUNCTION(reservation_exit), METH_FASTCALL, reservation_exit_doc},
    {"__aenter__", reservation_aenter, METH_NOARGS, reservation_aenter_doc},
    {"__aexit__", FUNCTION(reservation_aexit), METH_FASTCALL, reservation_aexit_doc},
    {"run", FUNCTION(reservation_run), METH_FASTCALL, reservation_run_doc},
    {"_made_by", reservation_made_by, METH_O, NULL},
    {"_take", reservation_take, METH_NOARGS, NULL},
    {"_make", FUNCTION(reservation_make), METH_FASTCALL | METH_KEYWORDS, NULL},
    {"release", reservation_release, METH_NOARGS, release_doc},
    {"refill", reservation_refill, METH_NOARGS, refill_doc},
    {NULL, NULL, 0, NULL},
};

/* So that `await heap.reserve(n)` reads the same whether it has to wait or not. */
static PyObject *reservation_await(PyObject *o)
{
    Core *was = step_out();
    PyObject *tasks = PyImport_ImportModule("hardtack.heap.tasks");
    PyObject *call[] = {tasks ? PyObject_GetAttrString(tasks, "granted") : NULL, o};
    PyObject *iterator = call[0] ? call_outside(&was, NULL, call, 2) : NULL;
    Py_XDECREF(call[0]);
    Py_XDECREF(tasks);
    current_core = was;
    return iterator;
}

static PyAsyncMethods reservation_async = {.am_await = reservation_await};

static PyTypeObject Reservation_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hardtack.heap.Reservation",
    .tp_doc = "Bytes set aside on a heap; made by Heap.reserve and Heap.reserve_nowait.\n\n"
              "Leaving its `with`, or release(), gives back what is left. One that is dropped without either is\n"
              "given back too, and counted as leaked.",
    .tp_basicsize = sizeof(ReservationObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = reservation_dealloc,
    .tp_as_async = &reservation_async,
    .tp_traverse = reservation_traverse,
    .tp_methods = reservation_methods,
    .tp_getset = reservation_properties,
};

/* ---------------------------------------------------------------- coroutines */

static PyObject *coroutine_new(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"coroutine", "on", NULL};
    PyObject *coroutine, *on;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", names, &coroutine, &on))
        return NULL;
    int reserved = Py_IS_TYPE(on, &Reservation_Type);
    if (!reserved && !IS_HEAP(on)) {
        PyErr_Format(PyExc_TypeError, "a coroutine runs on a heap or a reservation, not on %.100s", Py_TYPE(on)->tp_name);
        return NULL;
    }
    if (reserved && !usable(RESERVATION(on)))
        return NULL;
    Core *was = step_out();
    CoroutineObject *co = PyObject_GC_New(CoroutineObject, &Coroutine_Type);
    current_core = was;
    if (!co)
        return NULL;
    co->coroutine = Py_NewRef(coroutine);
    co->on = Py_NewRef(on);
    co->weakrefs = NULL;
    co->claim = reserved ? &RESERVATION(on)->claim : NULL;
    co->core = reserved ? RESERVATION(on)->claim.core : HEAP(on)->core;
    co->bottom = (Frame){.mine = co->claim};
    co->top = &co->bottom;
    co->started = co->running = co->owed = 0;
    co->around = co->prev = NULL;
    co->next = all_coroutines;
    if (co->next)
        co->next->prev = co;
    all_coroutines = co;
    if (reserved)
        RESERVATION(on)->entered = 1;
    PyObject_GC_Track((PyObject *)co);
    return (PyObject *)co;
}

static void step_into(CoroutineObject *co)
{
    co->bottom.up = frames;
    co->bottom.core = current_core;
    co->bottom.claim = active_claim;
    co->around = current_coroutine;
    co->running = co->started = 1;
    current_coroutine = co;
    frames = co->top;
    current_core = co->core;
    activate(co->claim);
    entered(co->bottom.core);
    if (UNLIKELY(co->owed)) {
        send_heap_full(co->core, refusal.asked);
        spilling = told != 0; /* not if another exception is on its way */
    }
}

static void step_out_of(CoroutineObject *co)
{
    co->top = frames;
    co->core = current_core;
    co->claim = active_claim;
    frames = co->bottom.up;
    current_core = co->bottom.core;
    activate(co->bottom.claim);
    current_coroutine = co->around;
    co->running = 0;
    co->owed = call_off();
}

/* Begin a step, if there is one to begin. */
static int step(CoroutineObject *co)
{
    if (UNLIKELY(!co->coroutine))
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
    else if (UNLIKELY(co->running))
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
    else if (!unknown_thread()) {
        step_into(co);
        return 0;
    }
    return -1;
}

/* End the step that was the last: what it left open is left, and the reservation goes back. Returns -1 with an
 * error set if that raises, which it may do only after a return; an error that was set stays else. */
static int end(CoroutineObject *co, int returned)
{
    Raised raised = set_aside();
    PyObject *coroutine = co->coroutine;
    co->coroutine = NULL;
    unwind(&co->bottom);
    step_out_of(co);
    int failed = 0;
    if (Py_IS_TYPE(co->on, &Reservation_Type)) {
        RESERVATION(co->on)->entered = 0;
        failed = give_back(RESERVATION(co->on), coroutine, returned && !co->owed);
    }
    if (!failed && co->owed && returned) {
        PyErr_SetNone(heap_full);
        failed = -1;
    }
    co->claim = NULL;
    Py_DECREF(coroutine);
    if (failed)
        drop_raised(raised);
    else
        put_back(raised);
    return failed;
}

static PySendResult coroutine_am_send(PyObject *o, PyObject *value, PyObject **result)
{
    CoroutineObject *co = COROUTINE(o);
    size_t refused = refusals;
    *result = NULL;
    if (step(co))
        return PYGEN_ERROR;
    PySendResult how = PyIter_Send(co->coroutine, value, result);
    if (how == PYGEN_NEXT) {
        step_out_of(co);
    } else if (end(co, how == PYGEN_RETURN)) {
        Py_CLEAR(*result);
        how = PYGEN_ERROR;
    } else if (UNLIKELY(refusals != refused) && how == PYGEN_ERROR) {
        as_memory_error();
    }
    return how;
}

/* What a step gave, as `send` and `__next__` give it. */
static PyObject *yielded(PySendResult how, PyObject *value)
{
    if (how != PYGEN_RETURN)
        return value;
    if (value == Py_None) {
        PyErr_SetNone(PyExc_StopIteration);
    } else {
        PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, value); /* a tuple or an exception is one value, too */
        if (stop) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
    }
    Py_DECREF(value);
    return NULL;
}

PyDoc_STRVAR(send_doc, "send($self, value, /)\n--\n\nGo on until the next await that waits, or the end.");

static PyObject *coroutine_send(PyObject *o, PyObject *value)
{
    PyObject *result;
    PySendResult how = coroutine_am_send(o, value, &result);
    return yielded(how, result);
}

static PyObject *coroutine_next(PyObject *o) { return coroutine_send(o, Py_None); }

PyDoc_STRVAR(throw_doc, "throw($self, /, *exception)\n--\n\nRaise an exception inside, and go on until the next await that waits, or the end.");

static PyObject *coroutine_throw(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    CoroutineObject *co = COROUTINE(o);
    size_t refused = refusals;
    Core *was = step_out(); /* for both heaps, the caller's and its own, may be full */
    PyObject *method = co->coroutine ? PyObject_GetAttrString(co->coroutine, "throw") : NULL;
    current_core = was;
    if ((co->coroutine && !method) || step(co)) {
        Py_XDECREF(method);
        return NULL;
    }
    PyObject *result = PyObject_Vectorcall(method, args, (size_t)n, NULL);
    Py_DECREF(method);
    if (result)
        step_out_of(co);
    else if (!end(co, PyErr_ExceptionMatches(PyExc_StopIteration)) && UNLIKELY(refusals != refused))
        as_memory_error();
    return result;
}

/* Whether a coroutine that was asked to close waits on. */
static int lives_on(PyObject *coroutine)
{
    Raised raised = set_aside();
    PyObject *frame = PyObject_GetAttrString(coroutine, "cr_frame");
    int lives = frame && frame != Py_None;
    Py_XDECREF(frame);
    PyErr_Clear();
    put_back(raised);
    return lives;
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nEnd it: raise GeneratorExit inside where it waits, and give back what it had reserved.");

static PyObject *coroutine_close(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    CoroutineObject *co = COROUTINE(o);
    if (!co->coroutine)
        Py_RETURN_NONE;
    if (step(co))
        return NULL;
    PyObject *result = PyObject_CallMethod(co->coroutine, "close", NULL);
    if (!result && lives_on(co->coroutine))
        step_out_of(co);
    else
        (void)end(co, 0);
    return result;
}

/* Dropped before its end. One that never began is let go of, and says so itself, as coroutines do. */
static void coroutine_finalize(PyObject *o)
{
    CoroutineObject *co = COROUTINE(o);
    if (!co->coroutine || co->running)
        return;
    Raised raised = set_aside();
    int started = co->started;
    if (step(co)) {
        PyErr_WriteUnraisable(o);
    } else {
        PyObject *closed = started ? PyObject_CallMethod(co->coroutine, "close", NULL) : Py_NewRef(Py_None);
        if (!closed)
            PyErr_WriteUnraisable(co->coroutine);
        Py_XDECREF(closed);
        (void)end(co, 0);
    }
    put_back(raised);
}

static void coroutine_dealloc(PyObject *o)
{
    CoroutineObject *co = COROUTINE(o);
    if (PyObject_CallFinalizerFromDealloc(o))
        return;
    PyObject_GC_UnTrack(o);
    if (co->weakrefs)
        PyObject_ClearWeakRefs(o);
    if (co->next)
        co->next->prev = co->prev;
    if (co->prev)
        co->prev->next = co->next;
    else
        all_coroutines = co->next;
    Py_CLEAR(co->coroutine); /* only if it could not be ended: there was no memory to know this thread */
    Py_CLEAR(co->on);
    PyObject_GC_Del(o);
}

static int coroutine_traverse(PyObject *o, visitproc visit, void *arg)
{
    CoroutineObject *co = COROUTINE(o);
    Py_VISIT(co->coroutine);
    Py_VISIT(co->on);
    for (Frame *f = co->running ? NULL : co->top; f && f->owner; f = f->up)
        Py_VISIT(f->owner);
    return 0;
}

/* Its finalizer ended it, so this finds nothing but in one that was brought back to life and dropped again. */
static int coroutine_clear(PyObject *o)
{
    Py_CLEAR(COROUTINE(o)->coroutine);
    return 0;
}

static PyObject *coroutine_get(PyObject *o, void *name)
{
    if (COROUTINE(o)->coroutine)
        return PyObject_GetAttrString(COROUTINE(o)->coroutine, name);
    if (!strcmp(name, "cr_running"))
        Py_RETURN_FALSE;
    Py_RETURN_NONE;
}

/* Outside every heap: for throw(), who awaits it may be in one that is full, and what waits is to end as it is told. */
static PyObject *coroutine_getattr(PyObject *o, PyObject *name)
{
    Core *was = step_out();
    PyObject *found = PyObject_GenericGetAttr(o, name);
    current_core = was;
    return found;
}

static PyObject *coroutine_repr(PyObject *o)
{
    PyObject *coroutine = COROUTINE(o)->coroutine, *on = COROUTINE(o)->on;
    PyObject *heap = IS_HEAP(on) ? on : (PyObject *)RESERVATION(on)->heap;
    return coroutine ? PyUnicode_FromFormat("<%R in heap %R>", coroutine, HEAP(heap)->name) : PyUnicode_FromFormat("<coroutine in heap %R, ended>", HEAP(heap)->name);
}

#define FORWARDED(name, doc) {name, coroutine_get, NULL, doc, (void *)name}
static PyGetSetDef coroutine_properties[] = {
    FORWARDED("__name__", "The wrapped coroutine's name."),
    FORWARDED("__qualname__", "The wrapped coroutine's qualified name."),
    FORWARDED("cr_await", "What it waits for."),
    FORWARDED("cr_frame", "Its frame."),
    FORWARDED("cr_code", "Its code."),
    FORWARDED("cr_running", "Whether it runs now."),
    FORWARDED("cr_origin", "Where it was made."),
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef coroutine_methods[] = {
    {"send", coroutine_send, METH_O, send_doc},
    {"throw", FUNCTION(coroutine_throw), METH_FASTCALL, throw_doc},
    {"close", coroutine_close, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyAsyncMethods coroutine_async = {.am_await = PyObject_SelfIter, .am_send = coroutine_am_send};

static PyTypeObject Coroutine_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hardtack.heap._native.Coroutine",
    .tp_doc = "A coroutine whose steps run inside a heap, on a reservation if one is given, and nowhere else.",
    .tp_basicsize = sizeof(CoroutineObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = coroutine_new,
    .tp_dealloc = coroutine_dealloc,
    .tp_finalize = coroutine_finalize,
    .tp_traverse = coroutine_traverse,
    .tp_clear = coroutine_clear,
    .tp_repr = coroutine_repr,
    .tp_getattro = coroutine_getattr,
    .tp_weaklistoffset = offsetof(CoroutineObject, weakrefs),
    .tp_as_async = &coroutine_async,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = coroutine_next,
    .tp_methods = coroutine_methods,
    .tp_getset = coroutine_properties,
};

/* An awaitable that does not wait. */
typedef struct {
    PyObject_HEAD
    PyObject *value;
} ReadyObject;

static PyObject *ready(PyObject *value)
{
    Core *was = step_out();
    ReadyObject *o = value ? PyObject_New(ReadyObject, &Ready_Type) : NULL;
    current_core = was;
    if (o)
        o->value = value;
    else
        Py_XDECREF(value);
    return (PyObject *)o;
}

static PyObject *ready_next(PyObject *o) { return yielded(PYGEN_RETURN, Py_NewRef(((ReadyObject *)o)->value)); }

static void ready_dealloc(PyObject *o)
{
    PyObject *value = ((ReadyObject *)o)->value;
    PyObject_Free(o);
    Py_DECREF(value);
}

static PyAsyncMethods ready_async = {.am_await = PyObject_SelfIter};

static PyTypeObject Ready_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hardtack.heap._native.Ready",
    .tp_doc = "An awaitable that does not wait.",
    .tp_basicsize = sizeof(ReadyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = ready_dealloc,
    .tp_as_async = &ready_async,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = ready_next,
};

/* ---------------------------------------------------------------- the module */

static PyObject *module_installed(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored))
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
    return PyBool_FromLong(hooked && now.malloc == obj_malloc);
}

static PyObject *module_size_class(PyObject *Py_UNUSED(m), PyObject *arg)
{
    size_t n = PyLong_AsSize_t(arg);
    if (n == (size_t)-1 && PyErr_Occurred())
        return NULL;
    return PyLong_FromSize_t(charged_bytes(n));
}

static PyObject *module_in_coroutine(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored)) { return PyBool_FromLong(current_coroutine != NULL); }
static PyObject *module_outside(PyObject *Py_UNUSED(m), PyObject *const *args, Py_ssize_t n)
{
    if (n < 1) {
        PyErr_SetString(PyExc_TypeError, "outside(function, *arguments) needs a function");
        return NULL;
    }
    Core *was = step_out();
    PyObject *result = call_outside(&was, active_claim, args, n);
    current_core = was;
    return result;
}

static int is_ours(PyObject *module)
{
    if (!module || !PyUnicode_Check(module) || PyUnicode_Tailmatch(module, package, 0, PY_SSIZE_T_MAX, -1) != 1)
        return 0;
    Py_ssize_t end = PyUnicode_GET_LENGTH(package);
    return PyUnicode_GET_LENGTH(module) == end || PyUnicode_READ_CHAR(module, end) == '.';
}

/* (code, offset) of the innermost frame that is not of this package, for _made_by. */
static PyObject *module_here(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored))
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    while (frame) {
        PyObject *globals = PyFrame_GetGlobals(frame), *name = PyDict_GetItemString(globals, "__name__"); /* borrowed */
        int ours = is_ours(name);
        Py_DECREF(globals);
        if (!ours)
            break;
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    if (!frame)
        Py_RETURN_NONE;
    PyObject *here = Py_BuildValue("Ni", PyFrame_GetCode(frame), PyFrame_GetLasti(frame));
    Py_DECREF(frame);
    return here;
}

static PyObject *module_in_reservation(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored)) { return PyBool_FromLong(active_claim != NULL); }

/* (heap, asked, held, free) of the last HeapFull that was sent to this thread, once; None for a heap that is gone. */
static PyObject *module_refusal(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored))
{
    const Core *c = all_cores;
    while (c && c->serial != refusal.serial)
        c = c->next;
    PyObject *found = Py_BuildValue("Onnn", c && c->object ? c->object : Py_None, (Py_ssize_t)refusal.asked, (Py_ssize_t)refusal.held,
                                    (Py_ssize_t)refusal.free);
    memset(&refusal, 0, sizeof refusal);
    return found;
}

static PyObject *module_census(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(ignored))
{
    Py_ssize_t cores = 0, claims = 0, arenas_held = 0;
    for (Core *c = all_cores; c; c = c->next)
        cores += !c->home;
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
    {"outside", FUNCTION(module_outside), METH_FASTCALL, "outside($module, function, /, *arguments)\n--\n\nCall a function outside every heap, where HeapFull does not strike; a thread's reservation stays its own."},
    {"here", module_here, METH_NOARGS, "here($module, /)\n--\n\nReturn what Reservation._made_by takes for the line that called into this package."},
    {"in_coroutine", module_in_coroutine, METH_NOARGS, "in_coroutine($module, /)\n--\n\nTell whether a coroutine that Heap.wrap or Heap.call made is running."},
    {"refusal", module_refusal, METH_NOARGS,
     "refusal($module, /)\n--\n\nReturn what HeapFull was last sent to this thread for: the heap or None, and bytes asked, held and free."},
    {"census", module_census, METH_NOARGS,
     "census($module, /)\n--\n\nReturn how many heaps (dropped ones with live blocks too) and reservations there are, and bytes of address space."},
    {NULL, NULL, 0, NULL},
};

/* For other extension modules, as the capsule _native._api. */
static int set_enter_hook(void (*hook)(void))
{
    if (hook && enter_hook && hook != enter_hook)
        return -1;
    enter_hook = hook;
    return 0;
}

static const struct {
    int version;
    int (*set_enter_hook)(void (*)(void)); /* the hook is called with the GIL, outside every heap; NULL takes it away; -1: there is another */
} api = {1, set_enter_hook};

static int add_api(PyObject *module)
{
    PyObject *capsule = PyCapsule_New((void *)&api, "hardtack.heap._native._api", NULL);
    int failed = PyModule_AddObjectRef(module, "_api", capsule);
    Py_XDECREF(capsule);
    return failed;
}

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
    PyObject *overruns = PyImport_ImportModule("hardtack.heap.overruns");
    Py_XSETREF(garbage, PyImport_ImportModule("gc"));
    Py_XSETREF(package, PyUnicode_InternFromString("hardtack.heap"));
    int failed = !errors || !units || !package || !overruns || !garbage || fetch(&report_overrun, overruns, "report_overrun") ||
                 fetch(&report_leak, overruns, "report_leak") || fetch(&bound_exceeded, errors, "BoundExceeded") || fetch(&heap_full, errors, "HeapFull") || fetch(&reservation_impossible, errors, "ReservationImpossible") ||
                 fetch(&would_block, errors, "WouldBlock") || fetch(&internal_error, errors, "InternalError") ||
                 fetch(&parse_bytes, units, "parse_bytes") || add_api(m) || PyModule_AddType(m, &Heap_Type) || PyModule_AddType(m, &Reservation_Type) ||
                 PyModule_AddType(m, &Coroutine_Type) || PyType_Ready(&Ready_Type);
    Py_XDECREF(overruns);
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
