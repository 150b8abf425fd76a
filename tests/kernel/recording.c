/* Records what a process does to the files below a folder, in the order in which it is done.

   Loaded with LD_PRELOAD. RECORD_FOLDER names the folder, RECORD_FILE the record (outside of it). Each entry is a
   struct entry, then the file's name and the bytes written. The kinds: w(rite), t(runcate), s(ync), c(reate),
   u(nlink). A sync of the folder itself has an empty name. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct entry {
    uint32_t kind, name_bytes, data_bytes, unused;
    uint64_t offset;
};

static int record = -1;
static ssize_t (*real_write)(int, const void *, size_t);

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The name below the folder that a path has, or NULL. */
static const char *below(const char *path) {
    const char *folder = getenv("RECORD_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    if (!length || strncmp(path, folder, length) != 0 || (path[length] && path[length] != '/')) return NULL;
    return path[length] ? path + length + 1 : "";
}

static const char *name_of(int fd, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    return below(path);
}

static void note(char kind, const char *name, const void *data, size_t bytes, off_t offset) {
    if (!name) return;
    if (record < 0) {
        real_write = REAL(write);
        record = REAL(open)(getenv("RECORD_FILE"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    }
    struct entry entry = {kind, strlen(name), data ? bytes : 0, 0, offset};
    static char whole[1 << 20];
    size_t size = sizeof entry + entry.name_bytes + entry.data_bytes;
    if (size > sizeof whole) abort();
    memcpy(whole, &entry, sizeof entry);
    memcpy(whole + sizeof entry, name, entry.name_bytes);
    if (data) memcpy(whole + sizeof entry + entry.name_bytes, data, bytes);
    if (real_write(record, whole, size) != (ssize_t)size) abort();
}

static void note_fd(char kind, int fd, const void *data, size_t bytes, off_t offset) {
    char path[PATH_MAX];
    note(kind, name_of(fd, path), data, bytes, offset);
}

static int note_open(int fd, const char *path, int existed) {
    if (fd >= 0 && !existed) note('c', below(path), NULL, 0, 0);
    return fd;
}

#define OPEN(name)                                                                 \
    int name(const char *path, int flags, ...) {                                   \
        va_list rest;                                                              \
        va_start(rest, flags);                                                     \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                  \
        va_end(rest);                                                              \
        int existed = !(flags & O_CREAT) || access(path, F_OK) == 0;               \
        return note_open(REAL(name)(path, flags, mode), path, existed);            \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t bytes) {
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = REAL(write)(fd, data, bytes);
    if (done > 0 && offset >= 0) note_fd('w', fd, data, done, offset);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
    ssize_t done = REAL(pwrite)(fd, data, bytes, offset);
    if (done > 0) note_fd('w', fd, data, done, offset);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) {
    ssize_t done = REAL(pwrite64)(fd, data, bytes, offset);
    if (done > 0) note_fd('w', fd, data, done, offset);
    return done;
}

int ftruncate(int fd, off_t size) {
    int error = REAL(ftruncate)(fd, size);
    if (!error) note_fd('t', fd, NULL, 0, size);
    return error;
}

int ftruncate64(int fd, off64_t size) {
    int error = REAL(ftruncate64)(fd, size);
    if (!error) note_fd('t', fd, NULL, 0, size);
    return error;
}

int fsync(int fd) {
    int error = REAL(fsync)(fd);
    if (!error) note_fd('s', fd, NULL, 0, 0);
    return error;
}

int fdatasync(int fd) {
    int error = REAL(fdatasync)(fd);
    if (!error) note_fd('s', fd, NULL, 0, 0);
    return error;
}

int unlink(const char *path) {
    int error = REAL(unlink)(path);
    if (!error) note('u', below(path), NULL, 0, 0);
    return error;
}
