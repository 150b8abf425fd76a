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

// Starts the program at a path. argv and env are blocks of strings, each ended by NUL; their lengths count
// the NULs. No env (a null pointer) is the parent's environment; no map is descriptors 0, 1 and 2 as they
// are. With a map the child has the descriptors in it and no others. The directories that were opened for
// the parent by the kernel are always passed on.
HT_IMPORT("spawn")
int32_t posix_spawn(const char *path, uint32_t path_len, const char *argv, uint32_t argv_len, const char *env,
                    uint32_t env_len, const struct ht_map *map, uint32_t map_count, uint32_t *pid_out);

// Waits for a child (pid -1: for any) to end, and forgets it. The status is its exit code, or 137 if it was
// killed. With HT_NOHANG and none ready, *pid_out is 0. ECHILD: there is no such child.
HT_IMPORT("waitpid")
int32_t posix_waitpid(int32_t pid, uint32_t options, uint32_t *status_out, uint32_t *pid_out);

// Signal 9 ends a process; signal 0 only asks whether it is there. ESRCH: it is not.
HT_IMPORT("kill") int32_t posix_kill(int32_t pid, uint32_t signal);

HT_IMPORT("getpid") int32_t posix_getpid(uint32_t *pid_out);
HT_IMPORT("getppid") int32_t posix_getppid(uint32_t *pid_out);

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
#define HT_KILLED 137   // the status of a process that was killed
#define HT_ARG_MAX 4096 // bytes of all arguments of a program together, with their NULs

int ht_pipe(int fds[2]);

// Starts a program and returns its pid. argv ends with NULL. fds are the child's descriptors 0, 1 and 2;
// without them it has the caller's. E2BIG: the arguments are longer than HT_ARG_MAX.
int ht_spawn(const char *path, char *const argv[], const int fds[3]);

int ht_waitpid(int pid, int *status, int options); // the pid of the child that ended, or 0 (HT_NOHANG)
int ht_kill(int pid, int signal);
int ht_getpid(void);
int ht_getppid(void);

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

#endif
