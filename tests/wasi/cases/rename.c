// path_rename in all directions.
#include "conformance.h"

CASE(rename_file)
{
    put("a", "text");
    do_rename("a", "b");
    do_cat("b");
    do_stat("a", 0);
    do_rename("a", "c");
    do_rename("b", "b");
    do_list(".");
}

CASE(rename_file_over_file)
{
    put("a", "text of a");
    put("b", "text of b");
    u32 fd = open_file("b", 0, RIGHT_READ, 0);
    do_rename("a", "b");
    do_cat("b");
    do_read(fd, 20);
    do_fd_stat("the old one", fd);
    do_list(".");
}

CASE(rename_directory)
{
    make_directory("d");
    put("d/a", "text");
    do_rename("d", "e");
    do_cat("e/a");
    do_stat("d", 0);
    do_rename("e", "e");
    do_rename("e/", "f/");
    do_list(".");
}

CASE(rename_directory_over_empty_directory)
{
    make_directory("d");
    put("d/a", "text");
    make_directory("e");
    do_rename("d", "e");
    do_list("e");
    do_list(".");
}

CASE(rename_directory_over_full_directory)
{
    make_directory("d");
    put("d/a", "text");
    make_directory("e");
    put("e/b", "text");
    do_rename("d", "e");
    do_list("d");
    do_list("e");
}

CASE(rename_file_over_directory)
{
    put("a", "text");
    make_directory("d");
    do_rename("a", "d");
    do_list(".");
}

CASE(rename_directory_over_file)
{
    put("a", "text");
    make_directory("d");
    do_rename("d", "a");
    do_list(".");
}

CASE(rename_directory_into_itself)
{
    make_directory("d");
    make_directory("d/e");
    do_rename("d", "d/x");
    do_rename("d", "d/e");
    do_rename("d", "d/e/x");
    do_rename("d/e", "d");
    do_list("d");
}

CASE(rename_into_another_directory)
{
    make_directory("d");
    make_directory("e");
    put("d/a", "text");
    make_directory("d/f");
    do_rename("d/a", "e/b");
    do_rename("d/f", "e/g");
    do_list("d");
    do_list("e");
    do_stat("e/g/..", 0);
    do_rmdir("d");
}

CASE(rename_across_descriptors)
{
    make_directory("d");
    make_directory("e");
    put("d/a", "text");
    u32 from = open_directory("d"), to = open_directory("e");
    show("rename", sys_path_rename(from, "a", 1, to, "b", 1));
    show("again", sys_path_rename(from, "a", 1, to, "b", 1));
    show("out of the directory", sys_path_rename(to, "b", 1, from, "../c", 4));
    do_list("d");
    do_list("e");
}

CASE(rename_keeps_open_descriptors)
{
    put("a", "text");
    make_directory("d");
    u32 file = open_file("a", 0, ALL_RIGHTS, 0), dir = open_directory("d"), opened = 0;
    do_rename("a", "b");
    do_rename("d", "e");
    do_read(file, 10);
    show("create in it", sys_path_open(dir, 0, "f", 1, CREAT, RIGHT_WRITE, 0, 0, &opened));
    do_list("e");
}

CASE(rename_missing)
{
    make_directory("d");
    put("a", "text");
    do_rename("missing", "b");
    do_rename("a", "missing/b");
    do_rename("missing/a", "b");
    do_rename("a", "a/b");
    do_rename("a/b", "b");
    do_rename("missing", "d");
    do_list(".");
}

CASE(rename_trailing_slash)
{
    put("a", "text");
    make_directory("d");
    do_rename("a/", "b");
    do_rename("a", "b/");
    do_rename("a", "d/");
    do_rename("d/", "e");
    do_rename("e", "f/");
    do_list(".");
}

CASE(rename_dots)
{
    make_directory("d");
    make_directory("d/e");
    do_rename("d/.", "x");
    do_rename("d/e/..", "x");
    do_rename("d", ".");
    do_rename("d/e", "d/.");
    do_rename("d/e", "d/..");
    do_rename(".", "x");
    do_list(".");
}

CASE(rename_symlink)
{
    put("a", "text");
    make_directory("d");
    do_symlink("a", "l");
    do_rename("l", "m");
    do_readlink("m", 10);
    do_rename("a", "m");
    do_cat("m");
    do_symlink("d", "k");
    do_rename("m", "k");
    do_list(".");
}

CASE(rename_directory_over_symlink)
{
    make_directory("d");
    make_directory("e");
    do_symlink("e", "l");
    do_rename("d", "l");
    do_rename("d", "l/");
    do_list(".");
}

CASE(rename_between_hard_links)
{
    put("a", "text");
    do_link("a", "b");
    do_rename("a", "b");
    do_list(".");
    do_stat("b", 0);
}
