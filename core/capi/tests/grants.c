/*
 * Grants in a file: what outlives a restart, and what is refused.
 *
 *     grants PATH
 */
#define _POSIX_C_SOURCE 200809L

#include "../examples/grants.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW UINT64_C(1767225600)
#define ENTRY 128

static grants file, second;
static unsigned int checks, failed;

/* In place of libc's: no power fails here, and a disk would take a minute. */
int fdatasync(int descriptor)
{
    return descriptor < 0 ? -1 : 0;
}

#define CHECK(condition) check((condition), #condition, __LINE__)

static void check(int good, const char *what, int line)
{
    checks++;
    if (good)
        return;
    failed++;
    fprintf(stderr, "line %d: %s\n", line, what);
}

/* A record as the library writes one: of a generation, or revoked. */
static void make(uint8_t record[SMALLGATE_RECORD], uint8_t number, uint8_t generation)
{
    uint64_t created = NOW;
    uint32_t expires = UINT32_C(1) << 30, crc = ~UINT32_C(0);
    memset(record, 0, SMALLGATE_RECORD);
    record[0] = 1;
    record[1] = generation == 0 ? 3 : 2;
    record[3] = generation == 0 ? 3 : 0;
    record[4] = generation;
    record[8] = number;
    record[24] = number;
    memcpy(record + 56, &created, sizeof created);
    memcpy(record + 64, &expires, sizeof expires);
    memcpy(record + 68, &expires, sizeof expires);
    for (size_t at = 0; at < 92; at++) {
        crc ^= record[at];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0xEDB88320) : 0);
    }
    crc = ~crc;
    memcpy(record + 92, &crc, sizeof crc);
}

static int commit(uint8_t number, uint8_t generation)
{
    smallgate_store store = grants_store(&file);
    uint8_t id[SMALLGATE_GRANT_ID] = {number}, record[SMALLGATE_RECORD], gave_way[SMALLGATE_GRANT_ID];
    uint64_t seen;
    if (store.load(store.context, id, record, &seen) < 0)
        return -1;
    make(record, number, generation);
    return store.commit(store.context, NOW, id, seen, record, gave_way);
}

/* The generation of a grant, 0 if it is revoked, -1 if it is not there. */
static int generation(uint8_t number)
{
    smallgate_store store = grants_store(&file);
    uint8_t id[SMALLGATE_GRANT_ID] = {number}, record[SMALLGATE_RECORD];
    uint64_t seen;
    if (store.load(store.context, id, record, &seen) < 0 || seen == 0)
        return -1;
    return record[1] == 3 ? 0 : record[4];
}

static void restart(const char *path)
{
    grants_close(&file);
    CHECK(grants_open(&file, path) == 0);
}

/* A log that was written anew as it grew, and was written to after that. */
static void outlives_being_written_anew(const char *path, uint8_t often)
{
    unlink(path);
    CHECK(grants_open(&file, path) == 0);
    for (uint8_t number = 1; number <= 5; number++)
        CHECK(commit(number, 1) == SMALLGATE_COMMITTED_DONE);
    uint64_t before;
    do {
        before = file.entries;
        if (commit(often, (uint8_t)(2 + before % 100)) != SMALLGATE_COMMITTED_DONE)
            break;
    } while (file.entries > before);
    CHECK(file.entries == 5);
    uint8_t other = often == 1 ? 2 : 1;
    CHECK(commit(other, 0) == SMALLGATE_COMMITTED_DONE);
    int was = generation(often);
    uint64_t stamp = file.stamp;
    for (int times = 0; times < 2; times++) {
        restart(path);
        CHECK(file.stamp == stamp);
        CHECK(generation(other) == 0);
        CHECK(generation(often) == was);
        for (uint8_t number = 3; number <= 5; number++)
            CHECK(generation(number) == 1);
    }
    grants_close(&file);
}

static void turn(const char *path, long at)
{
    FILE *octets = fopen(path, "r+b");
    if (octets == NULL)
        return;
    fseek(octets, at, SEEK_SET);
    int octet = fgetc(octets);
    fseek(octets, at, SEEK_SET);
    fputc(octet ^ 1, octets);
    fclose(octets);
}

static off_t length_of(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? about.st_size : -1;
}

/* Each octet of what is not the last entry; the file is left as it is. */
static void damage_is_refused(const char *path)
{
    unlink(path);
    CHECK(grants_open(&file, path) == 0);
    for (uint8_t number = 1; number <= 3; number++)
        CHECK(commit(number, 1) == SMALLGATE_COMMITTED_DONE);
    grants_close(&file);
    off_t length = length_of(path);
    CHECK(length == 4 * ENTRY);
    for (long at = 0; at < 3 * ENTRY; at++) {
        turn(path, at);
        errno = 0;
        CHECK(grants_open(&file, path) < 0 && errno == EBADMSG);
        CHECK(length_of(path) == length);
        turn(path, at);
    }
    /* The last may have been cut off, and nobody was told of it. */
    CHECK(truncate(path, length - 1) == 0);
    CHECK(grants_open(&file, path) == 0);
    CHECK(generation(1) == 1 && generation(2) == 1 && generation(3) == -1);
    grants_close(&file);
    turn(path, 3 * ENTRY - 1);
    CHECK(grants_open(&file, path) == 0);
    CHECK(generation(1) == 1 && generation(2) == -1);
    grants_close(&file);
}

static void other_files_are_left_alone(const char *path)
{
    FILE *text = fopen(path, "wb");
    if (text != NULL) {
        fputs("somebody's notes\n", text);
        fclose(text);
    }
    errno = 0;
    CHECK(grants_open(&file, path) < 0 && errno == EBADMSG);
    CHECK(length_of(path) == 17);
    unlink(path);
    /* It can be opened, and not read. */
    CHECK(mkdir(path, 0700) == 0);
    CHECK(grants_open(&file, path) < 0 && errno == EISDIR);
    rmdir(path);
    /* An empty one is as none. */
    text = fopen(path, "wb");
    if (text != NULL)
        fclose(text);
    CHECK(grants_open(&file, path) == 0);
    grants_close(&file);
}

/* What lies at the name of the new log is not written through. */
static void a_link_is_not_followed(const char *path)
{
    char beside[4096], victim[4096];
    snprintf(beside, sizeof beside, "%s.new", path);
    snprintf(victim, sizeof victim, "%s.victim", path);
    FILE *text = fopen(victim, "wb");
    if (text != NULL) {
        fputs("kept", text);
        fclose(text);
    }
    CHECK(symlink(victim, beside) == 0);
    CHECK(grants_open(&file, path) == 0);
    CHECK(length_of(victim) == 4);
    grants_close(&file);
    unlink(victim);
}

static void one_process_has_it(const char *path)
{
    CHECK(grants_open(&file, path) == 0);
    errno = 0;
    CHECK(grants_open(&second, path) < 0 && errno == EWOULDBLOCK);
    CHECK(commit(1, 0) == SMALLGATE_COMMITTED_DONE);
    restart(path);
    CHECK(generation(1) == 0);
    grants_close(&file);
}

/* A write that fails half way: nobody knows, and then nothing goes on. */
static void a_failed_write_is_unknown(const char *path)
{
    unlink(path);
    CHECK(grants_open(&file, path) == 0);
    CHECK(commit(1, 1) == SMALLGATE_COMMITTED_DONE);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, limit;
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    limit = before;
    limit.rlim_cur = 2 * ENTRY + 50;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(commit(1, 2) == SMALLGATE_COMMITTED_UNKNOWN);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(commit(1, 2) == -1);
    restart(path);
    CHECK(generation(1) == 1);
    grants_close(&file);
}

int main(int argc, char **argv)
{
    char lock[4096];
    if (argc != 2)
        return 2;
    outlives_being_written_anew(argv[1], 1);
    outlives_being_written_anew(argv[1], 2);
    damage_is_refused(argv[1]);
    other_files_are_left_alone(argv[1]);
    a_link_is_not_followed(argv[1]);
    one_process_has_it(argv[1]);
    a_failed_write_is_unknown(argv[1]);
    unlink(argv[1]);
    snprintf(lock, sizeof lock, "%s.lock", argv[1]);
    unlink(lock);
    printf("%u checks, %u failed\n", checks, failed);
    return failed != 0;
}
