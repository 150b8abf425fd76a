// What every file of cases shares: preview1's imports as they are, and lines that say what came back.
//
// Rules of a case:
//   1. It starts with an empty file system at descriptor 3 (ROOT), and nobody else runs.
//   2. It prints what it learns and decides nothing: the lines of two hosts are compared.
//   3. It prints nothing that a host may choose: no inode numbers, sizes of directories, times of
//      today, order of directory entries.
//   4. It passes no pointer outside its memory, and no enumerator or flag that does not exist: wasmtime
//      traps on both.
//   5. Where the specification and wasmtime disagree, wasmtime is right, and a comment says so. Where
//      wasmtime is plainly odd, so that nobody could want to follow it, the step is left out, and a comment
//      says that too.
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

#define ROOT 3
#define NO_FD 99                      // a descriptor that nobody opened
#define ALL_RIGHTS UINT64_C(0x1fffffff) // those of files and directories; sockets are another matter
#define RIGHT_READ __WASI_RIGHTS_FD_READ
#define RIGHT_WRITE __WASI_RIGHTS_FD_WRITE
#define FOLLOW __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW
#define CREAT __WASI_OFLAGS_CREAT
#define DIRECTORY __WASI_OFLAGS_DIRECTORY
#define EXCL __WASI_OFLAGS_EXCL
#define TRUNC __WASI_OFLAGS_TRUNC
#define APPEND __WASI_FDFLAGS_APPEND

// CASE(name) { ... } defines a case and enters it into the table, in the order of the linker's line.
struct test_case {
    const char *name;
    void (*run)(void);
};
#define CASE(NAME)                                                                                      \
    static void NAME(void);                                                                             \
    static const struct test_case NAME##_entry __attribute__((section("cases"), used)) = {#NAME, NAME}; \
    static void NAME(void)

// The imports, with paths as the ABI has them (pointer and length) and every small integer widened, so
// that a case can pass what libc would never pass. <wasi/api.h> gives the types; its own functions take
// C strings.
#define PREVIEW1(NAME) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#NAME)))
#define SYS(NAME) PREVIEW1(NAME) int32_t sys_##NAME
typedef uint32_t u32;
typedef uint64_t u64;

SYS(args_get)(char **argv, char *block);
SYS(args_sizes_get)(u32 *count, u32 *bytes);
SYS(environ_get)(char **environ, char *block);
SYS(environ_sizes_get)(u32 *count, u32 *bytes);
SYS(clock_res_get)(u32 clock, u64 *resolution);
SYS(clock_time_get)(u32 clock, u64 precision, u64 *time);
SYS(fd_advise)(u32 fd, u64 offset, u64 length, u32 advice);
SYS(fd_allocate)(u32 fd, u64 offset, u64 length);
SYS(fd_close)(u32 fd);
SYS(fd_datasync)(u32 fd);
SYS(fd_fdstat_get)(u32 fd, __wasi_fdstat_t *stat);
SYS(fd_fdstat_set_flags)(u32 fd, u32 flags);
SYS(fd_fdstat_set_rights)(u32 fd, u64 base, u64 inheriting);
SYS(fd_filestat_get)(u32 fd, __wasi_filestat_t *stat);
SYS(fd_filestat_set_size)(u32 fd, u64 size);
SYS(fd_filestat_set_times)(u32 fd, u64 atim, u64 mtim, u32 flags);
SYS(fd_pread)(u32 fd, const __wasi_iovec_t *iovs, u32 count, u64 offset, u32 *done);
SYS(fd_prestat_get)(u32 fd, __wasi_prestat_t *stat);
SYS(fd_prestat_dir_name)(u32 fd, char *name, u32 length);
SYS(fd_pwrite)(u32 fd, const __wasi_ciovec_t *iovs, u32 count, u64 offset, u32 *done);
SYS(fd_read)(u32 fd, const __wasi_iovec_t *iovs, u32 count, u32 *done);
SYS(fd_readdir)(u32 fd, void *buffer, u32 length, u64 cookie, u32 *used);
SYS(fd_renumber)(u32 from, u32 to);
SYS(fd_seek)(u32 fd, int64_t offset, u32 whence, u64 *position);
SYS(fd_sync)(u32 fd);
SYS(fd_tell)(u32 fd, u64 *position);
SYS(fd_write)(u32 fd, const __wasi_ciovec_t *iovs, u32 count, u32 *done);
SYS(path_create_directory)(u32 fd, const char *path, u32 length);
SYS(path_filestat_get)(u32 fd, u32 lookup, const char *path, u32 length, __wasi_filestat_t *stat);
SYS(path_filestat_set_times)(u32 fd, u32 lookup, const char *path, u32 length, u64 atim, u64 mtim, u32 flags);
SYS(path_link)
(u32 old_fd, u32 lookup, const char *old, u32 old_length, u32 new_fd, const char *new, u32 new_length);
SYS(path_open)
(u32 fd, u32 lookup, const char *path, u32 length, u32 oflags, u64 base, u64 inheriting, u32 fdflags,
 u32 *opened);
SYS(path_readlink)(u32 fd, const char *path, u32 length, char *buffer, u32 buffer_length, u32 *used);
SYS(path_remove_directory)(u32 fd, const char *path, u32 length);
SYS(path_rename)(u32 old_fd, const char *old, u32 old_length, u32 new_fd, const char *new, u32 new_length);
SYS(path_symlink)(const char *target, u32 target_length, u32 fd, const char *path, u32 length);
SYS(path_unlink_file)(u32 fd, const char *path, u32 length);
SYS(poll_oneoff)(const __wasi_subscription_t *in, __wasi_event_t *out, u32 count, u32 *events);
SYS(proc_raise)(u32 signal);
SYS(random_get)(void *buffer, u32 length);
SYS(sched_yield)(void);
SYS(sock_accept)(u32 fd, u32 flags, u32 *opened);
SYS(sock_recv)(u32 fd, const __wasi_iovec_t *iovs, u32 count, u32 flags, u32 *done, u32 *out_flags);
SYS(sock_send)(u32 fd, const __wasi_ciovec_t *iovs, u32 count, u32 flags, u32 *done);
SYS(sock_shutdown)(u32 fd, u32 how);

// Steps of a case, each printing one line "WHAT: ERRNO NAME [...]".
int show(const char *what, int error);     // returns error
int do_open(const char *what, u32 dir, const char *path, u32 oflags); // closes what it opened
void do_write(u32 fd, const char *text);
void do_read(u32 fd, u32 length);
void do_write_all(u32 fd, __wasi_ciovec_t *iovs, u32 count); // goes on after short counts
void do_read_all(u32 fd, __wasi_iovec_t *iovs, u32 count);
void do_seek(u32 fd, int64_t offset, u32 whence);
void do_tell(u32 fd);
void do_stat(const char *path, u32 lookup);
void do_fd_stat(const char *what, u32 fd);
void do_cat(const char *path);
void do_mkdir(const char *path);
void do_rmdir(const char *path);
void do_unlink(const char *path);
void do_rename(const char *from, const char *to);
void do_link(const char *from, const char *to);
void do_symlink(const char *target, const char *path);
void do_readlink(const char *path, u32 length);
void do_list(const char *path); // names and types, sorted, on one line

// Steps that a case builds on: silent, and the end of the case if they fail.
u32 open_file(const char *path, u32 oflags, u64 rights, u32 fdflags);
u32 open_directory(const char *path);
void put(const char *path, const char *text); // a file with this content
void make_directory(const char *path);
void close_fd(u32 fd);
u32 read_directory(u32 fd, char *buffer, u32 length); // every entry, by calls with a large buffer

#endif
