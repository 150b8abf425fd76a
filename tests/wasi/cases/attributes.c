// fdstat, filestat, rights and times.
#include "conformance.h"

static void do_fdstat(const char *what, u32 fd)
{
    __wasi_fdstat_t stat;
    if (!show(what, sys_fd_fdstat_get(fd, &stat)))
        printf("  type %u flags %u read %d write %d\n", stat.fs_filetype, stat.fs_flags,
               (stat.fs_rights_base & RIGHT_READ) != 0, (stat.fs_rights_base & RIGHT_WRITE) != 0);
}

CASE(fdstat_of_files)
{
    put("a", "text");
    do_fdstat("to read", open_file("a", 0, RIGHT_READ, 0));
    do_fdstat("to write", open_file("a", 0, RIGHT_WRITE, 0));
    do_fdstat("to read and write", open_file("a", 0, RIGHT_READ | RIGHT_WRITE, 0));
    do_fdstat("to append", open_file("a", 0, RIGHT_WRITE, APPEND));
    do_fdstat("without rights", open_file("a", 0, 0, 0));
}

CASE(fdstat_of_directories)
{
    make_directory("d");
    do_fdstat("root", ROOT);
    do_fdstat("directory", open_directory("d"));
}

// libc opens nothing that the directory's inheriting rights do not allow. (Which other bits are set is left
// out: wasmtime computes them from what is of no use to anybody any more.)
CASE(fdstat_inheriting_rights_of_the_root)
{
    __wasi_fdstat_t stat;
    show("root", sys_fd_fdstat_get(ROOT, &stat));
    printf("  read %d write %d\n", (stat.fs_rights_inheriting & RIGHT_READ) != 0,
           (stat.fs_rights_inheriting & RIGHT_WRITE) != 0);
}

CASE(set_flags)
{
    put("a", "text");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    for (u32 flags = 0; flags < 32; flags = flags ? flags * 2 : 1) {
        show("set_flags", sys_fd_fdstat_set_flags(fd, flags));
        do_fdstat("  now", fd);
    }
    make_directory("d");
    show("of a directory", sys_fd_fdstat_set_flags(open_directory("d"), APPEND));
}

CASE(open_with_flags)
{
    for (u32 flags = 1; flags < 32; flags *= 2) {
        u32 fd = 0;
        if (!show("open", sys_path_open(ROOT, 0, "a", 1, CREAT, RIGHT_READ | RIGHT_WRITE, 0, flags, &fd)))
            do_fdstat("  flags", fd);
    }
}

// wasmtime has no rights to take away any more: the call is not supported, and nothing changes.
CASE(set_rights)
{
    put("a", "text");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    show("the same", sys_fd_fdstat_set_rights(fd, ALL_RIGHTS, ALL_RIGHTS));
    show("fewer", sys_fd_fdstat_set_rights(fd, RIGHT_READ, 0));
    do_read(fd, 10);
    do_write(fd, "x");
    show("more", sys_fd_fdstat_set_rights(fd, ALL_RIGHTS, 0));
    show("of the root", sys_fd_fdstat_set_rights(ROOT, RIGHT_READ, 0));
}

// A directory opened without any right still serves paths, since wasmtime keeps no rights.
CASE(rights_of_directories_do_not_narrow)
{
    make_directory("d");
    u32 dir = open_file("d", DIRECTORY, 0, 0), fd = 0;
    show("create below", sys_path_open(dir, 0, "a", 1, CREAT, RIGHT_WRITE, 0, 0, &fd));
    do_write(fd, "text");
    show("mkdir below", sys_path_create_directory(dir, "e", 1));
    do_cat("d/a");
}

CASE(stat_types)
{
    make_directory("d");
    put("a", "text");
    do_symlink("a", "l");
    do_stat("a", 0);
    do_stat("d", 0);
    do_stat("l", 0);
    do_stat("l", FOLLOW);
    do_stat(".", 0);
    do_stat("missing", 0);
    do_fd_stat("root", ROOT);
}

CASE(stat_same_file_same_inode)
{
    __wasi_filestat_t by_path, by_fd, other;
    put("a", "text");
    put("b", "text");
    show("path", sys_path_filestat_get(ROOT, 0, "a", 1, &by_path));
    show("descriptor", sys_fd_filestat_get(open_file("a", 0, RIGHT_READ, 0), &by_fd));
    show("other", sys_path_filestat_get(ROOT, 0, "b", 1, &other));
    printf("same %d, other differs %d, one device %d\n", by_path.ino == by_fd.ino, by_path.ino != other.ino,
           by_path.dev == by_fd.dev && by_path.dev == other.dev);
}

CASE(stat_times_are_now)
{
    __wasi_filestat_t stat;
    u64 now = 0;
    put("a", "text");
    show("stat", sys_path_filestat_get(ROOT, 0, "a", 1, &stat));
    show("clock", sys_clock_time_get(__WASI_CLOCKID_REALTIME, 0, &now));
    now /= 1000000000;
    printf("mtim %d ctim %d atim %d\n", now - stat.mtim / 1000000000 < 60, now - stat.ctim / 1000000000 < 60,
           now - stat.atim / 1000000000 < 60);
}

static void print_times(const char *path)
{
    __wasi_filestat_t stat;
    show("stat", sys_path_filestat_get(ROOT, 0, path, strlen(path), &stat));
    for (int i = 0; i < 2; i++) {
        u64 time = i ? stat.mtim : stat.atim;
        if (time < UINT64_C(1600000000000000000))
            printf("  %s %llu\n", i ? "mtim" : "atim", (unsigned long long)time);
        else
            printf("  %s today\n", i ? "mtim" : "atim");
    }
}

#define ATIM __WASI_FSTFLAGS_ATIM
#define MTIM __WASI_FSTFLAGS_MTIM
#define ATIM_NOW __WASI_FSTFLAGS_ATIM_NOW
#define MTIM_NOW __WASI_FSTFLAGS_MTIM_NOW

CASE(set_times_of_a_descriptor)
{
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0);
    show("both", sys_fd_filestat_set_times(fd, 1000, 2000000003, ATIM | MTIM));
    print_times("a");
    show("atim", sys_fd_filestat_set_times(fd, 5000000000, 7, ATIM));
    print_times("a");
    show("mtim", sys_fd_filestat_set_times(fd, 7, 6000000000, MTIM));
    print_times("a");
    show("neither", sys_fd_filestat_set_times(fd, 1, 1, 0));
    print_times("a");
    show("now", sys_fd_filestat_set_times(fd, 1, 1, ATIM_NOW | MTIM_NOW));
    print_times("a");
}

CASE(set_times_of_a_path)
{
    put("a", "text");
    show("both", sys_path_filestat_set_times(ROOT, 0, "a", 1, 1000, 2000000003, ATIM | MTIM));
    print_times("a");
    show("mtim now", sys_path_filestat_set_times(ROOT, 0, "a", 1, 1, 1, MTIM_NOW));
    print_times("a");
    make_directory("d");
    show("directory", sys_path_filestat_set_times(ROOT, 0, "d", 1, 1000, 3000, ATIM | MTIM));
    print_times("d");
    show("missing", sys_path_filestat_set_times(ROOT, 0, "m", 1, 1, 1, ATIM));
}

CASE(set_times_contradicting)
{
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0);
    show("atim twice", sys_fd_filestat_set_times(fd, 1, 1, ATIM | ATIM_NOW));
    show("mtim twice", sys_fd_filestat_set_times(fd, 1, 1, MTIM | MTIM_NOW));
    show("path, atim twice", sys_path_filestat_set_times(ROOT, 0, "a", 1, 1, 1, ATIM | ATIM_NOW));
}

CASE(set_times_through_a_symlink)
{
    put("a", "text");
    do_symlink("a", "l");
    show("of the file", sys_path_filestat_set_times(ROOT, 0, "a", 1, 1000, 1000, ATIM | MTIM));
    show("followed", sys_path_filestat_set_times(ROOT, FOLLOW, "l", 1, 2000, 2000, ATIM | MTIM));
    print_times("a");
    show("of the link", sys_path_filestat_set_times(ROOT, 0, "l", 1, 3000, 3000, MTIM));
    print_times("a");
}

CASE(write_changes_mtim)
{
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0);
    show("set_times", sys_fd_filestat_set_times(fd, 1000, 1000, ATIM | MTIM));
    do_write(fd, "text");
    __wasi_filestat_t stat;
    show("stat", sys_fd_filestat_get(fd, &stat));
    printf("  mtim today %d\n", stat.mtim > UINT64_C(1600000000000000000));
}

CASE(create_changes_the_mtim_of_the_directory)
{
    make_directory("d");
    show("set_times", sys_path_filestat_set_times(ROOT, 0, "d", 1, 1000, 1000, ATIM | MTIM));
    put("d/a", "text");
    __wasi_filestat_t stat;
    show("stat", sys_path_filestat_get(ROOT, 0, "d", 1, &stat));
    printf("  mtim today %d\n", stat.mtim > UINT64_C(1600000000000000000));
}
