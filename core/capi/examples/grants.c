#define _POSIX_C_SOURCE 200809L

#include "grants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Where a record has its grant's id; all else in it is the library's. */
#define ID_AT 8
/* Beyond this the log is written anew. */
#define MAX_ENTRIES (16u * GRANTS)

typedef struct entry {
    uint64_t place;
    uint64_t floor;
    smallgate_grant grant;
    uint8_t rest[8];
} entry;

_Static_assert(sizeof(entry) == 128, "an entry lies within a sector");

static int write_whole(int file, const void *octets, size_t length)
{
    const uint8_t *from = octets;
    while (length > 0) {
        ssize_t wrote = write(file, from, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return -1;
        from += wrote;
        length -= (size_t)wrote;
    }
    return 0;
}

static int append(grants *grants, int file, uint64_t place)
{
    entry entry;
    memset(&entry, 0, sizeof entry);
    entry.place = place;
    entry.floor = grants->floor;
    entry.grant = grants->slots[place];
    return write_whole(file, &entry, sizeof entry);
}

/* Writes the log anew beside the old one, and puts it in its place. */
static int compact(grants *grants)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s.new", grants->path);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0)
        return -1;
    uint64_t entries = 0;
    for (uint64_t place = 0; place < GRANTS; place++) {
        if (grants->slots[place].seen == 0)
            continue;
        if (append(grants, file, place) < 0)
            goto failed;
        entries++;
    }
    if (fdatasync(file) < 0 || rename(path, grants->path) < 0)
        goto failed;
    if (grants->file >= 0)
        close(grants->file);
    grants->file = file;
    grants->entries = entries;
    return 0;
failed:
    close(file);
    unlink(path);
    return -1;
}

/* Whether octets are a record: a store may ask where one would go. */
static int is_record(const uint8_t record[SMALLGATE_RECORD])
{
    smallgate_grant vacant;
    size_t place;
    uint8_t gave_way[SMALLGATE_GRANT_ID];
    memset(&vacant, 0, sizeof vacant);
    return smallgate_grants_place(&vacant, 1, 0, record, &place, gave_way) >= 0;
}

int grants_open(grants *grants, const char *path)
{
    memset(grants, 0, sizeof *grants);
    grants->path = path;
    grants->file = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    if (grants->file < 0)
        return -1;
    entry entry;
    while (read(grants->file, &entry, sizeof entry) == (ssize_t)sizeof entry) {
        if (entry.place >= GRANTS || entry.grant.seen <= grants->stamp || !is_record(entry.grant.record))
            break;
        grants->slots[entry.place] = entry.grant;
        grants->stamp = entry.grant.seen;
        if (grants->floor < entry.floor)
            grants->floor = entry.floor;
    }
    /* Anew in the order of the slots, so the numbers are too. */
    grants->stamp = 0;
    for (size_t place = 0; place < GRANTS; place++)
        if (grants->slots[place].seen != 0)
            grants->slots[place].seen = ++grants->stamp;
    if (compact(grants) < 0) {
        close(grants->file);
        return -1;
    }
    errno = pthread_mutex_init(&grants->lock, NULL);
    return errno == 0 ? 0 : -1;
}

static smallgate_grant *find(grants *grants, const uint8_t id[12])
{
    for (size_t place = 0; place < GRANTS; place++) {
        smallgate_grant *grant = &grants->slots[place];
        if (grant->seen != 0 && memcmp(grant->record + ID_AT, id, SMALLGATE_GRANT_ID) == 0)
            return grant;
    }
    return NULL;
}

static int load(void *context, const uint8_t id[12], uint8_t record[96], uint64_t *seen)
{
    grants *grants = context;
    pthread_mutex_lock(&grants->lock);
    const smallgate_grant *grant = find(grants, id);
    *seen = 0;
    if (grant != NULL) {
        memcpy(record, grant->record, SMALLGATE_RECORD);
        *seen = grant->seen;
    }
    pthread_mutex_unlock(&grants->lock);
    return 0;
}

static int commit_locked(grants *grants, uint64_t now, const uint8_t *id, uint64_t seen, const uint8_t *record,
                         uint8_t *gave_way)
{
    int done = SMALLGATE_COMMITTED_DONE;
    smallgate_grant *grant = find(grants, id);
    if ((grant == NULL ? 0 : grant->seen) != seen)
        return SMALLGATE_COMMITTED_CONFLICT;
    if (record == NULL)
        return done;
    if (grant == NULL) {
        size_t place;
        done = smallgate_grants_place(grants->slots, GRANTS, now, record, &place, gave_way);
        if (done != SMALLGATE_COMMITTED_DONE && done != SMALLGATE_COMMITTED_GAVE_WAY)
            return done;
        grant = &grants->slots[place];
    }
    if (grants->floor < now)
        grants->floor = now;
    smallgate_grant before = *grant;
    memcpy(grant->record, record, SMALLGATE_RECORD);
    grant->seen = ++grants->stamp;
    if (grants->entries >= MAX_ENTRIES) {
        if (compact(grants) == 0)
            return done;
    } else if (append(grants, grants->file, (uint64_t)(grant - grants->slots)) == 0 &&
               fdatasync(grants->file) == 0) {
        grants->entries++;
        return done;
    }
    /* What is in the file now, nobody knows: without it nothing goes on. */
    *grant = before;
    close(grants->file);
    grants->file = -1;
    return SMALLGATE_COMMITTED_UNAVAILABLE;
}

static int commit(void *context, uint64_t now, const uint8_t id[12], uint64_t seen, const uint8_t *record,
                  uint8_t gave_way[12])
{
    grants *grants = context;
    pthread_mutex_lock(&grants->lock);
    int done = grants->file < 0 ? SMALLGATE_COMMITTED_UNAVAILABLE
                                : commit_locked(grants, now, id, seen, record, gave_way);
    pthread_mutex_unlock(&grants->lock);
    return done;
}

smallgate_store grants_store(grants *grants)
{
    smallgate_store store;
    store.context = grants;
    store.load = load;
    store.commit = commit;
    return store;
}

void grants_close(grants *grants)
{
    if (grants->file >= 0)
        close(grants->file);
    pthread_mutex_destroy(&grants->lock);
}
