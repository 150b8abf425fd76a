// httpd [-b NAME | PORT] [DIR]: serves the files below a directory over HTTP/1.1; without DIR, a greeting at /.
// It accepts at descriptor 3, a socket of the host's (hardtack run --tcplisten), or with -b at a name or port
// inside the kernel. One process, one poll loop: a client that is slow or silent costs its slot and no one
// else's time, and loses it after 10 seconds.
// Exit status: 1 when it can accept no more, 2 for wrong use.
#define _GNU_SOURCE // strcasestr
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hardtack.h"

#define SLOTS 32
#define REQUEST 2048 // bytes of a request, its header lines included
#define PATIENCE 10  // seconds

struct client {
    int fd; // -1: the slot is free
    time_t heard;
    unsigned got; // bytes of the request that are here
    bool answering, keep;
    int file; // what the body is read from, or -1
    off_t at, size;
    unsigned head_at, head_size;
    char request[REQUEST];
    char head[256];
};

static struct client clients[SLOTS];
static char buffer[16384];
static char path[1024];
static const char *directory;

static time_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static void drop(struct client *client)
{
    if (client->file >= 0)
        close(client->file);
    close(client->fd);
    client->fd = client->file = -1;
}

static void answer(struct client *client, const char *status, off_t size, const char *text)
{
    ht_format(client->head, sizeof client->head,
              "HTTP/1.1 %s\r\nServer: hardtack\r\nContent-Length: %l\r\nConnection: %s\r\n\r\n%s", status,
              (uint64_t)size, client->keep ? "keep-alive" : "close", text);
    client->head_size = strlen(client->head);
    client->head_at = 0;
    client->answering = true;
}

static void answer_text(struct client *client, const char *status, const char *text, bool head_only)
{
    answer(client, status, strlen(text), head_only ? "" : text);
}

static int hex(char digit)
{
    return isdigit((unsigned char)digit) ? digit - '0' : isxdigit((unsigned char)digit) ? (digit | 32) - 'a' + 10 : -1;
}

// The file that a target names, in `path`; false if it is none of ours.
static bool find(const char *target)
{
    unsigned used = strlen(directory);
    if (used >= sizeof path / 2 || *target != '/')
        return false;
    memcpy(path, directory, used);
    for (; *target && *target != ' ' && *target != '?'; target++) {
        char c = *target;
        if (c == '%' && hex(target[1]) >= 0 && hex(target[2]) >= 0) {
            c = (char)(hex(target[1]) * 16 + hex(target[2]));
            target += 2;
        }
        if (!c || used + sizeof "index.html" >= sizeof path)
            return false;
        path[used++] = c;
    }
    path[used] = 0;
    if (strstr(path + strlen(directory), "/.."))
        return false;
    if (path[used - 1] == '/')
        strcpy(path + used, "index.html");
    return true;
}

static void answer_file(struct client *client, const char *target, bool head_only)
{
    struct stat status;
    int file = find(target) ? open(path, O_RDONLY) : -1;
    if (file >= 0 && (fstat(file, &status) || !S_ISREG(status.st_mode))) {
        close(file);
        file = -1;
    }
    if (file < 0) {
        answer_text(client, "404 Not Found", "not found\n", head_only);
        return;
    }
    answer(client, "200 OK", status.st_size, "");
    client->at = 0;
    client->size = head_only ? 0 : status.st_size;
    client->file = file;
}

// Answers the request that has come as a whole: the buffer's first `size` bytes.
static void respond(struct client *client, unsigned size)
{
    char *request = client->request, *line = strstr(request, "\r\n");
    request[size - 2] = 0;
    *line = 0;
    bool head = strncmp(request, "HEAD ", 5) == 0, get = strncmp(request, "GET ", 4) == 0;
    const char *target = strchr(request, ' ');
    const char *version = target ? strchr(++target, ' ') : NULL;
    client->keep = version && strcmp(version, " HTTP/1.1") == 0 && !strcasestr(line + 1, "\nConnection: close");
    if (!version || strncmp(version, " HTTP/1.", 8)) {
        answer_text(client, "400 Bad Request", "bad request\n", false);
    } else if (!get && !head) {
        client->keep = false; // a body may follow
        answer_text(client, "405 Method Not Allowed", "method not allowed\n", false);
    } else if (directory) {
        answer_file(client, target, head);
    } else if (strncmp(target, "/ ", 2) == 0) {
        answer_text(client, "200 OK", "hello from hardtack\n", head);
    } else {
        answer_text(client, "404 Not Found", "not found\n", head);
    }
    memmove(request, request + size, client->got - size + 1);
    client->got -= size;
}

// Responds if a whole request is there.
static void look(struct client *client)
{
    char *end = strstr(client->request, "\r\n\r\n");
    if (end) {
        respond(client, end + 4 - client->request);
    } else if (client->got == REQUEST - 1 || memchr(client->request, 0, client->got)) {
        client->keep = false;
        answer_text(client, "400 Bad Request", "bad request\n", false);
        client->got = 0;
    }
}

static void hear(struct client *client)
{
    ssize_t got = read(client->fd, client->request + client->got, REQUEST - 1 - client->got);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            drop(client);
        return;
    }
    client->got += got;
    client->request[client->got] = 0;
    client->heard = now();
    look(client);
}

static void speak(struct client *client)
{
    ssize_t done = 0;
    if (client->head_at < client->head_size) {
        done = write(client->fd, client->head + client->head_at, client->head_size - client->head_at);
        client->head_at += done > 0 ? done : 0;
    } else if (client->at < client->size) {
        ssize_t got = pread(client->file, buffer, sizeof buffer, client->at);
        done = got > 0 ? write(client->fd, buffer, got) : got;
        if (got == 0) // the file became shorter
            client->keep = false, client->size = client->at;
        client->at += done > 0 ? done : 0;
    }
    if (done < 0) {
        if (errno != EAGAIN)
            drop(client);
        return;
    }
    client->heard = now();
    if (client->head_at < client->head_size || client->at < client->size)
        return;
    client->answering = false;
    client->at = client->size = 0;
    if (client->file >= 0)
        close(client->file);
    client->file = -1;
    if (!client->keep)
        drop(client);
    else
        look(client);
}

// Takes a connection into a free slot; false if no more can be accepted.
static bool take(int listener)
{
    int fd = ht_accept(listener, 1);
    if (fd < 0)
        return errno == EAGAIN || errno == ENFILE || errno == EMFILE || errno == ECONNABORTED;
    struct client *client = clients;
    while (client->fd >= 0)
        client++;
    client->fd = fd;
    client->heard = now();
    client->got = 0;
    client->request[0] = 0;
    client->answering = false;
    client->file = -1;
    client->at = client->size = 0;
    return true;
}

static bool serve(int listener)
{
    struct pollfd fds[SLOTS + 1];
    struct client *whose[SLOTS + 1];
    nfds_t count = 0;
    for (struct client *client = clients; client < clients + SLOTS; client++) {
        if (client->fd >= 0 && now() - client->heard >= PATIENCE)
            drop(client);
        if (client->fd < 0)
            continue;
        fds[count] = (struct pollfd){.fd = client->fd, .events = client->answering ? POLLWRNORM : POLLRDNORM};
        whose[count++] = client;
    }
    nfds_t taken = count;
    if (count < SLOTS)
        fds[count++] = (struct pollfd){.fd = listener, .events = POLLRDNORM};
    if (poll(fds, count, taken ? 1000 : -1) < 0)
        return false;
    for (nfds_t i = 0; i < taken; i++) {
        if (!fds[i].revents)
            continue;
        if (whose[i]->answering)
            speak(whose[i]);
        else
            hear(whose[i]);
    }
    return count == taken || !fds[taken].revents || take(listener);
}

int main(int argc, char **argv)
{
    int listener = 3, first = 1;
    if (argc > 2 && strcmp(argv[1], "-b") == 0) {
        listener = ht_bound(argv[2]);
        if (listener < 0 || ht_listen(listener, 16))
            return ht_fail("httpd", argv[2]);
        first = 3;
    }
    if (argc > first + 1)
        return ht_usage("httpd [-b NAME | PORT] [DIR]");
    directory = argv[first];
    fcntl(listener, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < SLOTS; i++)
        clients[i].fd = clients[i].file = -1;
    while (serve(listener))
        ;
    return ht_fail("httpd", "accept");
}
