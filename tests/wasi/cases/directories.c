// Making, removing and listing directories; unlink.
// Left out: rmdir with a trailing slash, which wasmtime refuses as EINVAL even for a directory, and unlink
// of "link/", where it says EISDIR and Linux ENOTDIR.
#include "conformance.h"

CASE(mkdir)
{
    do_mkdir("d");
    do_mkdir("d");
    do_stat("d", 0);
    do_mkdir("d/e");
    do_mkdir("d/e/f");
    put("a", "text");
    do_mkdir("a");
    do_symlink("nowhere", "l");
    do_mkdir("l");
    do_mkdir(".");
    do_mkdir("..");
    do_mkdir("d/.");
    do_mkdir("d/..");
    do_list(".");
    do_list("d");
}

CASE(rmdir)
{
    make_directory("d");
    make_directory("d/e");
    put("a", "text");
    do_rmdir("d");
    do_rmdir("d/e");
    do_rmdir("d");
    do_rmdir("d");
    do_rmdir("a");
    do_rmdir("missing");
    do_list(".");
}

CASE(rmdir_of_dots)
{
    make_directory("d");
    make_directory("d/e");
    do_rmdir(".");
    do_rmdir("d/e/.");
    do_rmdir("d/e/..");
    do_rmdir("..");
    do_list("d");
}

CASE(rmdir_of_a_symlink)
{
    make_directory("d");
    do_symlink("d", "l");
    do_rmdir("l");
    do_list(".");
}

CASE(rmdir_of_an_open_directory)
{
    char buffer[200];
    u32 used = 0, opened = 0;
    make_directory("d");
    u32 fd = open_directory("d");
    do_rmdir("d");
    show("create in it", sys_path_open(fd, 0, "a", 1, CREAT, RIGHT_WRITE, 0, 0, &opened));
    show("mkdir in it", sys_path_create_directory(fd, "e", 1));
    do_fd_stat("stat", fd);
    show("readdir", sys_fd_readdir(fd, buffer, sizeof buffer, 0, &used));
    do_list(".");
}

CASE(unlink)
{
    put("a", "text");
    make_directory("d");
    do_unlink("a");
    do_unlink("a");
    do_unlink("d");
    do_unlink("d/");
    do_unlink(".");
    do_unlink("..");
    do_unlink("d/..");
    do_list(".");
}

CASE(unlink_of_symlinks)
{
    put("a", "text");
    make_directory("d");
    do_symlink("a", "l");
    do_symlink("d", "k");
    do_symlink("nowhere", "m");
    do_unlink("l");
    do_unlink("k");
    do_unlink("m");
    do_list(".");
}

CASE(readdir_empty)
{
    do_list(".");
    make_directory("d");
    do_list("d");
}

CASE(readdir_types)
{
    make_directory("d");
    put("a", "text");
    do_symlink("a", "l");
    do_list(".");
}

CASE(readdir_begins_with_dots)
{
    char buffer[500];
    put("a", "text");
    u32 used = read_directory(ROOT, buffer, sizeof buffer), at = 0;
    for (int i = 0; i < 2; i++) {
        __wasi_dirent_t entry;
        memcpy(&entry, buffer + at, sizeof entry);
        printf("%.*s type %u\n", (int)entry.d_namlen, buffer + at + sizeof entry, entry.d_type);
        at += sizeof entry + entry.d_namlen;
    }
    printf("%u bytes in all\n", used);
}

CASE(readdir_inodes_are_those_of_stat)
{
    char buffer[500];
    __wasi_filestat_t stat;
    put("a", "text");
    make_directory("d");
    u32 used = read_directory(ROOT, buffer, sizeof buffer);
    for (u32 at = 0; at < used;) {
        __wasi_dirent_t entry;
        memcpy(&entry, buffer + at, sizeof entry);
        at += sizeof entry;
        if (buffer[at] != '.') {
            show("stat", sys_path_filestat_get(ROOT, 0, buffer + at, entry.d_namlen, &stat));
            printf("  inode the same: %d\n", stat.ino == entry.d_ino);
        }
        at += entry.d_namlen;
    }
}

// Reads with a buffer of some length, going on from the cookie of the last whole entry, as libc does.
static void list_with_buffer(u32 fd, u32 length, u32 expected)
{
    static char buffer[4096];
    char names[64][32];
    u32 count = 0, calls = 0, used = length;
    u64 cookie = 0;
    while (used == length && calls++ < 1000) {
        if (sys_fd_readdir(fd, buffer, length, cookie, &used)) {
            printf("failed\n");
            return;
        }
        for (u32 at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
            __wasi_dirent_t entry;
            memcpy(&entry, buffer + at, sizeof entry);
            at += sizeof entry;
            if (at + entry.d_namlen > used)
                break;
            snprintf(names[count], sizeof names[count], "%.*s", (int)entry.d_namlen, buffer + at);
            if (++count == 64)
                return;
            at += entry.d_namlen;
            cookie = entry.d_next;
        }
    }
    qsort(names, count, sizeof *names, (int (*)(const void *, const void *))strcmp);
    printf("%u bytes: %u of %u:", length, count, expected);
    for (u32 i = 0; i < count; i++)
        printf(" %s", names[i]);
    printf("\n");
}

CASE(readdir_with_small_buffers)
{
    char name[20];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "file%02d", i);
        put(name, "");
    }
    list_with_buffer(ROOT, 4096, 22);
    list_with_buffer(ROOT, 200, 22);
    list_with_buffer(ROOT, 64, 22);
    list_with_buffer(ROOT, 31, 22);
}

CASE(readdir_fills_the_buffer)
{
    char buffer[100];
    u32 used = 0;
    put("a-rather-long-name", "");
    for (u32 length = 0; length <= 96; length += 16) {
        show("readdir", sys_fd_readdir(ROOT, buffer, length, 0, &used));
        printf("  %u of %u bytes\n", used, length);
    }
}

CASE(readdir_twice_from_the_start)
{
    char first[500], second[500];
    put("a", "");
    put("b", "");
    u32 used = read_directory(ROOT, first, sizeof first);
    printf("%u bytes, then %u, %s\n", used, read_directory(ROOT, second, sizeof second),
           memcmp(first, second, used) ? "different" : "the same");
}

CASE(readdir_from_the_start_sees_changes)
{
    char buffer[500];
    put("a", "");
    printf("%u bytes\n", read_directory(ROOT, buffer, sizeof buffer));
    put("b", "");
    printf("%u bytes\n", read_directory(ROOT, buffer, sizeof buffer));
    do_unlink("a");
    do_unlink("b");
    printf("%u bytes\n", read_directory(ROOT, buffer, sizeof buffer));
}

// A cookie is opaque, so only those that readdir gave are tried.
CASE(readdir_from_each_cookie)
{
    char buffer[500], rest[500];
    put("a", "");
    u32 used = read_directory(ROOT, buffer, sizeof buffer), left = 0;
    for (u32 at = 0; at < used;) {
        __wasi_dirent_t entry;
        memcpy(&entry, buffer + at, sizeof entry);
        at += sizeof entry + entry.d_namlen;
        show("readdir", sys_fd_readdir(ROOT, rest, sizeof rest, entry.d_next, &left));
        printf("  %u of %u bytes, the same %d\n", left, used, memcmp(rest, buffer + at, left) == 0);
    }
}

CASE(readdir_of_a_file)
{
    char buffer[500];
    u32 used = 0;
    show("readdir", sys_fd_readdir(open_file("a", CREAT, ALL_RIGHTS, 0), buffer, sizeof buffer, 0, &used));
}

CASE(many_files)
{
    char name[20];
    int errors = 0;
    make_directory("d");
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "d/%d", i * 7919);
        put(name, name);
    }
    u32 fd = open_directory("d"), count = 0, used = 4096;
    u64 cookie = 0;
    static char buffer[4096];
    while (used == sizeof buffer && !sys_fd_readdir(fd, buffer, sizeof buffer, cookie, &used))
        for (u32 at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
            __wasi_dirent_t entry;
            memcpy(&entry, buffer + at, sizeof entry);
            at += sizeof entry + entry.d_namlen;
            if (at > used)
                break;
            count++;
            cookie = entry.d_next;
        }
    printf("%u entries\n", count);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "d/%d", i * 7919);
        errors += sys_path_unlink_file(ROOT, name, strlen(name)) != 0;
    }
    printf("%d errors\n", errors);
    do_list("d");
    do_rmdir("d");
}

CASE(deep_directories)
{
    char path[200] = "d";
    for (int i = 0; i < 40; i++) {
        make_directory(path);
        strcat(path, "/d");
    }
    strcpy(path + strlen(path) - 1, "a");
    put(path, "deep");
    do_cat(path);
    do_rmdir("d");
}
