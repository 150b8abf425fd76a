// posix: each function of the import module "posix", by hardtack.h, and the errors that it answers with.
//
// Says what is otherwise than it should be, a line each. With an argument it is run in what that names: "full" (no
// descriptor is left), "crowded" (no process is), "poor" (no user memory is), or is a child of itself.
// Exit status: 0 all is as it should be, 1 not.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardtack.h"

#define NOWHERE ((void *)0xfffffff0) // outside the memory
#define NO_FD 99999
#define STREAM HT_SOCK_STREAM
#define NOT_WAITING (HT_SOCK_STREAM | HT_SOCK_NONBLOCK)

static int wrong;

// One step: `result` is that of a function of libc's manner, `error` the errno it should be refused with, or 0.
static int expect(const char *what, int result, int error)
{
    int found = result < 0 ? errno : 0;
    if (found != error || result < -1) {
        printf("%s: %d and errno %d, not %d\n", what, result, found, error);
        wrong = 1;
    }
    return result;
}

// Likewise of an import itself.
static void expect_errno(const char *what, int32_t found, int error)
{
    if (found != error) {
        printf("%s: errno %d, not %d\n", what, (int)found, error);
        wrong = 1;
    }
}

static void expect_value(const char *what, long long found, long long value)
{
    if (found != value) {
        printf("%s: %lld, not %lld\n", what, found, value);
        wrong = 1;
    }
}

static void expect_byte(const char *what, int fd, char byte)
{
    char found = 0;
    expect(what, (int)read(fd, &found, 1), 0);
    expect_value(what, found, byte);
}

static int start(const char *path, const char *argument)
{
    char *arguments[] = {(char *)path, (char *)argument, NULL};
    return ht_spawn(path, arguments, NULL);
}

// Runs a program to its end: its status.
static int run(const char *path, const char *argument)
{
    int status = -1, pid = expect(path, start(path, argument), 0);
    expect_value(path, ht_waitpid(pid, &status, 0), pid);
    return status;
}

static void pipes_and_descriptors(void)
{
    int ends[2], other[2], copy;
    expect("pipe", ht_pipe(ends), 0);
    expect_errno("pipe to nowhere", posix_pipe(NOWHERE), EFAULT);
    expect("write", (int)write(ends[1], "ab", 2), 0);
    expect_byte("read", ends[0], 'a');
    copy = expect("dup", ht_dup(ends[0]), 0);
    expect_byte("read from the copy", copy, 'b');
    expect("dup of nothing", ht_dup(NO_FD), EBADF);
    expect_errno("dup to nowhere", posix_dup((uint32_t)ends[0], NOWHERE), EFAULT);

    expect("pipe", ht_pipe(other), 0);
    expect_value("dup2", expect("dup2", ht_dup2(ends[1], other[0]), 0), other[0]);
    expect("write to the other's place", (int)write(other[0], "c", 1), 0);
    expect_byte("read", ends[0], 'c');
    expect("write, where dup2 closed the last reader", (int)write(other[1], "d", 1), EPIPE);
    expect_value("dup2 onto itself", ht_dup2(copy, copy), copy);
    expect_value("dup2 onto a number that is free", ht_dup2(copy, 200), 200);
    expect("dup2 of nothing", ht_dup2(NO_FD, copy), EBADF);
    expect("dup2 onto a number that there cannot be", ht_dup2(copy, 1 << 20), EBADF);
}

static void directories(void)
{
    char path[16];
    uint32_t size = 0;
    static char long_path[5000];
    expect("mkdir", mkdir("/below", 0777), 0);
    expect("chdir", ht_chdir("/below"), 0);
    expect_errno("getcwd", posix_getcwd(path, sizeof path, &size), 0);
    expect_value("getcwd", size == 6 && !memcmp(path, "/below", 6), 1);
    expect_errno("getcwd without room", posix_getcwd(path, 5, &size), ERANGE);
    expect_value("getcwd tells how much it needs", size, 6);
    expect_errno("getcwd to nowhere", posix_getcwd(NOWHERE, 6, &size), EFAULT);
    expect("a path from there", creat("file", 0666), 0);
    expect("chdir to a file", ht_chdir("file"), ENOTDIR);
    expect("chdir to nothing", ht_chdir("/none"), ENOENT);
    expect("chdir to no path", ht_chdir(""), ENOENT);
    memset(long_path, 'x', sizeof long_path - 1);
    expect("chdir along a path that is too long", ht_chdir(long_path), ENAMETOOLONG);
    expect_errno("chdir to nowhere", posix_chdir(NOWHERE, 5), EFAULT);
    expect_value("a child starts there", run("/posix", "in-below"), 0);
    expect("chdir", ht_chdir("/"), 0);
}

static void starting(void)
{
    static char large[HT_ARG_MAX + 1];
    static char block[3 << 16];
    int bad[3] = {0, NO_FD, 2}, pid;
    uint32_t out = 0;
    struct ht_map map[65] = {{0, 0}};
    memset(large, 'x', HT_ARG_MAX);
    char *arguments[] = {"x", large, NULL};
    expect("spawn of nothing", start("/bin/none", NULL), ENOENT);
    expect("spawn of a file that is no program", start("/below/file", NULL), ENOEXEC);
    expect("spawn of a directory", start("/below", NULL), EACCES);
    expect("spawn along a file", start("/below/file/x", NULL), ENOTDIR);
    expect("spawn with too long arguments", ht_spawn("/bin/true", arguments, NULL), E2BIG);
    expect("spawn with what is not open", ht_spawn("/bin/true", (char *[]){"true", NULL}, bad), EBADF);
#define SPAWN(...) posix_spawn("/bin/true", 9, __VA_ARGS__, &out)
    expect_errno("spawn with arguments that do not end", SPAWN("true", 4, 0, 0, 0, 0, 0, 0), EINVAL);
    expect_errno("spawn with more arguments than there may be", SPAWN(block, 1 << 13, 0, 0, 0, 0, 0, 0), E2BIG);
    expect_errno("spawn with too large an environment", SPAWN("true", 5, block, 3 << 16, 0, 0, 0, 0), E2BIG);
    expect_errno("spawn with too large a map", SPAWN("true", 5, 0, 0, map, 65, 0, 0), EINVAL);
    map[0].child_fd = 1 << 20;
    expect_errno("spawn with a number that there cannot be", SPAWN("true", 5, 0, 0, map, 1, 0, 0), EINVAL);
    expect_errno("spawn in no directory", SPAWN("true", 5, 0, 0, 0, 0, "/none", 5), ENOENT);
    expect_errno("spawn in a file", SPAWN("true", 5, 0, 0, 0, 0, "/below/file", 11), ENOTDIR);
    expect_errno("spawn by a path nowhere", posix_spawn(NOWHERE, 9, "t", 2, 0, 0, 0, 0, 0, 0, &out), EFAULT);
    expect_errno("spawn told nowhere", posix_spawn("/bin/true", 9, "t", 2, 0, 0, 0, 0, 0, 0, NOWHERE), EFAULT);
    expect_value("none of them was started", ht_waitpid(-1, NULL, HT_NOHANG), -1);

    expect("exec of nothing", ht_exec("/bin/none", (char *[]){"x", NULL}, NULL), ENOENT);
    expect("exec of a file that is no program", ht_exec("/below/file", (char *[]){"x", NULL}, NULL), ENOEXEC);
    expect("exec with too long arguments", ht_exec("/bin/true", arguments, NULL), E2BIG);
    expect("exec with too long an environment", ht_exec("/bin/true", (char *[]){"x", NULL}, arguments), E2BIG);
    expect_errno("exec by a path nowhere", posix_exec(NOWHERE, 9, "t", 2, 0, 0), EFAULT);
    expect_errno("exec with arguments that do not end", posix_exec("/bin/true", 9, "t", 1, 0, 0), EINVAL);
    pid = expect("spawn", start("/posix", "exec"), 0);
    expect_value("exec keeps the pid", ht_waitpid(pid, &bad[0], 0), pid);
    expect_value("exec", bad[0], 3);

    expect_errno("fork to nowhere", posix_fork(NOWHERE), EFAULT);
    expect_errno("fork of what was not built for it", posix_fork(&out), ENOTSUP);
}

static void waiting_and_killing(void)
{
    int status = -1, pid;
    uint32_t code = 0, ended = 0;
    expect_value("the first process of all", ht_getppid(), 0);
    expect_errno("getpid to nowhere", posix_getpid(NOWHERE), EFAULT);
    expect_errno("getppid to nowhere", posix_getppid(NOWHERE), EFAULT);
    expect_value("its child knows it", run("/posix", "child"), 0);
    expect("waiting for nobody", ht_waitpid(-1, &status, 0), ECHILD);
    expect("waiting for who is no child", ht_waitpid(ht_getpid(), &status, 0), ECHILD);
    expect_value("an exit status", run("/bin/false", NULL), 1);

    pid = expect("spawn", start("/bin/sleeper", "60"), 0);
    expect_value("waiting for who has not ended", ht_waitpid(pid, &status, HT_NOHANG), 0);
    expect("waiting in a way that there is not", ht_waitpid(pid, &status, 1 << 10), EINVAL);
    expect_errno("waiting, told nowhere", posix_waitpid(pid, 0, NOWHERE, &ended), EFAULT);
    expect_errno("waiting, told nowhere", posix_waitpid(pid, 0, &code, NOWHERE), EFAULT);
    expect("asking whether it is there", ht_kill(pid, 0), 0);
    expect("a signal that there is not", ht_kill(pid, 77), EINVAL);
    expect("killing nobody", ht_kill(12345, HT_SIGKILL), ESRCH);
    expect("kill", ht_kill(pid, HT_SIGTERM), 0);
    expect_value("waiting for it", ht_waitpid(pid, &status, 0), pid);
    expect_value("its status", status, 128 + HT_SIGTERM);
    expect("killing who is gone", ht_kill(pid, HT_SIGTERM), ESRCH);
}

static void making_sockets(void)
{
    int pair[2];
    expect("a pair", ht_socketpair(HT_AF_UNIX, STREAM, pair), 0);
    expect("write", (int)write(pair[0], "a", 1), 0);
    expect_byte("read", pair[1], 'a');
    expect("no more writing", ht_shutdown(pair[0], 2), 0);
    expect_value("the end", read(pair[1], pair, 1), 0);
    expect("shutdown of no direction", ht_shutdown(pair[0], 0), EINVAL);
    expect("shutdown of what is no socket", ht_shutdown(0, 1), ENOTSOCK);
    expect("shutdown of nothing", ht_shutdown(NO_FD, 1), EBADF);
    expect("a pair on the network", ht_socketpair(HT_AF_INET, STREAM, pair), ENOTSUP);
    expect("a pair of no family", ht_socketpair(77, STREAM, pair), EAFNOSUPPORT);
    expect_errno("a pair, told nowhere", posix_socketpair(HT_AF_UNIX, STREAM, NOWHERE), EFAULT);
    expect("a socket of no family", ht_socket(77, STREAM), EAFNOSUPPORT);
    expect("a socket of no type", ht_socket(HT_AF_UNIX, 77), EPROTOTYPE);
    expect_errno("a socket, told nowhere", posix_socket(HT_AF_UNIX, STREAM, NOWHERE), EFAULT);
}

static void talking(void)
{
    struct ht_sockaddr_un name = {HT_AF_UNIX, "/name"}, nobody = {HT_AF_UNIX, "/nobody"}, port = {HT_AF_INET, {0, 80}};
    struct ht_sockaddr_un away = {HT_AF_INET, {0, 80, 8, 8, 8, 8}};
    char long_name[200];
    int listener = expect("socket", ht_socket(HT_AF_UNIX, NOT_WAITING), 0), client, server, other;
    expect("listening without a name", ht_listen(listener, 1), EDESTADDRREQ);
    expect("accepting where nobody listens", ht_accept(listener, 0), EINVAL);
    expect("binding to another family's", ht_bind(listener, &port, sizeof port), EAFNOSUPPORT);
    expect("binding to no name", ht_bind(listener, &name, 2), EINVAL);
    expect("binding to half a family", ht_bind(listener, &name, 1), EINVAL);
    expect("binding to nowhere", ht_bind(listener, NOWHERE, 20), EFAULT);
    expect("binding nothing", ht_bind(NO_FD, &name, sizeof name), EBADF);
    expect("binding what is no socket", ht_bind(0, &name, sizeof name), ENOTSOCK);
    expect("bind", ht_bind(listener, &name, sizeof name), 0);
    expect("binding twice", ht_bind(listener, &name, sizeof name), EINVAL);
    expect("a name that is taken", ht_bound("/name"), EADDRINUSE);
    expect("listening, of nothing", ht_listen(NO_FD, 1), EBADF);
    expect("listening, of what is no socket", ht_listen(0, 1), ENOTSOCK);

    expect("connecting where nobody listens yet", ht_connected("/name"), ECONNREFUSED);
    expect("listen", ht_listen(listener, 1), 0);
    expect("accepting when nobody has come", ht_accept(listener, 0), EAGAIN);
    client = expect("connect", ht_connected("/name"), 0);
    other = expect("socket", ht_socket(HT_AF_UNIX, NOT_WAITING), 0);
    expect("connecting when the line is full", ht_connect(other, &name, sizeof name), EAGAIN);
    server = expect("accept", ht_accept(listener, 1), 0);
    expect_value("a connection that does not wait", read(server, long_name, 1), -1);
    expect_value("says so", errno, EAGAIN);
    expect("write", (int)write(client, "a", 1), 0);
    expect_byte("read", server, 'a');
    expect("connecting what is connected", ht_connect(client, &name, sizeof name), EISCONN);
    expect("connecting what listens", ht_connect(listener, &name, sizeof name), ENOTSUP);
    expect("listening, of what is connected", ht_listen(client, 1), EINVAL);
    expect("shutdown of what is not connected", ht_shutdown(other, 3), ENOTCONN);
    expect("connecting to nobody", ht_connect(other, &nobody, sizeof nobody), ENOENT);
    expect("connecting to nowhere", ht_connect(other, NOWHERE, 20), EFAULT);
    expect("connecting nothing", ht_connect(NO_FD, &name, sizeof name), EBADF);
    expect("connecting what is no socket", ht_connect(0, &name, sizeof name), ENOTSOCK);
    expect("accepting from what is no socket", ht_accept(0, 0), ENOTSOCK);
    expect("accepting from nothing", ht_accept(NO_FD, 0), EBADF);

    expect("a port that nobody has", ht_connected("80"), ECONNREFUSED);
    expect("a port that there is not", ht_connected("65536"), ENAMETOOLONG);
    expect("a port", ht_bound("80"), 0);
    expect("a port that is taken", ht_bound("80"), EADDRINUSE);
    other = expect("socket", ht_socket(HT_AF_INET, STREAM), 0);
    expect("an address elsewhere", ht_connect(other, &away, 8), EADDRNOTAVAIL);
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    expect("a name that is too long", ht_bound(long_name), ENAMETOOLONG);
}

// Each function that makes a descriptor, when all that a program may have are open.
static void full(void)
{
    int fds[2], listener = expect("bound", ht_bound("/full"), 0), copy = 0;
    expect("listen", ht_listen(listener, 4), 0);
    expect("connect", ht_connected("/full"), 0);
    while (ht_dup(0) >= 0)
        copy++;
    expect_value("copies, then", copy > 3 ? errno : 0, EMFILE);
    expect("dup", ht_dup(0), EMFILE);
    expect("dup2 onto a number that is free", ht_dup2(0, 1000), EMFILE);
    expect_value("dup2 onto one that is not", ht_dup2(0, listener + 1), listener + 1);
    expect("socket", ht_socket(HT_AF_UNIX, STREAM), EMFILE);
    expect("accept", ht_accept(listener, 0), EMFILE);
    for (int last = 0; last < 2; last++) { // without a number, and with one, where two are wanted
        expect("pipe", ht_pipe(fds), EMFILE);
        expect("pair", ht_socketpair(HT_AF_UNIX, STREAM, fds), EMFILE);
        close(listener + 1);
    }
    expect("accept", ht_accept(listener, 0), 0);
}

int main(int argc, char **argv)
{
    const char *as = argc > 1 ? argv[1] : "";
    ht_start();
    if (!strcmp(as, "in-below"))
        return access("file", F_OK) != 0; // /below/file
    if (!strcmp(as, "child"))
        return ht_getppid() != ht_getpid() - 1;
    if (!strcmp(as, "exec"))
        return ht_exec("/bin/sh", (char *[]){"sh", "-c", "exit $A", NULL}, (char *[]){"A=3", NULL});
    if (!strcmp(as, "full")) {
        full();
        return wrong;
    }
    if (!strcmp(as, "crowded") || !strcmp(as, "poor")) {
        expect(as, start("/bin/true", NULL), *as == 'c' ? EAGAIN : ENOMEM);
        return wrong;
    }
    pipes_and_descriptors();
    directories();
    starting();
    waiting_and_killing();
    making_sockets();
    talking();
    return wrong;
}
