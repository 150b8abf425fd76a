// What a program of hardtack's has beyond WASI preview1: processes, pipes and sockets.
//
// Preview1 knows one program, its files and its clocks. The import module "posix" adds what a shell needs.
// The first half of this file is that module as the kernel has it; the second half is what programs call,
// in libc's manner: the result, or -1 and errno.
#ifndef HARDTACK_H
#define HARDTACK_H

#include <stdint.h>

// The imports. Each returns 0 or an errno with WASI's number; results go through pointers.
#define HT_IMPORT(NAME) __attribute__((import_module("posix"), import_name(NAME), warn_unused_result))

// A descriptor of the child and the one of the parent that it becomes.
struct ht_map {
    uint32_t child_fd;
    uint32_t parent_fd;
};

// fds[0] is the end to read from, fds[1] the one to write to.
HT_IMPORT("pipe") int32_t posix_pipe(uint32_t fds[2]);

// A copy of a descriptor: the lowest free number; or a number of one's own, closed before if it was open.
HT_IMPORT("dup") int32_t posix_dup(uint32_t fd, uint32_t *fd_out);
HT_IMPORT("dup2") int32_t posix_dup2(uint32_t fd, uint32_t to);

// Starts the program at a path: one in /bin, or a file. argv and env are blocks of strings, each ended by NUL;
// their lengths count the NULs. No env (a null pointer) is the parent's environment; no map is descriptors 0, 1
// and 2 as they are; no directory is the parent's. With a map the child has the descriptors in it and no others.
// The directories that were opened for the parent by the kernel are always passed on. ENOEXEC: it is no program.
HT_IMPORT("spawn")
int32_t posix_spawn(const char *path, uint32_t path_len, const char *argv, uint32_t argv_len, const char *env,
                    uint32_t env_len, const struct ht_map *map, uint32_t map_count, const char *directory,
                    uint32_t directory_len, uint32_t *pid_out);

// Makes a copy of the process, for which *pid_out is 0. Only a program that has no calls under way can be copied,
// so this is called by fork/fork.c alone. ENOTSUP: the program was not built with it. ENOMEM: no user memory.
HT_IMPORT("fork") int32_t posix_fork(uint32_t *pid_out);

// Replaces the program by another, which has its pid, parent, descriptors and directory; returns only errors.
HT_IMPORT("exec")
int32_t posix_exec(const char *path, uint32_t path_len, const char *argv, uint32_t argv_len, const char *env,
                   uint32_t env_len);

// Waits for a child (pid -1: for any) to end, and forgets it. The status is its exit code, or 128 and the number
// of the signal that ended it. With HT_NOHANG and none ready, *pid_out is 0. ECHILD: there is no such child.
HT_IMPORT("waitpid")
int32_t posix_waitpid(int32_t pid, uint32_t options, uint32_t *status_out, uint32_t *pid_out);

// Every signal whose default is to end a process ends it; signal 0 only asks whether it is there. ESRCH: it is not.
HT_IMPORT("kill") int32_t posix_kill(int32_t pid, uint32_t signal);

HT_IMPORT("getpid") int32_t posix_getpid(uint32_t *pid_out);
HT_IMPORT("getppid") int32_t posix_getppid(uint32_t *pid_out);

// The directory that paths of spawn and exec start from, and that children start in. A program's own paths are
// libc's affair: ht_start makes them start from there too. ERANGE: it has *size_out bytes, more than there is room.
HT_IMPORT("getcwd") int32_t posix_getcwd(char *path, uint32_t size, uint32_t *size_out);
HT_IMPORT("chdir") int32_t posix_chdir(const char *path, uint32_t path_len);

// Stream sockets inside the kernel: nothing of the host's network. A domain is HT_AF_INET (a loopback of the
// kernel's own; the address is a struct sockaddr_in with 127.0.0.1 or 0.0.0.0) or HT_AF_UNIX (a struct
// ht_sockaddr_un, whose name is no file: it is free again when the socket is closed). A type is
// HT_SOCK_STREAM, with HT_SOCK_NONBLOCK if calls are to answer EAGAIN instead of waiting. Accepting, shutting
// down, and reading with flags are preview1's: sock_accept, sock_shutdown, sock_recv and sock_send.
struct ht_sockaddr_un {
    uint16_t family;
    char name[108];
};
HT_IMPORT("socket") int32_t posix_socket(uint32_t domain, uint32_t type, uint32_t *fd_out);
HT_IMPORT("socketpair") int32_t posix_socketpair(uint32_t domain, uint32_t type, uint32_t fds[2]);
HT_IMPORT("bind") int32_t posix_bind(uint32_t fd, const void *address, uint32_t size);
// So many connections, at least 1 and at most 16, wait to be accepted; who connects then waits as well.
HT_IMPORT("listen") int32_t posix_listen(uint32_t fd, uint32_t backlog);
HT_IMPORT("connect") int32_t posix_connect(uint32_t fd, const void *address, uint32_t size);

// What programs call (lib/process.c, lib/socket.c).
#define HT_NOHANG 1
#define HT_SIGKILL 9
#define HT_SIGTERM 15
#define HT_KILLED 137   // the status of a process that was killed
#define HT_ARG_MAX 4096 // bytes of all arguments of a program together, with their NULs

int ht_pipe(int fds[2]);

// Starts a program and returns its pid. argv ends with NULL. fds are the child's descriptors 0, 1 and 2;
// without them it has the caller's. E2BIG: the arguments are longer than HT_ARG_MAX.
int ht_spawn(const char *path, char *const argv[], const int fds[3]);

// Replaces the program; returns -1 and errno only where that failed. envp ends with NULL; NULL is the caller's own.
int ht_exec(const char *path, char *const argv[], char *const envp[]);

// Copies the process: the child's pid, or 0 in the child. Who calls it is built with fork/fork.c and Asyncify.
int ht_fork(void);

int ht_dup(int fd);
int ht_dup2(int fd, int to);
int ht_waitpid(int pid, int *status, int options); // the pid of the child that ended, or 0 (HT_NOHANG)
int ht_kill(int pid, int signal);
int ht_getpid(void);
int ht_getppid(void);

// Has a program's relative paths start from the directory that it was started in; the first thing that main does
// (lib/directory.c).
void ht_start(void);
int ht_chdir(const char *path); // and of programs and children as well

#define HT_AF_INET 1
#define HT_AF_UNIX 3
#define HT_SOCK_STREAM 6
#define HT_SOCK_NONBLOCK 0x4000
int ht_socket(int domain, int type);
int ht_socketpair(int domain, int type, int fds[2]);
int ht_bind(int fd, const void *address, unsigned long size);
int ht_listen(int fd, int backlog);
int ht_accept(int fd, int nonblocking); // the new descriptor
int ht_connect(int fd, const void *address, unsigned long size);
int ht_shutdown(int fd, int how); // 1: no more reading, 2: no more writing, 3: neither

// Makes a socket and binds it to, or connects it to, a name, or a port if the name is a number. Its descriptor.
int ht_bound(const char *name);
int ht_connected(const char *name);

// What nearly every program needs (lib/print.c).

// Writes all bytes, as many writes as that takes: 0, or -1 and errno.
int ht_write_all(int fd, const void *data, unsigned long length);

// Prints with %s, %d (int), %u (unsigned), %l (unsigned 64-bit) and %%, unbuffered: one write, so that lines
// of several programs do not mix. A text longer than 1000 bytes is cut. 0, or -1 and errno.
int ht_print(int fd, const char *format, ...);

// The same into a buffer of some size, ended by NUL; what does not fit is cut.
void ht_format(char *to, unsigned long size, const char *format, ...);

// "PROGRAM: WHAT: the text of errno" on standard error; returns 1, the status to exit with.
int ht_fail(const char *program, const char *what);

// "usage: TEXT" on standard error; returns 2, the status to exit with.
int ht_usage(const char *text);

// A number from an argument, or -1 if it is none.
long long ht_number(const char *text);

// Reading by lines and writing in pieces (lib/stream.c).

// Lines of a file. Each is ended by NUL in place of its newline, and stays until the next one is read.
struct ht_lines {
    int fd;
    char *line;
    unsigned long length; // of the line
    int ended;            // whether a newline was behind it, as it is but for the last
    char *buffer;
    unsigned long room, filled, at;
};
struct ht_lines ht_lines(int fd);
int ht_next_line(struct ht_lines *lines); // 1; 0 at the end; -1 and errno
void ht_end_lines(struct ht_lines *lines);

// Calls do_file for each file that is named, or for standard input if none is: all their statuses, joined by `|`.
int ht_each_file(const char *program, char *const names[], int (*do_file)(int fd, const char *name));

// Collects what is written to standard output; a program that cannot write ends with status 1 and a message.
void ht_put(const char *program, const void *data, unsigned long length);
void ht_put_line(const char *program, const char *line);
void ht_put_read(const char *program, const struct ht_lines *lines); // a line as it was read
void ht_flush(const char *program);

// The program test, or [, which ends in ] (lib/test.c): 0 if what is asked is so, 1 if not, 2 and a message for
// wrong use.
int ht_test(const char *name, int argc, char **argv);

#endif
