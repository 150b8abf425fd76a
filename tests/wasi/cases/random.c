// Calls at random, from the environment's SEED: files, directories and links with few names, so that they meet.
// With UPWARD set links may lead up, too, which a directory of the host refuses where that is out of it.
// Left out: what the other cases leave out, above all slashes at the end of a path; times; and positions and sizes
// that would take long.
#include "conformance.h"

#define STEPS 400
#define OPEN 6 // descriptors at a time

static const char *const paths[] = {"a",   "b",    "d",     "e",   "d/a",  "d/b", "d/e",   "d/e/a", "l",  "m",
                                    "d/l", "l/a",  "m/b",   ".",   "d/..", "..",  "d/../a", "a/b",   "e/a", "none/a",
                                    "e/l", "d/./b", "d//a", "d/e/../b"};
static const char *const targets[] = {"a", "b", "d", "d/e", "e", "l", "none", ".", "..", "../a"};
#define COUNT(LIST) (sizeof LIST / sizeof *LIST)

static u32 state;

static u32 pick(u32 count)
{
    state = state * 1664525u + 1013904223u;
    return (u32)(((u64)state >> 8) * count >> 24);
}

static u32 open_fds[OPEN];
static bool is_open[OPEN];

static void print_stat(int error, const __wasi_filestat_t *stat)
{
    if (!error)
        printf("  type %u links %u size %llu\n", stat->filetype,
               stat->filetype == __WASI_FILETYPE_DIRECTORY ? 0 : (u32)stat->nlink,
               stat->filetype == __WASI_FILETYPE_REGULAR_FILE ? (unsigned long long)stat->size : 0);
}

static void on_paths(u32 call, const char *path, const char *other)
{
    char what[64], buffer[64];
    u32 length = strlen(path), other_length = strlen(other), used = 0, slot = pick(OPEN), lookup = pick(2);
    __wasi_filestat_t stat;
    u32 oflags = pick(3) ? pick(2) * CREAT | (pick(4) == 0) * TRUNC | (pick(6) == 0) * EXCL : pick(2) * DIRECTORY;
    u64 rights = !(oflags & (CREAT | TRUNC)) && pick(3) == 0 ? RIGHT_READ : RIGHT_READ | RIGHT_WRITE; // see differs.c
    u32 flags = (pick(5) == 0) * APPEND;
    int error;
    switch (call) {
    case 0:
        snprintf(what, sizeof what, "mkdir %s", path);
        show(what, sys_path_create_directory(ROOT, path, length));
        break;
    case 1:
        snprintf(what, sizeof what, "rmdir %s", path);
        show(what, sys_path_remove_directory(ROOT, path, length));
        break;
    case 2:
        snprintf(what, sizeof what, "unlink %s", path);
        show(what, sys_path_unlink_file(ROOT, path, length));
        break;
    case 3:
        if (sys_path_filestat_get(ROOT, 0, path, length, &stat)) // which of two errors is told is left out
            break;
        snprintf(what, sizeof what, "rename %s %s", path, other);
        show(what, sys_path_rename(ROOT, path, length, ROOT, other, other_length));
        break;
    case 4:
        if (sys_path_filestat_get(ROOT, 0, path, length, &stat))
            break;
        snprintf(what, sizeof what, "link %s %s", path, other);
        show(what, sys_path_link(ROOT, 0, path, length, ROOT, other, other_length));
        break;
    case 5:
        other = targets[pick(COUNT(targets) - (getenv("UPWARD") ? 0 : 2))];
        snprintf(what, sizeof what, "symlink %s %s", other, path);
        show(what, sys_path_symlink(other, strlen(other), ROOT, path, length));
        break;
    case 6:
        snprintf(what, sizeof what, "readlink %s", path);
        if (!show(what, sys_path_readlink(ROOT, path, length, buffer, sizeof buffer, &used)))
            printf("  \"%.*s\"\n", (int)used, buffer);
        break;
    case 7:
        snprintf(what, sizeof what, "stat %s %u", path, lookup);
        print_stat(show(what, error = sys_path_filestat_get(ROOT, lookup, path, length, &stat)), &stat);
        break;
    case 8:
        if (!do_open("list", ROOT, path, DIRECTORY))
            do_list(path);
        break;
    default:
        if (is_open[slot])
            close_fd(open_fds[slot]);
        snprintf(what, sizeof what, "open %s %u oflags %u rights %u flags %u", path, lookup, oflags, (u32)rights, flags);
        error = show(what, sys_path_open(ROOT, lookup, path, length, oflags, rights, ALL_RIGHTS, flags, &open_fds[slot]));
        is_open[slot] = !error;
    }
}

static void on_descriptor(u32 call, u32 slot)
{
    static char buffer[512];
    u32 fd = open_fds[slot], done = 0, size = pick(200), other = pick(OPEN);
    u64 at = pick(300), position = 0;
    __wasi_fdstat_t fdstat;
    __wasi_filestat_t stat;
    memset(buffer, 'a' + (int)pick(26), size);
    __wasi_iovec_t in[] = {{(uint8_t *)buffer, size}};
    __wasi_ciovec_t out[] = {{(const uint8_t *)buffer, size}};
    int error = sys_fd_fdstat_get(fd, &fdstat);
    bool appends = !error && fdstat.fs_flags & APPEND;
    printf("%u ", slot);
    switch (call) {
    case 0:
        do_read(fd, size);
        break;
    case 1:
        if (!show("write", sys_fd_write(fd, out, 1, &done)))
            printf("  wrote %u\n", done);
        break;
    case 2:
        if (!show("pread", sys_fd_pread(fd, in, 1, at, &done)))
            printf("  read %u \"%.*s\"\n", done, (int)done, buffer);
        break;
    case 3:
        if (!appends && !show("pwrite", sys_fd_pwrite(fd, out, 1, at, &done)))
            printf("  wrote %u\n", done);
        break;
    case 4:
        if (!show("seek", sys_fd_seek(fd, (int64_t)at - 150, pick(3), &position)))
            printf("  at %llu\n", (unsigned long long)position);
        break;
    case 5:
        if (!show("tell", sys_fd_tell(fd, &position)))
            printf("  at %llu\n", (unsigned long long)position);
        break;
    case 6:
        show("set_size", sys_fd_filestat_set_size(fd, at));
        break;
    case 7:
        print_stat(show("filestat", sys_fd_filestat_get(fd, &stat)), &stat);
        break;
    case 8:
        show("set_flags", sys_fd_fdstat_set_flags(fd, pick(2) * APPEND));
        break;
    case 9:
        if (is_open[other] && !show("renumber", sys_fd_renumber(fd, open_fds[other])) && other != slot)
            is_open[slot] = false;
        break;
    case 10:
        if (fdstat.fs_filetype == __WASI_FILETYPE_DIRECTORY)
            do_open("open below", fd, paths[pick(COUNT(paths))], pick(3) == 0 ? CREAT : 0);
        break;
    default:
        show("close", sys_fd_close(fd));
        is_open[slot] = false;
    }
}

CASE(random_calls)
{
    const char *seed = getenv("SEED");
    state = seed ? (u32)atoi(seed) * 2654435761u : 0;
    for (u32 i = 0; i < STEPS; i++) {
        u32 slot = pick(OPEN);
        if (is_open[slot] && pick(2))
            on_descriptor(pick(12), slot);
        else
            on_paths(pick(14), paths[pick(COUNT(paths))], paths[pick(COUNT(paths))]);
    }
}
