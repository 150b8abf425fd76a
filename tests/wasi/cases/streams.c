// Descriptors 0, 1 and 2, and calls on descriptors that are none.
#include "conformance.h"

CASE(stdin_at_its_end)
{
    do_read(0, 10);
    do_read(0, 10);
}

CASE(stdin_is_not_for_writing)
{
    do_write(0, "text");
}

CASE(stdout_is_not_for_reading)
{
    do_read(1, 10);
    do_read(2, 10);
}

CASE(stdout_cannot_seek)
{
    do_seek(1, 0, __WASI_WHENCE_CUR);
    do_tell(1);
}

CASE(stdout_has_no_offset)
{
    char byte = 'x';
    __wasi_ciovec_t out = {(const uint8_t *)&byte, 1};
    __wasi_iovec_t in = {(uint8_t *)&byte, 1};
    u32 done = 0;
    show("pwrite", sys_fd_pwrite(1, &out, 1, 0, &done));
    show("pread", sys_fd_pread(0, &in, 1, 0, &done));
}

CASE(stdout_is_no_file)
{
    show("set_size", sys_fd_filestat_set_size(1, 0));
    show("allocate", sys_fd_allocate(1, 0, 1));
    show("advise", sys_fd_advise(1, 0, 1, 0));
    show("sync", sys_fd_sync(1));
    show("datasync", sys_fd_datasync(1));
    show("set_times", sys_fd_filestat_set_times(1, 0, 0, 0));
    show("set_flags", sys_fd_fdstat_set_flags(1, 0));
}

CASE(stdout_is_no_directory)
{
    char buffer[100];
    u32 used = 0;
    __wasi_prestat_t prestat;
    show("readdir", sys_fd_readdir(1, buffer, sizeof buffer, 0, &used));
    show("prestat", sys_fd_prestat_get(1, &prestat));
    do_open("open below it", 1, "a", CREAT);
}

CASE(stdout_has_the_right_to_write)
{
    __wasi_fdstat_t stat;
    for (u32 fd = 0; fd < 3; fd++) {
        show("fdstat", sys_fd_fdstat_get(fd, &stat));
        printf("  descriptor %u read %d write %d\n", fd, (stat.fs_rights_base & RIGHT_READ) != 0,
               (stat.fs_rights_base & RIGHT_WRITE) != 0);
    }
}

CASE(stdout_takes_several_iovecs)
{
    const uint8_t *text = (const uint8_t *)"one two three\n";
    __wasi_ciovec_t iovs[] = {{text, 4}, {text, 0}, {text + 4, 4}, {text + 8, 6}};
    u32 done = 9;
    do_write_all(1, iovs, 4);
    show("write of nothing", sys_fd_write(1, iovs, 0, &done));
    printf("  wrote %u\n", done);
}

CASE(stderr_closed)
{
    show("close", sys_fd_close(2));
    show("again", sys_fd_close(2));
    do_write(2, "text");
    printf("opened %u\n", open_file("a", CREAT, ALL_RIGHTS, 0));
}

CASE(closed_descriptor)
{
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0);
    show("close", sys_fd_close(fd));
    show("again", sys_fd_close(fd));
    do_write(fd, "text");
}

CASE(no_descriptor_io)
{
    u64 position = 0;
    u32 used = 0;
    char buffer[100];
    do_read(NO_FD, 10);
    do_write(NO_FD, "text");
    show("seek", sys_fd_seek(NO_FD, 0, 0, &position));
    show("tell", sys_fd_tell(NO_FD, &position));
    show("sync", sys_fd_sync(NO_FD));
    show("datasync", sys_fd_datasync(NO_FD));
    show("advise", sys_fd_advise(NO_FD, 0, 0, 0));
    show("allocate", sys_fd_allocate(NO_FD, 0, 1));
    show("readdir", sys_fd_readdir(NO_FD, buffer, sizeof buffer, 0, &used));
    show("close", sys_fd_close(NO_FD));
    show("close -1", sys_fd_close(UINT32_MAX));
}

CASE(no_descriptor_pread_pwrite)
{
    char byte = 'x';
    __wasi_ciovec_t out = {(const uint8_t *)&byte, 1};
    __wasi_iovec_t in = {(uint8_t *)&byte, 1};
    u32 done = 0;
    show("pread", sys_fd_pread(NO_FD, &in, 1, 0, &done));
    show("pwrite", sys_fd_pwrite(NO_FD, &out, 1, 0, &done));
}

CASE(no_descriptor_attributes)
{
    __wasi_fdstat_t stat;
    __wasi_filestat_t filestat;
    __wasi_prestat_t prestat;
    char name[10];
    show("fdstat_get", sys_fd_fdstat_get(NO_FD, &stat));
    show("fdstat_set_flags", sys_fd_fdstat_set_flags(NO_FD, 0));
    show("fdstat_set_rights", sys_fd_fdstat_set_rights(NO_FD, 0, 0));
    show("filestat_get", sys_fd_filestat_get(NO_FD, &filestat));
    show("filestat_set_size", sys_fd_filestat_set_size(NO_FD, 0));
    show("filestat_set_times", sys_fd_filestat_set_times(NO_FD, 0, 0, 0));
    show("prestat_get", sys_fd_prestat_get(NO_FD, &prestat));
    show("prestat_dir_name", sys_fd_prestat_dir_name(NO_FD, name, 1));
}

CASE(no_descriptor_paths)
{
    __wasi_filestat_t stat;
    u32 opened = 0, used = 0;
    char buffer[10];
    put("f", "");
    show("open", sys_path_open(NO_FD, 0, "a", 1, CREAT, RIGHT_READ, 0, 0, &opened));
    show("mkdir", sys_path_create_directory(NO_FD, "a", 1));
    show("rmdir", sys_path_remove_directory(NO_FD, "a", 1));
    show("unlink", sys_path_unlink_file(NO_FD, "a", 1));
    show("stat", sys_path_filestat_get(NO_FD, 0, "a", 1, &stat));
    show("set_times", sys_path_filestat_set_times(NO_FD, 0, "a", 1, 0, 0, 0));
    show("readlink", sys_path_readlink(NO_FD, "a", 1, buffer, 10, &used));
    show("symlink", sys_path_symlink("t", 1, NO_FD, "a", 1));
    show("link from", sys_path_link(NO_FD, 0, "f", 1, ROOT, "b", 1));
    show("link to", sys_path_link(ROOT, 0, "f", 1, NO_FD, "b", 1));
    show("rename from", sys_path_rename(NO_FD, "f", 1, ROOT, "b", 1));
    show("rename to", sys_path_rename(ROOT, "f", 1, NO_FD, "b", 1));
}

CASE(sockets_are_none)
{
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0), opened = 0, done = 0, flags = 0;
    char byte = 'x';
    __wasi_ciovec_t out = {(const uint8_t *)&byte, 1};
    __wasi_iovec_t in = {(uint8_t *)&byte, 1};
    show("accept", sys_sock_accept(fd, 0, &opened));
    show("recv", sys_sock_recv(fd, &in, 1, 0, &done, &flags));
    show("send", sys_sock_send(fd, &out, 1, 0, &done));
    show("shutdown", sys_sock_shutdown(fd, 3));
    show("accept on no descriptor", sys_sock_accept(NO_FD, 0, &opened));
    show("shutdown on no descriptor", sys_sock_shutdown(NO_FD, 3));
}

CASE(prestat_of_the_root)
{
    __wasi_prestat_t prestat;
    char name[3] = "??";
    show("prestat", sys_fd_prestat_get(ROOT, &prestat));
    printf("  tag %u, name of %u bytes\n", prestat.tag, (u32)prestat.u.dir.pr_name_len);
    show("name", sys_fd_prestat_dir_name(ROOT, name, 1));
    printf("  \"%s\"\n", name);
}

CASE(prestat_ends_after_the_root)
{
    __wasi_prestat_t prestat;
    show("descriptor 4", sys_fd_prestat_get(ROOT + 1, &prestat));
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0);
    show("a file", sys_fd_prestat_get(fd, &prestat));
    make_directory("d");
    show("a directory", sys_fd_prestat_get(open_directory("d"), &prestat));
}

CASE(prestat_name_needs_room)
{
    char name[8] = "???????";
    show("0 bytes", sys_fd_prestat_dir_name(ROOT, name, 0));
    printf("  \"%s\"\n", name);
    show("4 bytes", sys_fd_prestat_dir_name(ROOT, name, 4));
    printf("  \"%s\"\n", name);
}

CASE(renumber)
{
    u32 from, to;
    put("a", "text of a");
    put("b", "text of b");
    from = open_file("a", 0, RIGHT_READ, 0);
    to = open_file("b", 0, RIGHT_READ, 0);
    show("renumber", sys_fd_renumber(from, to));
    do_read(to, 20);
    do_read(from, 20);
    show("close the new one", sys_fd_close(to));
    show("close the old one", sys_fd_close(from));
}

CASE(renumber_keeps_the_position)
{
    u32 from, to;
    put("a", "0123456789");
    from = open_file("a", 0, RIGHT_READ, 0);
    to = open_file("a", 0, RIGHT_READ, 0);
    do_read(from, 4);
    show("renumber", sys_fd_renumber(from, to));
    do_read(to, 20);
}

CASE(renumber_onto_itself)
{
    put("a", "text");
    u32 fd = open_file("a", 0, RIGHT_READ, 0);
    show("renumber", sys_fd_renumber(fd, fd));
    do_read(fd, 20);
}

// The specification leaves open what is replaced; wasmtime asks for both descriptors to be open.
CASE(renumber_of_no_descriptor)
{
    u32 fd = open_file("a", CREAT, ALL_RIGHTS, 0);
    show("from", sys_fd_renumber(NO_FD, fd));
    show("to", sys_fd_renumber(fd, NO_FD));
    show("both", sys_fd_renumber(NO_FD, NO_FD + 1));
    show("to 2^32 - 1", sys_fd_renumber(fd, UINT32_MAX));
}

CASE(close_the_root)
{
    show("close", sys_fd_close(ROOT));
    do_open("open", ROOT, "a", CREAT);
}

// Which number a new descriptor gets is the host's choice (wasmtime takes the highest one that is free);
// that it is no number in use is not.
CASE(descriptors_are_distinct)
{
    u32 fds[12], same = 0;
    for (int i = 0; i < 8; i++)
        fds[i] = open_file("a", CREAT, RIGHT_READ, 0);
    close_fd(fds[1]);
    close_fd(fds[3]);
    for (int i = 8; i < 12; i++)
        fds[i] = open_file("a", 0, RIGHT_READ, 0);
    fds[1] = fds[3] = 0;
    for (int i = 0; i < 12; i++)
        for (int j = 0; j < i; j++)
            same += fds[i] && fds[i] == fds[j];
    printf("%u in use twice, first one %u\n", same, fds[0]);
}
