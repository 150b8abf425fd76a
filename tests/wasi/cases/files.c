// Reading, writing, seeking and sizes of regular files.
// Left out: pwrite on a descriptor that appends, which depends on the host below (Linux appends).
#include "conformance.h"

CASE(write_then_read)
{
    put("a", "hello");
    do_cat("a");
    do_stat("a", 0);
}

CASE(write_several_iovecs)
{
    const uint8_t *text = (const uint8_t *)"abcdefgh";
    __wasi_ciovec_t iovs[] = {{text, 3}, {text, 0}, {text + 3, 5}};
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0);
    do_write_all(fd, iovs, 3);
    do_tell(fd);
    close_fd(fd);
    do_cat("a");
}

CASE(read_several_iovecs)
{
    char first[4] = "", second[4] = "", third[20] = "";
    __wasi_iovec_t iovs[] = {{(uint8_t *)first, 3}, {(uint8_t *)second, 0}, {(uint8_t *)third, 19}};
    put("a", "abcdefgh");
    u32 fd = open_file("a", 0, RIGHT_READ, 0);
    do_read_all(fd, iovs, 3);
    printf("\"%s\" \"%s\" \"%s\"\n", first, second, third);
    do_tell(fd);
}

CASE(pread_and_pwrite_several_iovecs)
{
    char first[3] = "", second[4] = "";
    __wasi_ciovec_t out[] = {{(const uint8_t *)"", 0}, {(const uint8_t *)"AB", 2}};
    __wasi_iovec_t in[] = {{(uint8_t *)second, 0}, {(uint8_t *)first, 2}};
    u32 done = 0;
    put("a", "abcdefgh");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    show("pwrite", sys_fd_pwrite(fd, out, 2, 3, &done));
    printf("  wrote %u\n", done);
    show("pread", sys_fd_pread(fd, in, 2, 3, &done));
    printf("  read %u \"%s\"\n", done, first);
    do_cat("a");
}

CASE(write_of_nothing)
{
    __wasi_ciovec_t iov = {(const uint8_t *)"", 0};
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0), done = 9;
    show("no vectors", sys_fd_write(fd, &iov, 0, &done));
    printf("  wrote %u\n", done);
    done = 9;
    show("an empty one", sys_fd_write(fd, &iov, 1, &done));
    printf("  wrote %u\n", done);
    do_fd_stat("stat", fd);
}

CASE(read_of_nothing)
{
    __wasi_iovec_t iov = {(uint8_t *)"", 0};
    put("a", "text");
    u32 fd = open_file("a", 0, RIGHT_READ, 0), done = 9;
    show("no vectors", sys_fd_read(fd, &iov, 0, &done));
    printf("  read %u\n", done);
    done = 9;
    show("an empty one", sys_fd_read(fd, &iov, 1, &done));
    printf("  read %u\n", done);
    do_read(fd, 10);
}

CASE(read_at_the_end)
{
    put("a", "text");
    u32 fd = open_file("a", 0, RIGHT_READ, 0);
    do_read(fd, 100);
    do_read(fd, 100);
    do_seek(fd, 1000, __WASI_WHENCE_SET);
    do_read(fd, 100);
}

CASE(write_in_the_middle)
{
    put("a", "0123456789");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    do_seek(fd, 3, __WASI_WHENCE_SET);
    do_write(fd, "abc");
    do_tell(fd);
    do_seek(fd, -2, __WASI_WHENCE_END);
    do_write(fd, "WXYZ");
    close_fd(fd);
    do_cat("a");
}

CASE(write_past_the_end_leaves_zeros)
{
    char buffer[20];
    __wasi_iovec_t iov = {(uint8_t *)buffer, sizeof buffer};
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0), done = 0;
    do_seek(fd, 10, __WASI_WHENCE_SET);
    do_fd_stat("after the seek", fd);
    do_write(fd, "end");
    do_fd_stat("after the write", fd);
    do_seek(fd, 0, __WASI_WHENCE_SET);
    show("read", sys_fd_read(fd, &iov, 1, &done));
    for (u32 i = 0; i < done; i++)
        printf(" %d", buffer[i]);
    printf("\n");
}

CASE(read_only_descriptor)
{
    put("a", "text");
    u32 fd = open_file("a", 0, RIGHT_READ | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL, 0);
    do_write(fd, "x");
    do_read(fd, 10);
    show("set_size", sys_fd_filestat_set_size(fd, 0));
    show("allocate", sys_fd_allocate(fd, 0, 100));
    do_cat("a");
}

CASE(write_only_descriptor)
{
    u32 fd = open_file("a", CREAT, RIGHT_WRITE | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL, 0);
    do_read(fd, 10);
    do_write(fd, "text");
    do_read(fd, 10);
    close_fd(fd);
    do_cat("a");
}

CASE(read_only_pwrite)
{
    __wasi_ciovec_t iov = {(const uint8_t *)"x", 1};
    u32 done = 0;
    put("a", "text");
    u32 fd = open_file("a", 0, RIGHT_READ, 0);
    show("pwrite", sys_fd_pwrite(fd, &iov, 1, 0, &done));
    do_cat("a");
}

CASE(write_only_pread)
{
    char byte;
    __wasi_iovec_t iov = {(uint8_t *)&byte, 1};
    u32 done = 0;
    put("a", "text");
    u32 fd = open_file("a", 0, RIGHT_WRITE, 0);
    show("pread", sys_fd_pread(fd, &iov, 1, 0, &done));
}

CASE(seek_whence)
{
    put("a", "0123456789");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    do_seek(fd, 4, __WASI_WHENCE_SET);
    do_read(fd, 2);
    do_seek(fd, 2, __WASI_WHENCE_CUR);
    do_read(fd, 1);
    do_seek(fd, -3, __WASI_WHENCE_END);
    do_read(fd, 9);
    do_seek(fd, 0, __WASI_WHENCE_CUR);
    do_seek(fd, 5, __WASI_WHENCE_END);
    do_tell(fd);
}

CASE(seek_before_the_start)
{
    put("a", "0123456789");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    do_seek(fd, 4, __WASI_WHENCE_SET);
    do_seek(fd, -1, __WASI_WHENCE_SET);
    do_seek(fd, -5, __WASI_WHENCE_CUR);
    do_seek(fd, -11, __WASI_WHENCE_END);
    do_tell(fd);
}

// Left out: positions from 2^63 up, which wasmtime can reach by seeking on from below.
CASE(seek_to_overflow)
{
    put("a", "0123456789");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    do_seek(fd, INT64_MIN, __WASI_WHENCE_SET);
    do_seek(fd, INT64_MIN, __WASI_WHENCE_CUR);
    do_seek(fd, INT64_MIN, __WASI_WHENCE_END);
    do_seek(fd, INT64_MAX, __WASI_WHENCE_SET);
    do_seek(fd, 0, __WASI_WHENCE_SET);
}

CASE(seek_on_a_directory)
{
    make_directory("d");
    u32 fd = open_directory("d");
    do_seek(fd, 0, __WASI_WHENCE_SET);
    do_tell(fd);
}

CASE(pread_leaves_the_position)
{
    char buffer[10] = "";
    __wasi_iovec_t iov = {(uint8_t *)buffer, 3};
    u32 done = 0;
    put("a", "0123456789");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    do_seek(fd, 2, __WASI_WHENCE_SET);
    show("pread", sys_fd_pread(fd, &iov, 1, 5, &done));
    printf("  %u \"%s\"\n", done, buffer);
    show("past the end", sys_fd_pread(fd, &iov, 1, 10, &done));
    printf("  %u\n", done);
    show("far past the end", sys_fd_pread(fd, &iov, 1, 1 << 30, &done));
    printf("  %u\n", done);
    do_tell(fd);
}

CASE(pwrite_leaves_the_position)
{
    __wasi_ciovec_t iov = {(const uint8_t *)"abc", 3};
    u32 done = 0;
    put("a", "0123456789");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    do_seek(fd, 2, __WASI_WHENCE_SET);
    show("pwrite", sys_fd_pwrite(fd, &iov, 1, 5, &done));
    printf("  wrote %u\n", done);
    show("at the end", sys_fd_pwrite(fd, &iov, 1, 10, &done));
    do_tell(fd);
    close_fd(fd);
    do_cat("a");
}

CASE(pwrite_past_the_end_leaves_zeros)
{
    __wasi_ciovec_t iov = {(const uint8_t *)"x", 1};
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0), done = 0;
    show("pwrite", sys_fd_pwrite(fd, &iov, 1, 5, &done));
    do_fd_stat("stat", fd);
    do_tell(fd);
}

CASE(pread_at_a_huge_offset)
{
    char byte;
    __wasi_iovec_t iov = {(uint8_t *)&byte, 1};
    u32 done = 9;
    put("a", "text");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    show("2^62", sys_fd_pread(fd, &iov, 1, UINT64_C(1) << 62, &done));
    show("2^63", sys_fd_pread(fd, &iov, 1, UINT64_C(1) << 63, &done));
    show("2^64 - 1", sys_fd_pread(fd, &iov, 1, UINT64_MAX, &done));
}

CASE(pread_of_nothing)
{
    __wasi_iovec_t iov = {(uint8_t *)"", 0};
    u32 done = 9;
    put("a", "text");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    show("no vectors", sys_fd_pread(fd, &iov, 0, 0, &done));
    printf("  %u\n", done);
    done = 9;
    show("no vectors to write", sys_fd_pwrite(fd, (__wasi_ciovec_t *)&iov, 0, 0, &done));
    printf("  %u\n", done);
}

CASE(append)
{
    put("a", "start");
    u32 fd = open_file("a", 0, ALL_RIGHTS, APPEND);
    do_write(fd, "-one");
    do_tell(fd);
    do_seek(fd, 0, __WASI_WHENCE_SET);
    do_write(fd, "-two");
    do_tell(fd);
    do_seek(fd, 1, __WASI_WHENCE_SET);
    do_read(fd, 3);
    close_fd(fd);
    do_cat("a");
}

CASE(append_turned_on_and_off)
{
    __wasi_fdstat_t stat;
    put("a", "start");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    show("on", sys_fd_fdstat_set_flags(fd, APPEND));
    show("flags", sys_fd_fdstat_get(fd, &stat));
    printf("  %u\n", stat.fs_flags);
    do_write(fd, "-end");
    show("off", sys_fd_fdstat_set_flags(fd, 0));
    do_seek(fd, 0, __WASI_WHENCE_SET);
    do_write(fd, "S");
    close_fd(fd);
    do_cat("a");
}

CASE(two_descriptors_of_one_file)
{
    u32 first = open_file("a", CREAT, ALL_RIGHTS, 0), second = open_file("a", 0, ALL_RIGHTS, 0);
    do_write(first, "first");
    do_read(second, 10);
    do_write(second, "+second");
    do_read(first, 10);
    do_tell(first);
    do_tell(second);
}

CASE(set_size_shorter)
{
    put("a", "0123456789");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    do_seek(fd, 8, __WASI_WHENCE_SET);
    show("set_size 4", sys_fd_filestat_set_size(fd, 4));
    do_tell(fd);
    do_read(fd, 10);
    do_fd_stat("stat", fd);
    close_fd(fd);
    do_cat("a");
}

CASE(set_size_longer)
{
    char buffer[10];
    __wasi_iovec_t iov = {(uint8_t *)buffer, sizeof buffer};
    u32 done = 0;
    put("a", "abc");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    show("set_size 6", sys_fd_filestat_set_size(fd, 6));
    show("read", sys_fd_read(fd, &iov, 1, &done));
    for (u32 i = 0; i < done; i++)
        printf(" %d", buffer[i]);
    printf("\n");
}

// What stood behind the new end must not come back when the file grows again.
CASE(set_size_shorter_then_longer)
{
    char buffer[8];
    __wasi_iovec_t iov = {(uint8_t *)buffer, sizeof buffer};
    u32 done = 0;
    put("a", "secret");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    show("set_size 2", sys_fd_filestat_set_size(fd, 2));
    show("set_size 6", sys_fd_filestat_set_size(fd, 6));
    show("read", sys_fd_read(fd, &iov, 1, &done));
    for (u32 i = 0; i < done; i++)
        printf(" %d", buffer[i]);
    printf("\n");
}

CASE(set_size_too_large)
{
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0);
    show("2^63", sys_fd_filestat_set_size(fd, UINT64_C(1) << 63));
    show("2^64 - 1", sys_fd_filestat_set_size(fd, UINT64_MAX));
    do_fd_stat("stat", fd);
}

CASE(set_size_of_a_directory)
{
    make_directory("d");
    show("set_size", sys_fd_filestat_set_size(open_directory("d"), 0));
}

// wasmtime takes no part in fd_allocate: ENOTSUP where the specification would grow the file.
CASE(allocate)
{
    put("a", "0123456789");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    show("within", sys_fd_allocate(fd, 0, 5));
    show("beyond", sys_fd_allocate(fd, 5, 100));
    show("nothing", sys_fd_allocate(fd, 0, 0));
    do_fd_stat("stat", fd);
    make_directory("d");
    show("a directory", sys_fd_allocate(open_directory("d"), 0, 1));
}

CASE(advise)
{
    put("a", "text");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    for (u32 advice = 0; advice < 6; advice++)
        show("advise", sys_fd_advise(fd, 0, 4, advice));
    show("past the end", sys_fd_advise(fd, 100, 100, 0));
    make_directory("d");
    show("a directory", sys_fd_advise(open_directory("d"), 0, 4, 0));
}

// Left out: a directory's sync, which wasmtime refuses as a bad descriptor, and programs may want.
CASE(sync)
{
    put("a", "text");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    show("sync", sys_fd_sync(fd));
    show("datasync", sys_fd_datasync(fd));
    fd = open_file("a", 0, RIGHT_READ, 0);
    show("sync, opened to read", sys_fd_sync(fd));
    show("datasync, opened to read", sys_fd_datasync(fd));
}

// 300,000 bytes in pieces of 7,001 and back in pieces of 9,001: every page boundary is crossed somewhere.
CASE(large_file)
{
    static unsigned char buffer[9001];
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0), at = 0, done = 0, wrong = 0;
    u64 position = 0;
    while (at < 300000) {
        u32 length = 300000 - at < 7001 ? 300000 - at : 7001;
        for (u32 i = 0; i < length; i++)
            buffer[i] = (at + i) * 2654435761u >> 24;
        __wasi_ciovec_t iov = {buffer, length};
        if (sys_fd_write(fd, &iov, 1, &done) || !done)
            break;
        at += done;
    }
    do_fd_stat("stat", fd);
    show("rewind", sys_fd_seek(fd, 0, __WASI_WHENCE_SET, &position));
    for (at = 0;; at += done) {
        __wasi_iovec_t iov = {buffer, sizeof buffer};
        if (sys_fd_read(fd, &iov, 1, &done) || !done)
            break;
        for (u32 i = 0; i < done; i++)
            wrong += buffer[i] != (unsigned char)((at + i) * 2654435761u >> 24);
    }
    printf("read %u bytes, %u wrong\n", at, wrong);
}

CASE(unlinked_file_lives_on)
{
    put("a", "text");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    do_unlink("a");
    do_fd_stat("stat", fd);
    do_read(fd, 10);
    do_write(fd, "+more");
    do_seek(fd, 0, __WASI_WHENCE_SET);
    do_read(fd, 20);
    do_stat("a", 0);
}

CASE(unlinked_file_and_a_new_one)
{
    put("a", "old");
    u32 fd = open_file("a", 0, ALL_RIGHTS, 0);
    do_unlink("a");
    put("a", "new one");
    do_read(fd, 10);
    do_cat("a");
    do_list(".");
}
