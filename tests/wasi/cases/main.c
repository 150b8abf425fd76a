// conformance CASE...: runs cases of preview1 and prints what each call gave back.
// conformance --list: prints their names, in the order of the files.
// Exit status: 0, what the case exits with, or 2 for a name that is none.
#include "conformance.h"

extern const struct test_case __start_cases[], __stop_cases[];

static const char *const errno_names[] = {
    "", "2BIG", "ACCES", "ADDRINUSE", "ADDRNOTAVAIL", "AFNOSUPPORT", "AGAIN", "ALREADY", "BADF", "BADMSG",
    "BUSY", "CANCELED", "CHILD", "CONNABORTED", "CONNREFUSED", "CONNRESET", "DEADLK", "DESTADDRREQ", "DOM",
    "DQUOT", "EXIST", "FAULT", "FBIG", "HOSTUNREACH", "IDRM", "ILSEQ", "INPROGRESS", "INTR", "INVAL", "IO",
    "ISCONN", "ISDIR", "LOOP", "MFILE", "MLINK", "MSGSIZE", "MULTIHOP", "NAMETOOLONG", "NETDOWN", "NETRESET",
    "NETUNREACH", "NFILE", "NOBUFS", "NODEV", "NOENT", "NOEXEC", "NOLCK", "NOLINK", "NOMEM", "NOMSG",
    "NOPROTOOPT", "NOSPC", "NOSYS", "NOTCONN", "NOTDIR", "NOTEMPTY", "NOTRECOVERABLE", "NOTSOCK", "NOTSUP",
    "NOTTY", "NXIO", "OVERFLOW", "OWNERDEAD", "PERM", "PIPE", "PROTO", "PROTONOSUPPORT", "PROTOTYPE", "RANGE",
    "ROFS", "SPIPE", "SRCH", "STALE", "TIMEDOUT", "TXTBSY", "XDEV", "NOTCAPABLE",
};
#define ERRNO_COUNT (sizeof errno_names / sizeof *errno_names)

static const char *errno_name(int error)
{
    return (u32)error < ERRNO_COUNT ? errno_names[error] : "?";
}

int show(const char *what, int error)
{
    printf(error ? "%s: %d %s\n" : "%s: %d\n", what, error, errno_name(error));
    return error;
}

// "VERB PATH" of the last call, for lines about paths.
static const char *label(const char *verb, const char *path)
{
    static char text[600];
    snprintf(text, sizeof text, "%s %s", verb, path);
    return text;
}

static const char *label2(const char *verb, const char *from, const char *to)
{
    static char text[1200];
    snprintf(text, sizeof text, "%s %s %s", verb, from, to);
    return text;
}

static void require(const char *verb, const char *path, int error)
{
    if (error) {
        printf("the case cannot go on: ");
        show(label(verb, path), error);
        exit(3);
    }
}

u32 open_file(const char *path, u32 oflags, u64 rights, u32 fdflags)
{
    u32 fd = 0;
    int error = sys_path_open(ROOT, FOLLOW, path, strlen(path), oflags, rights, ALL_RIGHTS, fdflags, &fd);
    require("open", path, error);
    return fd;
}

u32 open_directory(const char *path)
{
    return open_file(path, DIRECTORY, ALL_RIGHTS & ~RIGHT_WRITE, 0);
}

void close_fd(u32 fd)
{
    require("close", "a descriptor", sys_fd_close(fd));
}

void put(const char *path, const char *text)
{
    __wasi_ciovec_t iov = {(const uint8_t *)text, strlen(text)};
    u32 fd = open_file(path, CREAT | TRUNC, ALL_RIGHTS, 0), done = 0;
    require("write", path, sys_fd_write(fd, &iov, 1, &done));
    close_fd(fd);
}

void make_directory(const char *path)
{
    require("mkdir", path, sys_path_create_directory(ROOT, path, strlen(path)));
}

int do_open(const char *what, u32 dir, const char *path, u32 oflags)
{
    u32 fd = 0;
    int error = sys_path_open(dir, FOLLOW, path, strlen(path), oflags, RIGHT_READ, 0, 0, &fd);
    show(what, error);
    if (!error)
        close_fd(fd);
    return error;
}

void do_write(u32 fd, const char *text)
{
    __wasi_ciovec_t iov = {(const uint8_t *)text, strlen(text)};
    u32 done = 0;
    if (!show("write", sys_fd_write(fd, &iov, 1, &done)))
        printf("  wrote %u\n", done);
}

void do_read(u32 fd, u32 length)
{
    static char buffer[4096];
    __wasi_iovec_t iov = {(uint8_t *)buffer, length};
    u32 done = 0;
    if (!show("read", sys_fd_read(fd, &iov, 1, &done)))
        printf("  read %u \"%.*s\"\n", done, (int)done, buffer);
}

// A host may stop after the first vector that holds something, as wasmtime does: both loops go on from there.
void do_write_all(u32 fd, __wasi_ciovec_t *iovs, u32 count)
{
    u32 total = 0, done = 0;
    while (count) {
        if (iovs->buf_len && (sys_fd_write(fd, iovs, count, &done) || !done))
            break;
        total += done;
        for (; count && done >= iovs->buf_len; iovs++, count--)
            done -= iovs->buf_len;
        if (count) {
            iovs->buf += done;
            iovs->buf_len -= done;
        }
        done = 0;
    }
    printf("wrote %u bytes, %u vectors left\n", total, count);
}

void do_read_all(u32 fd, __wasi_iovec_t *iovs, u32 count)
{
    u32 total = 0, done = 0;
    while (count) {
        if (iovs->buf_len && (sys_fd_read(fd, iovs, count, &done) || !done))
            break;
        total += done;
        for (; count && done >= iovs->buf_len; iovs++, count--)
            done -= iovs->buf_len;
        if (count) {
            iovs->buf += done;
            iovs->buf_len -= done;
        }
        done = 0;
    }
    printf("read %u bytes, %u vectors left\n", total, count);
}

void do_seek(u32 fd, int64_t offset, u32 whence)
{
    static const char *const names[] = {"SET", "CUR", "END"};
    char what[60];
    u64 position = 0;
    snprintf(what, sizeof what, "seek %lld %s", (long long)offset, whence < 3 ? names[whence] : "?");
    if (!show(what, sys_fd_seek(fd, offset, whence, &position)))
        printf("  position %llu\n", (unsigned long long)position);
}

void do_tell(u32 fd)
{
    u64 position = 0;
    if (!show("tell", sys_fd_tell(fd, &position)))
        printf("  position %llu\n", (unsigned long long)position);
}

static void print_stat(const __wasi_filestat_t *stat)
{
    printf("  type %u", stat->filetype);
    if (stat->filetype != __WASI_FILETYPE_DIRECTORY)
        printf(" size %llu links %llu", (unsigned long long)stat->size, (unsigned long long)stat->nlink);
    printf("\n");
}

void do_stat(const char *path, u32 lookup)
{
    __wasi_filestat_t stat;
    const char *what = label(lookup ? "stat" : "lstat", path);
    if (!show(what, sys_path_filestat_get(ROOT, lookup, path, strlen(path), &stat)))
        print_stat(&stat);
}

void do_fd_stat(const char *what, u32 fd)
{
    __wasi_filestat_t stat;
    if (!show(what, sys_fd_filestat_get(fd, &stat)))
        print_stat(&stat);
}

void do_cat(const char *path)
{
    u32 fd = 0;
    if (show(label("cat", path), sys_path_open(ROOT, FOLLOW, path, strlen(path), 0, RIGHT_READ, 0, 0, &fd)))
        return;
    do_read(fd, 1000);
    close_fd(fd);
}

void do_mkdir(const char *path)
{
    show(label("mkdir", path), sys_path_create_directory(ROOT, path, strlen(path)));
}

void do_rmdir(const char *path)
{
    show(label("rmdir", path), sys_path_remove_directory(ROOT, path, strlen(path)));
}

void do_unlink(const char *path)
{
    show(label("unlink", path), sys_path_unlink_file(ROOT, path, strlen(path)));
}

void do_rename(const char *from, const char *to)
{
    show(label2("rename", from, to), sys_path_rename(ROOT, from, strlen(from), ROOT, to, strlen(to)));
}

void do_link(const char *from, const char *to)
{
    show(label2("link", from, to), sys_path_link(ROOT, 0, from, strlen(from), ROOT, to, strlen(to)));
}

void do_symlink(const char *target, const char *path)
{
    show(label2("symlink", target, path), sys_path_symlink(target, strlen(target), ROOT, path, strlen(path)));
}

void do_readlink(const char *path, u32 length)
{
    static char buffer[1000];
    u32 used = 0;
    if (!show(label("readlink", path), sys_path_readlink(ROOT, path, strlen(path), buffer, length, &used)))
        printf("  %u \"%.*s\"\n", used, (int)used, buffer);
}

u32 read_directory(u32 fd, char *buffer, u32 length)
{
    u32 used = 0;
    require("readdir", "a directory", sys_fd_readdir(fd, buffer, length, 0, &used));
    return used;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void do_list(const char *path)
{
    static char buffer[16384], text[16384];
    char *names[200], *to = text;
    u32 fd = open_directory(path), used = read_directory(fd, buffer, sizeof buffer), count = 0;
    for (u32 at = 0; at + sizeof(__wasi_dirent_t) <= used && count < 200;) {
        __wasi_dirent_t entry;
        memcpy(&entry, buffer + at, sizeof entry);
        at += sizeof entry;
        names[count++] = to;
        to += sprintf(to, "%.*s:%u", (int)entry.d_namlen, buffer + at, entry.d_type) + 1;
        at += entry.d_namlen;
    }
    qsort(names, count, sizeof *names, by_text);
    printf("list %s:", path);
    for (u32 i = 0; i < count; i++)
        printf(" %s", names[i]);
    printf("\n");
    close_fd(fd);
}

int main(int argc, char **argv)
{
    const struct test_case *one;
    if (argc != 2) {
        fprintf(stderr, "usage: conformance CASE | --list\n");
        return 2;
    }
    if (strcmp(argv[1], "--list") == 0) {
        for (one = __start_cases; one < __stop_cases; one++)
            puts(one->name);
        return 0;
    }
    for (one = __start_cases; one < __stop_cases; one++)
        if (strcmp(one->name, argv[1]) == 0) {
            one->run();
            return 0;
        }
    fprintf(stderr, "conformance: no case %s\n", argv[1]);
    return 2;
}
