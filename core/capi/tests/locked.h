/*
 * Grants in memory behind a lock, for the callbacks of smallgate_store. With
 * NO_LOCK it is not taken, which a sanitizer has to see.
 */
#ifndef LOCKED_H
#define LOCKED_H

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "smallgate.h"

#define GRANTS 32

typedef struct store {
    pthread_mutex_t lock;
    smallgate_grant slots[GRANTS];
    uint64_t stamp;
    unsigned int conflicts;
} store;

static void lock(store *store)
{
#ifdef NO_LOCK
    (void)store;
#else
    pthread_mutex_lock(&store->lock);
#endif
}

static void unlock(store *store)
{
#ifdef NO_LOCK
    (void)store;
#else
    pthread_mutex_unlock(&store->lock);
#endif
}

static smallgate_grant *find(store *store, const uint8_t id[12])
{
    for (size_t place = 0; place < GRANTS; place++)
        if (store->slots[place].seen != 0 && memcmp(store->slots[place].record + 8, id, SMALLGATE_GRANT_ID) == 0)
            return &store->slots[place];
    return NULL;
}

/* Where all wait who have loaded, so that all have seen the same. */
static pthread_barrier_t all_loaded;
static _Thread_local int waits;

static int load(void *context, const uint8_t id[12], uint8_t record[96], uint64_t *seen)
{
    store *store = context;
    lock(store);
    const smallgate_grant *grant = find(store, id);
    *seen = 0;
    if (grant != NULL) {
        memcpy(record, grant->record, SMALLGATE_RECORD);
        *seen = grant->seen;
    }
    unlock(store);
    if (waits) {
        waits = 0;
        pthread_barrier_wait(&all_loaded);
    } else {
        sched_yield();
    }
    return 0;
}

static int commit_locked(store *store, uint64_t now, const uint8_t *id, uint64_t seen, const uint8_t *record,
                         uint8_t *gave_way)
{
    int done = SMALLGATE_COMMITTED_DONE;
    smallgate_grant *grant = find(store, id);
    if ((grant == NULL ? 0 : grant->seen) != seen) {
        store->conflicts++;
        return SMALLGATE_COMMITTED_CONFLICT;
    }
    if (record == NULL)
        return done;
    if (grant == NULL) {
        size_t place;
        done = smallgate_grants_place(store->slots, GRANTS, now, record, &place, gave_way);
        if (done != SMALLGATE_COMMITTED_DONE && done != SMALLGATE_COMMITTED_GAVE_WAY)
            return done;
        grant = &store->slots[place];
    }
    memcpy(grant->record, record, SMALLGATE_RECORD);
    grant->seen = ++store->stamp;
    return done;
}

static int commit(void *context, uint64_t now, const uint8_t id[12], uint64_t seen, const uint8_t *record,
                  uint8_t gave_way[12])
{
    store *store = context;
    lock(store);
    int done = commit_locked(store, now, id, seen, record, gave_way);
    unlock(store);
    sched_yield();
    return done;
}

#endif
