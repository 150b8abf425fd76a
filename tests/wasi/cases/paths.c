// path_open and the resolution of paths.
#include "conformance.h"

CASE(open_create)
{
    do_open("missing, no CREAT", ROOT, "a", 0);
    do_open("missing, CREAT", ROOT, "a", CREAT);
    do_open("there, CREAT", ROOT, "a", CREAT);
    do_stat("a", 0);
}

CASE(open_exclusive)
{
    do_open("CREAT EXCL", ROOT, "a", CREAT | EXCL);
    do_open("CREAT EXCL again", ROOT, "a", CREAT | EXCL);
    do_open("EXCL alone", ROOT, "a", EXCL);
    do_open("EXCL alone, missing", ROOT, "b", EXCL);
    make_directory("d");
    do_open("CREAT EXCL of a directory", ROOT, "d", CREAT | EXCL);
    do_symlink("nowhere", "l");
    do_open("CREAT EXCL of a dangling link", ROOT, "l", CREAT | EXCL);
    do_list(".");
}

CASE(open_truncate)
{
    u32 fd = 0;
    put("a", "text");
    show("TRUNC to write", sys_path_open(ROOT, 0, "a", 1, TRUNC, RIGHT_WRITE, 0, 0, &fd));
    do_stat("a", 0);
    put("a", "text");
    show("TRUNC CREAT to write", sys_path_open(ROOT, 0, "a", 1, TRUNC | CREAT, RIGHT_WRITE, 0, 0, &fd));
    do_stat("a", 0);
    show("TRUNC, missing", sys_path_open(ROOT, 0, "b", 1, TRUNC, RIGHT_WRITE, 0, 0, &fd));
    show("CREAT TRUNC, missing", sys_path_open(ROOT, 0, "b", 1, CREAT | TRUNC, RIGHT_WRITE, 0, 0, &fd));
    do_list(".");
}

CASE(open_truncate_to_read)
{
    u32 fd = 0;
    put("a", "text");
    show("TRUNC to read", sys_path_open(ROOT, 0, "a", 1, TRUNC, RIGHT_READ, 0, 0, &fd));
    do_stat("a", 0);
    put("a", "text");
    show("TRUNC without rights", sys_path_open(ROOT, 0, "a", 1, TRUNC, 0, 0, 0, &fd));
    do_stat("a", 0);
}

CASE(open_truncate_exclusive)
{
    u32 fd = 0;
    put("a", "text");
    show("there", sys_path_open(ROOT, 0, "a", 1, CREAT | EXCL | TRUNC, RIGHT_WRITE, 0, 0, &fd));
    do_cat("a");
    show("missing", sys_path_open(ROOT, 0, "b", 1, CREAT | EXCL | TRUNC, RIGHT_WRITE, 0, 0, &fd));
    do_stat("b", 0);
}

CASE(open_directory_flag)
{
    put("a", "text");
    make_directory("d");
    do_open("a directory", ROOT, "d", DIRECTORY);
    do_open("a directory without the flag", ROOT, "d", 0);
    do_open("a file", ROOT, "a", DIRECTORY);
    do_open("missing", ROOT, "m", DIRECTORY);
    do_symlink("d", "l");
    do_open("a link to a directory", ROOT, "l", DIRECTORY);
    do_symlink("a", "k");
    do_open("a link to a file", ROOT, "k", DIRECTORY);
}

CASE(open_directory_combined)
{
    put("a", "text");
    make_directory("d");
    do_open("DIRECTORY CREAT, there", ROOT, "d", DIRECTORY | CREAT);
    do_open("DIRECTORY CREAT, missing", ROOT, "m", DIRECTORY | CREAT);
    do_open("DIRECTORY CREAT EXCL, missing", ROOT, "n", DIRECTORY | CREAT | EXCL);
    do_open("DIRECTORY EXCL, there", ROOT, "d", DIRECTORY | EXCL);
    do_open("DIRECTORY TRUNC, there", ROOT, "d", DIRECTORY | TRUNC);
    do_open("DIRECTORY TRUNC of a file", ROOT, "a", DIRECTORY | TRUNC);
    do_open("CREAT of a directory", ROOT, "d", CREAT);
    do_open("TRUNC of a directory", ROOT, "d", TRUNC);
    do_list(".");
}

CASE(open_directory_to_write)
{
    u32 fd = 0;
    make_directory("d");
    show("read and write", sys_path_open(ROOT, 0, "d", 1, 0, RIGHT_READ | RIGHT_WRITE, 0, 0, &fd));
    show("write", sys_path_open(ROOT, 0, "d", 1, 0, RIGHT_WRITE, 0, 0, &fd));
    show("DIRECTORY, write", sys_path_open(ROOT, 0, "d", 1, DIRECTORY, RIGHT_WRITE, 0, 0, &fd));
    show("all rights", sys_path_open(ROOT, 0, "d", 1, 0, ALL_RIGHTS, ALL_RIGHTS, 0, &fd));
    show("all rights, DIRECTORY", sys_path_open(ROOT, 0, "d", 1, DIRECTORY, ALL_RIGHTS, ALL_RIGHTS, 0, &fd));
    show("append", sys_path_open(ROOT, 0, "d", 1, DIRECTORY, RIGHT_READ, 0, APPEND, &fd));
}

CASE(directory_descriptor_does_no_io)
{
    char byte = 'x';
    __wasi_ciovec_t out = {(const uint8_t *)&byte, 1};
    __wasi_iovec_t in = {(uint8_t *)&byte, 1};
    u32 done = 0;
    make_directory("d");
    u32 fd = open_directory("d");
    do_read(fd, 10);
    do_write(fd, "x");
    show("pread", sys_fd_pread(fd, &in, 1, 0, &done));
    show("pwrite", sys_fd_pwrite(fd, &out, 1, 0, &done));
}

CASE(file_descriptor_serves_no_paths)
{
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0), opened = 0, used = 0;
    char buffer[100];
    __wasi_filestat_t stat;
    show("open", sys_path_open(fd, 0, "b", 1, CREAT, RIGHT_READ, 0, 0, &opened));
    show("open .", sys_path_open(fd, 0, ".", 1, 0, RIGHT_READ, 0, 0, &opened));
    show("mkdir", sys_path_create_directory(fd, "b", 1));
    show("rmdir", sys_path_remove_directory(fd, "b", 1));
    show("unlink", sys_path_unlink_file(fd, "b", 1));
    show("stat", sys_path_filestat_get(fd, 0, "b", 1, &stat));
    show("readlink", sys_path_readlink(fd, "b", 1, buffer, 10, &used));
    show("symlink", sys_path_symlink("t", 1, fd, "b", 1));
    show("link", sys_path_link(ROOT, 0, "a", 1, fd, "b", 1));
    show("rename", sys_path_rename(ROOT, "a", 1, fd, "b", 1));
    show("readdir", sys_fd_readdir(fd, buffer, sizeof buffer, 0, &used));
}

CASE(path_through_missing_and_files)
{
    put("a", "text");
    do_open("missing/b", ROOT, "missing/b", 0);
    do_open("missing/b CREAT", ROOT, "missing/b", CREAT);
    do_open("a/b", ROOT, "a/b", 0);
    do_open("a/b CREAT", ROOT, "a/b", CREAT);
    do_open("a/.", ROOT, "a/.", 0);
    do_open("a/..", ROOT, "a/..", 0);
    do_stat("a/b", 0);
    do_stat("missing/b", 0);
    do_mkdir("a/b");
    do_mkdir("missing/b");
    do_unlink("a/b");
    do_rmdir("a/b");
}

CASE(path_trailing_slash)
{
    put("a", "text");
    make_directory("d");
    do_open("d/", ROOT, "d/", 0);
    do_open("d/ DIRECTORY", ROOT, "d/", DIRECTORY);
    do_open("a/", ROOT, "a/", 0);
    do_open("a/ DIRECTORY", ROOT, "a/", DIRECTORY);
    do_open("b/", ROOT, "b/", 0);
    do_open("b/ CREAT", ROOT, "b/", CREAT);
    do_open("a/ CREAT", ROOT, "a/", CREAT);
    do_stat("a/", FOLLOW);
    do_stat("d/", FOLLOW);
    do_stat("d///", FOLLOW);
}

CASE(path_trailing_slash_making)
{
    do_mkdir("d/");
    do_mkdir("e//");
    do_mkdir("d/");
    put("a", "text");
    do_unlink("a/");
    do_unlink("d/");
    do_list(".");
}

CASE(path_dots)
{
    make_directory("d");
    make_directory("d/e");
    put("d/a", "text");
    do_cat("./d/a");
    do_cat("d/./a");
    do_cat("d/e/../a");
    do_cat("d//a");
    do_cat("d/e/../../d/a");
    do_cat("./././d/././a");
    do_stat("d/..", 0);
    do_stat("d/e/../..", 0);
    do_cat("d/missing/../a");
}

CASE(path_out_of_the_root)
{
    make_directory("d");
    put("a", "text");
    do_open("..", ROOT, "..", 0);
    do_open("../a", ROOT, "../a", 0);
    do_open("../a CREAT", ROOT, "../a", CREAT);
    do_open("d/../../a", ROOT, "d/../../a", 0);
    do_stat("..", 0);
    do_mkdir("../x");
    do_unlink("../a");
    do_rmdir("../d");
    do_rename("a", "../b");
    do_rename("../a", "b");
    do_link("a", "../b");
    do_symlink("t", "../b");
    do_readlink("../b", 10);
    do_list(".");
}

CASE(path_out_of_a_directory)
{
    make_directory("d");
    make_directory("d/e");
    put("a", "text");
    put("d/b", "text");
    u32 fd = open_directory("d");
    do_open("b", fd, "b", 0);
    do_open("e/../b", fd, "e/../b", 0);
    do_open("..", fd, "..", 0);
    do_open("../a", fd, "../a", 0);
    do_open("e/../../a", fd, "e/../../a", 0);
    do_open(".", fd, ".", 0);
}

CASE(path_absolute)
{
    put("a", "text");
    do_open("/a", ROOT, "/a", 0);
    do_open("/", ROOT, "/", 0);
    do_open("/b CREAT", ROOT, "/b", CREAT);
    do_open("//a", ROOT, "//a", 0);
    do_stat("/a", 0);
    do_mkdir("/d");
    do_unlink("/a");
    do_rename("a", "/b");
    do_link("a", "/b");
    do_readlink("/a", 10);
    do_list(".");
}

CASE(path_empty)
{
    put("a", "text");
    do_open("open", ROOT, "", 0);
    do_open("open CREAT", ROOT, "", CREAT);
    do_open("open DIRECTORY", ROOT, "", DIRECTORY);
    do_stat("", 0);
    do_stat("", FOLLOW);
    do_mkdir("");
    do_rmdir("");
    do_unlink("");
    do_rename("", "b");
    do_rename("a", "");
    do_link("a", "");
    do_link("", "b");
    do_symlink("", "b");
    do_symlink("t", "");
    do_readlink("", 10);
}

CASE(path_name_of_255_bytes)
{
    char name[300];
    memset(name, 'n', sizeof name);
    name[255] = 0;
    do_open("255", ROOT, name, CREAT);
    name[255] = 'n';
    name[256] = 0;
    do_open("256", ROOT, name, CREAT);
    do_open("256, no CREAT", ROOT, name, 0);
    show("mkdir", sys_path_create_directory(ROOT, name, 256));
    show("unlink", sys_path_unlink_file(ROOT, name, 256));
    show("symlink", sys_path_symlink("t", 1, ROOT, name, 256));
    put("a", "text");
    show("rename", sys_path_rename(ROOT, "a", 1, ROOT, name, 256));
}

CASE(path_of_many_components)
{
    static char path[6000];
    make_directory("d");
    put("a", "text");
    strcpy(path, "");
    for (int i = 0; i < 100; i++)
        strcat(path, "d/../");
    strcat(path, "a");
    do_open("501 bytes", ROOT, path, 0);
    for (int i = 0; i < 4000; i++)
        path[i] = i % 2 ? '/' : '.';
    strcpy(path + 4000, "a");
    do_open("4001 bytes", ROOT, path, 0);
}

CASE(path_invalid_utf8)
{
    u32 fd = 0;
    __wasi_filestat_t stat;
    show("ff", sys_path_open(ROOT, 0, "\xff", 1, CREAT, RIGHT_READ, 0, 0, &fd));
    show("lone continuation", sys_path_open(ROOT, 0, "a\x80", 2, CREAT, RIGHT_READ, 0, 0, &fd));
    show("surrogate", sys_path_open(ROOT, 0, "\xed\xa0\x80", 3, CREAT, RIGHT_READ, 0, 0, &fd));
    show("cut short", sys_path_open(ROOT, 0, "\xe2\x82", 2, CREAT, RIGHT_READ, 0, 0, &fd));
    show("overlong", sys_path_open(ROOT, 0, "\xc0\xaf", 2, CREAT, RIGHT_READ, 0, 0, &fd));
    show("mkdir", sys_path_create_directory(ROOT, "\xff", 1));
    show("stat", sys_path_filestat_get(ROOT, 0, "\xff", 1, &stat));
    show("symlink to it", sys_path_symlink("\xff", 1, ROOT, "l", 1));
    do_list(".");
}

CASE(path_valid_utf8)
{
    put("\xc3\xa9t\xc3\xa9", "summer");
    put("\xf0\x9f\x9a\xa2", "ship");
    do_cat("\xc3\xa9t\xc3\xa9");
    do_list(".");
}

CASE(path_with_a_nul)
{
    u32 fd = 0;
    __wasi_filestat_t stat;
    put("a", "text");
    show("open", sys_path_open(ROOT, 0, "a\0b", 3, CREAT, RIGHT_READ, 0, 0, &fd));
    show("open, at the end", sys_path_open(ROOT, 0, "a\0", 2, 0, RIGHT_READ, 0, 0, &fd));
    show("mkdir", sys_path_create_directory(ROOT, "d\0e", 3));
    show("stat", sys_path_filestat_get(ROOT, 0, "a\0", 2, &stat));
    show("unlink", sys_path_unlink_file(ROOT, "a\0", 2));
    show("rename", sys_path_rename(ROOT, "a", 1, ROOT, "b\0c", 3));
    show("symlink to it", sys_path_symlink("t\0u", 3, ROOT, "l", 1));
    do_list(".");
}

// Only '/' and NUL are special to preview1.
CASE(path_with_odd_characters)
{
    put("a b", "text");
    put("back\\slash", "text");
    put("new\tline", "text");
    put("...", "text");
    put("-", "text");
    do_list(".");
}

CASE(path_case_matters)
{
    put("a", "small");
    put("A", "large");
    do_cat("a");
    do_cat("A");
}
