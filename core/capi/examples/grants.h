/*
 * Grants in a file, for the callbacks of smallgate_store.
 *
 * The file is a log: each commit is an entry of 128 octets at its end, which is
 * on the disk before the commit is said to be done. An entry lies within a
 * sector, so it is there whole or not, and a bad one at the end is one that
 * nobody was told of. Opening it replays the log and writes it anew, one entry a
 * grant; a file that is something else, or damaged, is left as it is.
 *
 * One process uses it at a time: `path`.lock is locked from open to close, and
 * stays there.
 */
#ifndef GRANTS_H
#define GRANTS_H

#include <pthread.h>

#include "smallgate.h"

#define GRANTS 1024

typedef struct grants {
    pthread_mutex_t lock;
    int file; /* -1 after a write that failed: nothing goes on */
    int held; /* the lock */
    const char *path;
    uint64_t stamp;   /* the last number of a write */
    uint64_t entries; /* in the file */
    uint64_t floor;   /* the newest time of a commit, for smallgate_clock */
    smallgate_grant slots[GRANTS];
} grants;

/* Opens the file at `path`, which has to stay, or makes it. 0, or -1 and errno: EBADMSG if
 * it is damaged or no log, EWOULDBLOCK if another process has it. */
int grants_open(grants *grants, const char *path);

/* The callbacks. */
smallgate_store grants_store(grants *grants);

void grants_close(grants *grants);

#endif
