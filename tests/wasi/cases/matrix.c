// Every call on every kind of descriptor, and every call with a path on every kind of path: errnos alone.
// Each step starts from the same files, so that no step sees what another has left.
#include "conformance.h"

// -- the files: f, d/ with d/g in it, e/ which is empty, and links to them
static void unlink_all(void)
{
    static const char *const paths[] = {"d/g", "d/new", "e/new", "f", "new", "lf", "ld", "le", "dangling", "loop", "other",
                                        "up",  "missing", "d", "e"};
    for (u32 i = 0; i < sizeof paths / sizeof *paths; i++) {
        u32 length = strlen(paths[i]);
        if (sys_path_unlink_file(ROOT, paths[i], length))
            sys_path_remove_directory(ROOT, paths[i], length);
    }
}

static void make_all(void)
{
    static const char *const links[][2] = {{"f", "lf"},         {"d", "ld"},  {"e", "le"}, {"missing", "dangling"},
                                           {"loop", "loop"}, {"..", "up"}};
    unlink_all();
    put("f", "text");
    make_directory("d");
    make_directory("e");
    put("d/g", "below");
    for (u32 i = 0; i < sizeof links / sizeof *links; i++)
        sys_path_symlink(links[i][0], strlen(links[i][0]), ROOT, links[i][1], strlen(links[i][1]));
}

// -- descriptors
static const char *const kinds[] = {"stdin", "stdout", "to read", "to write", "to both", "to append", "directory",
                                    "root", "closed"};
#define KINDS (sizeof kinds / sizeof *kinds)

static u32 open_kind(u32 kind)
{
    u32 fd;
    switch (kind) {
    case 0:
    case 1:
        return kind;
    case 2:
        return open_file("f", 0, RIGHT_READ, 0);
    case 3:
        return open_file("f", 0, RIGHT_WRITE, 0);
    case 4:
        return open_file("f", 0, RIGHT_READ | RIGHT_WRITE, 0);
    case 5:
        return open_file("f", 0, RIGHT_WRITE, APPEND);
    case 6:
        return open_directory("d");
    case 7:
        return ROOT;
    default:
        fd = open_file("f", 0, RIGHT_READ, 0);
        close_fd(fd);
        return fd;
    }
}

static int call_on(u32 call, u32 fd)
{
    static char buffer[256];
    char byte = 'x';
    __wasi_ciovec_t out = {(const uint8_t *)&byte, 1};
    __wasi_iovec_t in = {(uint8_t *)&byte, 1};
    __wasi_fdstat_t fdstat;
    __wasi_filestat_t filestat;
    __wasi_prestat_t prestat;
    u32 done = 0, flags = 0;
    u64 position = 0;
    switch (call) {
    case 0:
        return fd == 0 ? 0 : sys_fd_read(fd, &in, 1, &done); // what standard input has, others read
    case 1:
        return fd == 1 ? 0 : sys_fd_write(fd, &out, 1, &done);
    case 2:
        return sys_fd_pread(fd, &in, 1, 1, &done);
    case 3:
        return sys_fd_pwrite(fd, &out, 1, 1, &done);
    case 4:
        return sys_fd_seek(fd, 0, __WASI_WHENCE_SET, &position);
    case 5:
        return sys_fd_seek(fd, -100, __WASI_WHENCE_CUR, &position);
    case 6:
        return sys_fd_seek(fd, 0, __WASI_WHENCE_END, &position);
    case 7:
        return sys_fd_tell(fd, &position);
    case 8:
        return sys_fd_fdstat_get(fd, &fdstat);
    case 9:
        return sys_fd_fdstat_set_flags(fd, 0);
    case 10:
        return sys_fd_fdstat_set_rights(fd, RIGHT_READ, 0);
    case 11:
        return sys_fd_filestat_get(fd, &filestat);
    case 12:
        return sys_fd_filestat_set_size(fd, 2);
    case 13:
        return sys_fd_filestat_set_times(fd, 1, 2, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM);
    case 14:
        return sys_fd_filestat_set_times(fd, 1, 2, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW);
    case 15:
        return sys_fd_filestat_set_times(fd, 0, 0, 0);
    case 16:
        return sys_fd_advise(fd, 0, 1, __WASI_ADVICE_NORMAL);
    case 17:
        return sys_fd_allocate(fd, 0, 1);
    case 18:
        return sys_fd_sync(fd);
    case 19:
        return sys_fd_datasync(fd);
    case 20:
        return sys_fd_prestat_get(fd, &prestat);
    case 21:
        return sys_fd_prestat_dir_name(fd, buffer, 1);
    case 22:
        return sys_fd_readdir(fd, buffer, sizeof buffer, 0, &done);
    case 23:
        return sys_sock_accept(fd, 0, &done);
    case 24:
        return sys_sock_recv(fd, &in, 1, 0, &done, &flags);
    case 25:
        return sys_sock_send(fd, &out, 1, 0, &done);
    case 26:
        return sys_sock_shutdown(fd, __WASI_SDFLAGS_RD);
    default:
        return -1;
    }
}

static void matrix(u32 first, u32 after)
{
    static const char *const names[] = {
        "read", "write", "pread", "pwrite", "seek to 0", "seek before 0", "seek to the end", "tell", "fdstat_get",
        "set_flags", "set_rights", "filestat_get", "set_size", "set_times", "set_times both", "set_times none",
        "advise", "allocate", "sync", "datasync", "prestat_get", "prestat_dir_name", "readdir", "accept", "recv",
        "send", "shutdown"};
    make_all();
    for (u32 call = first; call < after; call++)
        for (u32 kind = 0; kind < KINDS; kind++) {
            char what[64];
            if ((call == 18 || call == 19) && (kind == 6 || kind == 7))
                continue; // see sync_of_directories
            u32 fd = open_kind(kind);
            snprintf(what, sizeof what, "%s on %s", names[call], kinds[kind]);
            show(what, call_on(call, fd));
            if (kind >= 2 && kind < 7)
                close_fd(fd);
        }
}

CASE(matrix_of_bytes_and_positions)
{
    matrix(0, 8);
}

CASE(matrix_of_attributes)
{
    matrix(8, 16);
}

CASE(matrix_of_advice_and_synchronising)
{
    matrix(16, 20);
}

CASE(matrix_of_directories)
{
    matrix(20, 23);
}

CASE(matrix_of_sockets)
{
    matrix(23, 27);
}

CASE(matrix_of_closing)
{
    for (u32 kind = 2; kind < KINDS; kind++) {
        make_all();
        if (kind != 7) // what follows is made in the root
            show(kinds[kind], sys_fd_close(open_kind(kind)));
    }
}

CASE(matrix_of_renumbering)
{
    make_all();
    for (u32 from = 2; from < KINDS; from++)
        for (u32 to = 2; to < KINDS; to++) {
            char what[64];
            if (from == 7 || to == 7)
                continue;
            u32 source = open_kind(from), target = open_kind(to);
            snprintf(what, sizeof what, "%s onto %s", kinds[from], kinds[to]);
            if (source == target) // both are closed, and have the same number
                continue;
            if (show(what, sys_fd_renumber(source, target)) && from != 8)
                close_fd(source);
            if (to != 8)
                sys_fd_close(target);
        }
}

// -- paths
static const char *const paths[] = {
    "f", "f/", "f/x", "d", "d/", "d/g", "d/g/", "d/.", "d/..", "d/../f", "d//g", "e", "e/", "missing", "missing/",
    "missing/x", "lf", "lf/", "lf/x", "ld", "ld/", "ld/g", "ld/.", "le", "le/", "dangling", "dangling/", "dangling/x",
    "loop", "loop/", "loop/x", "up", "up/", "up/f", ".", "./", "./f", "..", "../", "../f", "d/../..", "/", "/f", "",
    "new", "new/", "d/new", "d/new/"};
#define PATHS (sizeof paths / sizeof *paths)

static int path_call(u32 call, u32 dir, const char *path)
{
    __wasi_filestat_t stat;
    char buffer[64];
    u32 length = strlen(path), fd = 0, done = 0;
    int error = 0;
    switch (call) {
    case 0:
    case 1:
        return sys_path_filestat_get(dir, call ? FOLLOW : 0, path, length, &stat);
    case 2:
    case 3:
        return sys_path_filestat_set_times(dir, call == 3 ? FOLLOW : 0, path, length, 1, 2,
                                           __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM);
    case 4:
        return sys_path_readlink(dir, path, length, buffer, sizeof buffer, &done);
    case 5:
        return sys_path_create_directory(dir, path, length);
    case 6:
        return sys_path_remove_directory(dir, path, length);
    case 7:
        return sys_path_unlink_file(dir, path, length);
    case 8:
        return sys_path_symlink("f", 1, dir, path, length);
    case 9:
        return sys_path_link(dir, 0, path, length, ROOT, "other", 5);
    case 10:
        return sys_path_link(ROOT, 0, "f", 1, dir, path, length);
    case 11:
        return sys_path_rename(dir, path, length, ROOT, "other", 5);
    case 12:
        return sys_path_rename(ROOT, "f", 1, dir, path, length);
    case 13:
        return sys_path_rename(ROOT, "e", 1, dir, path, length);
    default:
        call -= 14; // opening: to read or write, following or not, with each combination of oflags
        error = sys_path_open(dir, call & 1 ? FOLLOW : 0, path, length, call >> 2,
                              call & 2 ? RIGHT_READ | RIGHT_WRITE : RIGHT_READ, 0, 0, &fd);
        if (!error)
            close_fd(fd);
        return error;
    }
}

// Whether a path stands in a list of them, each with a space before and after.
static bool in_list(const char *path, const char *list)
{
    char between[16];
    snprintf(between, sizeof between, " %s ", path);
    return *path && strstr(list, between);
}

// All paths but those of which wasmtime's answer, or ours, is one of several that are right.
static void path_matrix_but(const char *name, u32 call, const char *left_out)
{
    for (u32 i = 0; i < PATHS; i++) {
        char what[64];
        if (in_list(paths[i], left_out))
            continue;
        make_all();
        snprintf(what, sizeof what, "%s \"%s\"", name, paths[i]);
        show(what, path_call(call, ROOT, paths[i]));
    }
}

static void path_matrix(const char *name, u32 call)
{
    path_matrix_but(name, call, "");
}

CASE(matrix_lstat)
{
    path_matrix("lstat", 0);
}

CASE(matrix_stat)
{
    path_matrix("stat", 1);
}

CASE(matrix_set_times)
{
    path_matrix("set_times", 2);
}

CASE(matrix_set_times_following)
{
    path_matrix("set_times", 3);
}

CASE(matrix_readlink)
{
    path_matrix("readlink", 4);
}

// A link before a slash at the end is followed here, as POSIX has it, and leads nowhere; wasmtime sees that it exists.
CASE(matrix_mkdir)
{
    path_matrix_but("mkdir", 5, " loop/ up/ dangling/ ");
}

// wasmtime removes no directory whose name has a slash at its end (EINVAL).
CASE(matrix_rmdir)
{
    path_matrix_but("rmdir", 6, " d/ e/ ld/ le/ ");
}

CASE(matrix_unlink)
{
    path_matrix("unlink", 7);
}

CASE(matrix_symlink)
{
    path_matrix("symlink", 8);
}

CASE(matrix_link_from)
{
    path_matrix("link from", 9);
}

CASE(matrix_link_to)
{
    path_matrix("link to", 10);
}

// As for mkdir: wasmtime follows no link before a slash at the end.
CASE(matrix_rename_from)
{
    path_matrix_but("rename from", 11, " ld/ le/ dangling/ loop/ up/ ");
}

CASE(matrix_rename_file_to)
{
    path_matrix("rename f to", 12);
}

CASE(matrix_rename_directory_to)
{
    path_matrix("rename e to", 13);
}

// Creating what a slash stands behind is EISDIR, whatever is there, or an error of the way there.
static void open_matrix(const char *name, u32 oflags)
{
    static const char *const ways[] = {"to read", "to read, following", "to write", "to write, following"};
    for (u32 way = 0; way < 4; way++) {
        char what[64];
        snprintf(what, sizeof what, "%s %s", name, ways[way]);
        path_matrix_but(what, 14 + (oflags << 2 | way), oflags & EXCL ? " loop/ up/ ./ " : oflags & CREAT ? " loop/ up/ " : "");
    }
}

CASE(matrix_open)
{
    open_matrix("open", 0);
}

CASE(matrix_open_create)
{
    open_matrix("creat", CREAT);
}

CASE(matrix_open_exclusive)
{
    open_matrix("creat excl", CREAT | EXCL);
}

CASE(matrix_open_truncate)
{
    open_matrix("trunc", TRUNC);
}

CASE(matrix_open_create_truncate)
{
    open_matrix("creat trunc", CREAT | TRUNC);
}

CASE(matrix_open_directory)
{
    open_matrix("directory", DIRECTORY);
}

CASE(matrix_open_create_directory)
{
    open_matrix("creat directory", CREAT | DIRECTORY);
}

CASE(matrix_open_truncate_directory)
{
    open_matrix("trunc directory", TRUNC | DIRECTORY);
}

CASE(matrix_open_exclusive_alone)
{
    open_matrix("excl", EXCL);
}

// Every call with a path on descriptors that are no directories.
CASE(matrix_paths_below_no_directory)
{
    make_all();
    for (u32 kind = 0; kind < KINDS; kind++) {
        if (kind == 6 || kind == 7)
            continue;
        u32 fd = open_kind(kind);
        for (u32 call = 0; call < 15; call++) {
            char what[64];
            snprintf(what, sizeof what, "call %u below %s", call, kinds[kind]);
            show(what, path_call(call, fd, "x"));
        }
        if (kind >= 2 && kind < 6)
            close_fd(fd);
    }
}
