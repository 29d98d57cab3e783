/*
 * Grants in a file, for the callbacks of smallgate_store.
 *
 * The file is a log: each commit is an entry of 128 octets at its end, which is
 * on the disk before the commit is said to be done. An entry lies within a
 * sector, so it is there whole or not; one that is not a good record ends the
 * log. Opening it replays the log and writes it anew, one entry a grant.
 */
#ifndef GRANTS_H
#define GRANTS_H

#include <pthread.h>

#include "smallgate.h"

#define GRANTS 1024

typedef struct grants {
    pthread_mutex_t lock;
    int file;
    const char *path;
    uint64_t stamp;   /* the last number of a write */
    uint64_t entries; /* in the file */
    uint64_t floor;   /* the newest time of a commit, for smallgate_clock */
    smallgate_grant slots[GRANTS];
} grants;

/* Opens the file at `path`, which has to stay, or makes it. 0, or -1 and errno. */
int grants_open(grants *grants, const char *path);

/* The callbacks. */
smallgate_store grants_store(grants *grants);

void grants_close(grants *grants);

#endif
