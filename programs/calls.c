// calls OP N [SIZE] [PATH]: makes N system calls of one kind and prints how long they took. It calls preview1
// directly, so that nothing but the call, and a loop around it, is measured.
//   write      fd_write of SIZE bytes to PATH, going back to its start after every MiB, or to "-"
//   read       fd_read of SIZE bytes from PATH, a MiB that it fills first, going back at its end, or from "-"
//   seek       fd_seek in PATH, each time to the next byte of a MiB
//   clock      clock_time_get
//   openclose  path_open and fd_close of PATH, which counts as one call
//   yield      sched_yield
//   nop        no call: what the loop costs
// SIZE is 16 bytes if not given, PATH "/calls". "-" is standard input or output; the report then goes to
// standard error.
// Exit status: 0, 1 for an error, 2 for wrong use.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

#include "hardtack.h"

#define MIB 1048576
#define LARGEST 65536 // bytes of one call
#define ROOT 3        // the directory that the kernel opened for us

struct bench {
    long long calls;
    uint32_t size;
    const char *path;
    __wasi_fd_t fd;
    int rewinds; // there is a file to go back in
};

static uint8_t buffer[LARGEST];

static _Noreturn void fail(const char *what, int error)
{
    errno = error;
    exit(ht_fail("calls", what));
}

static void check(const char *what, __wasi_errno_t error)
{
    if (error)
        fail(what, error);
}

static __wasi_timestamp_t now(void)
{
    __wasi_timestamp_t time = 0;
    check("clock_time_get", __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &time));
    return time;
}

static void go_to(const struct bench *bench, __wasi_filedelta_t place)
{
    __wasi_filesize_t position;
    check("fd_seek", __wasi_fd_seek(bench->fd, place, __WASI_WHENCE_SET, &position));
}

static void run_write(const struct bench *bench)
{
    __wasi_ciovec_t iov = {buffer, bench->size};
    __wasi_size_t done;
    uint32_t at = 0;
    for (long long i = 0; i < bench->calls; i++) {
        check("fd_write", __wasi_fd_write(bench->fd, &iov, 1, &done));
        at += done;
        if (bench->rewinds && at >= MIB) {
            go_to(bench, 0);
            at = 0;
        }
    }
}

static void run_read(const struct bench *bench)
{
    __wasi_iovec_t iov = {buffer, bench->size};
    __wasi_size_t done;
    uint32_t at = 0;
    for (long long i = 0; i < bench->calls; i++) {
        check("fd_read", __wasi_fd_read(bench->fd, &iov, 1, &done));
        at += done;
        if (bench->rewinds && at >= MIB) {
            go_to(bench, 0);
            at = 0;
        }
    }
}

static void run_seek(const struct bench *bench)
{
    for (long long i = 0; i < bench->calls; i++)
        go_to(bench, i % MIB);
}

static void run_clock(const struct bench *bench)
{
    __wasi_timestamp_t time;
    for (long long i = 0; i < bench->calls; i++)
        check("clock_time_get", __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &time));
}

static void run_openclose(const struct bench *bench)
{
    const char *path = bench->path + strspn(bench->path, "/");
    __wasi_fd_t fd;
    for (long long i = 0; i < bench->calls; i++) {
        check("path_open", __wasi_path_open(ROOT, 0, path, 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd));
        check("fd_close", __wasi_fd_close(fd));
    }
}

static void run_yield(const struct bench *bench)
{
    for (long long i = 0; i < bench->calls; i++)
        check("sched_yield", __wasi_sched_yield());
}

static void run_nop(const struct bench *bench)
{
    for (volatile long long i = 0; i < bench->calls; i++)
        ;
}

static const struct operation {
    const char *name;
    void (*run)(const struct bench *bench);
    int needs_file;
} operations[] = {
    {"write", run_write, 1}, {"read", run_read, 1},   {"seek", run_seek, 1}, {"openclose", run_openclose, 1},
    {"clock", run_clock, 0}, {"yield", run_yield, 0}, {"nop", run_nop, 0},
};
#define OPERATIONS (sizeof operations / sizeof *operations)

// Makes the file, a MiB long, and leaves it open at its start.
static void open_file(struct bench *bench)
{
    int fd = open(bench->path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        fail(bench->path, errno);
    for (int at = 0; at < MIB; at += LARGEST)
        if (ht_write_all(fd, buffer, LARGEST))
            fail(bench->path, errno);
    bench->fd = fd;
    bench->rewinds = 1;
    go_to(bench, 0);
}

int main(int argc, char **argv)
{
    const struct operation *operation = operations, *end = operations + OPERATIONS;
    struct bench bench = {.size = 16, .path = "/calls"};
    long long size = argc > 3 ? ht_number(argv[3]) : 16;
    bench.calls = argc > 2 ? ht_number(argv[2]) : -1;
    while (operation < end && (argc < 2 || strcmp(argv[1], operation->name)))
        operation++;
    if (operation == end || bench.calls < 0 || size < 0 || size > LARGEST || argc > 5)
        return ht_usage("calls write|read|seek|clock|openclose|yield|nop N [SIZE] [PATH]");
    bench.size = size;
    if (argc > 4)
        bench.path = argv[4];
    int stream = strcmp(bench.path, "-") == 0;
    if (operation->needs_file && !stream)
        open_file(&bench);
    else
        bench.fd = operation->run == run_write ? STDOUT_FILENO : STDIN_FILENO;
    __wasi_timestamp_t start = now();
    operation->run(&bench);
    __wasi_timestamp_t took = now() - start;
    int report = stream ? STDERR_FILENO : STDOUT_FILENO;
    if (ht_print(report, "%s %l calls in %l ns\n", operation->name, (uint64_t)bench.calls, took))
        fail("report", errno);
    return 0;
}
