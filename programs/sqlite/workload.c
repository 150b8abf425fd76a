// workload FILE KIND N [ROWS]: runs transactions on an SQLite database and prints how long they took.
//   insert   N transactions, each inserts one row by itself
//   batch    N transactions, each inserts ROWS rows (200 if not given)
// The table is made anew first; that does not count. The report is "KIND N calls in T ns", as that of `calls`.
// Exit status: 0, 1 for an error, 2 for wrong use.
//
// `make sqlite` builds it together with SQLite's amalgamation; it needs preview1 alone.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sqlite3.h"

static sqlite3 *database;

static void check(int error)
{
    if (error == SQLITE_OK || error == SQLITE_DONE)
        return;
    fprintf(stderr, "workload: %s\n", sqlite3_errmsg(database));
    exit(1);
}

static void run(const char *statement)
{
    check(sqlite3_exec(database, statement, NULL, NULL, NULL));
}

static void insert(sqlite3_stmt *statement, int number)
{
    char text[64];
    snprintf(text, sizeof text, "a row of some length, number %d", number);
    check(sqlite3_bind_int(statement, 1, number));
    check(sqlite3_bind_text(statement, 2, text, -1, SQLITE_TRANSIENT));
    check(sqlite3_step(statement));
    check(sqlite3_reset(statement));
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void count_rows(long long expected)
{
    sqlite3_stmt *statement;
    check(sqlite3_prepare_v2(database, "SELECT count(*) FROM ships", -1, &statement, NULL));
    if (sqlite3_step(statement) != SQLITE_ROW || sqlite3_column_int64(statement, 0) != expected) {
        fprintf(stderr, "workload: rows are missing\n");
        exit(1);
    }
    check(sqlite3_finalize(statement));
}

int main(int argc, char **argv)
{
    if (argc < 4 || (strcmp(argv[2], "insert") && strcmp(argv[2], "batch"))) {
        fprintf(stderr, "usage: workload FILE insert|batch N [ROWS]\n");
        return 2;
    }
    int batch = !strcmp(argv[2], "batch"), transactions = atoi(argv[3]);
    int rows = batch ? (argc > 4 ? atoi(argv[4]) : 200) : 1;
    check(sqlite3_open(argv[1], &database));
    run("DROP TABLE IF EXISTS ships");
    run("CREATE TABLE ships (number INTEGER PRIMARY KEY, name TEXT)");
    sqlite3_stmt *statement;
    check(sqlite3_prepare_v2(database, "INSERT INTO ships VALUES (?, ?)", -1, &statement, NULL));

    long long begin = now();
    for (int i = 0; i < transactions; i++) {
        if (batch)
            run("BEGIN");
        for (int j = 0; j < rows; j++)
            insert(statement, i * rows + j);
        if (batch)
            run("COMMIT");
    }
    long long taken = now() - begin;

    check(sqlite3_finalize(statement));
    count_rows((long long)transactions * rows);
    check(sqlite3_close(database));
    printf("%s %d calls in %lld ns\n", argv[2], transactions, taken);
    return 0;
}
