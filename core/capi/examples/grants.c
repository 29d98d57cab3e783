#define _POSIX_C_SOURCE 200809L

#include "grants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/types.h>
#include <unistd.h>

/* Where a record has its grant's id; all else in it is the library's. */
#define ID_AT 8
/* Beyond this the log is written anew. */
#define MAX_ENTRIES (16u * GRANTS)
#define MAX_PATH 4096

/* What the file begins with: no other file is taken for a log, and replaced. */
static const char magic[128] = "smallgate grants 1\n";

typedef struct entry {
    uint64_t place;
    uint64_t floor;
    smallgate_grant grant;
    uint32_t rest;
    uint32_t check; /* of all before it: a record's own covers the record alone */
} entry;

_Static_assert(sizeof(entry) == 128, "an entry lies within a sector");

/* CRC-32, as in a record. */
static uint32_t check_of(const entry *entry)
{
    const uint8_t *octets = (const uint8_t *)entry;
    uint32_t check = ~UINT32_C(0);
    for (size_t at = 0; at < offsetof(struct entry, check); at++) {
        check ^= octets[at];
        for (int bit = 0; bit < 8; bit++)
            check = check >> 1 ^ ((check & 1) != 0 ? UINT32_C(0xEDB88320) : 0);
    }
    return ~check;
}

/* How much was read: less than `length` at the file's end alone. */
static ssize_t read_whole(int file, void *octets, size_t length)
{
    size_t had = 0;
    while (had < length) {
        ssize_t got = read(file, (uint8_t *)octets + had, length - had);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        had += (size_t)got;
    }
    return (ssize_t)had;
}

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
    entry.check = check_of(&entry);
    return write_whole(file, &entry, sizeof entry);
}

/* The path of a file beside the log. */
static int beside(const grants *grants, const char *suffix, char path[MAX_PATH])
{
    int length = snprintf(path, MAX_PATH, "%s%s", grants->path, suffix);
    if (length >= 0 && length < MAX_PATH)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

/* A new name is on the disk once its directory is. */
static int sync_directory(const grants *grants)
{
    char path[MAX_PATH];
    if (beside(grants, "", path) < 0)
        return -1;
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        strcpy(path, ".");
    else
        slash[slash == path ? 1 : 0] = '\0';
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -1;
    int synced = fsync(directory);
    close(directory);
    return synced;
}

/* Writes the log anew beside the old one, and puts it in its place. */
static int compact(grants *grants)
{
    char path[MAX_PATH];
    if (beside(grants, ".new", path) < 0)
        return -1;
    /* Left by a crash, or somebody's link to elsewhere. */
    if (unlink(path) < 0 && errno != ENOENT)
        return -1;
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0)
        return -1;
    uint64_t entries = 0;
    if (write_whole(file, magic, sizeof magic) < 0)
        goto failed;
    for (uint64_t place = 0; place < GRANTS; place++) {
        if (grants->slots[place].seen == 0)
            continue;
        if (append(grants, file, place) < 0)
            goto failed;
        entries++;
    }
    if (fdatasync(file) < 0 || rename(path, grants->path) < 0)
        goto failed;
    if (sync_directory(grants) < 0) {
        close(file);
        return -1;
    }
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

/* Reads the log. An entry that was cut off is the last; one that is bad and not
 * the last is damage, and nothing is to be concluded from what is around it. */
static int replay(grants *grants, int file)
{
    entry entry;
    char begins[sizeof magic];
    ssize_t got = read_whole(file, begins, sizeof begins);
    if (got <= 0)
        return (int)got;
    if (got != (ssize_t)sizeof begins || memcmp(begins, magic, sizeof magic) != 0)
        goto damaged;
    while ((got = read_whole(file, &entry, sizeof entry)) == (ssize_t)sizeof entry) {
        if (entry.check != check_of(&entry) || entry.place >= GRANTS || entry.grant.seen == 0 ||
            !is_record(entry.grant.record)) {
            got = read_whole(file, &entry, 1);
            if (got > 0)
                goto damaged;
            break;
        }
        grants->slots[entry.place] = entry.grant;
        /* Written anew they are in the order of the slots, so the last is not the highest. */
        if (grants->stamp < entry.grant.seen)
            grants->stamp = entry.grant.seen;
        if (grants->floor < entry.floor)
            grants->floor = entry.floor;
    }
    return got < 0 ? -1 : 0;
damaged:
    errno = EBADMSG;
    return -1;
}

static int open_locked(grants *grants)
{
    int file = open(grants->path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno != ENOENT)
        return -1;
    if (file >= 0) {
        int replayed = replay(grants, file);
        int why = errno;
        close(file);
        errno = why;
        if (replayed < 0)
            return -1;
    }
    if (compact(grants) < 0)
        return -1;
    errno = pthread_mutex_init(&grants->lock, NULL);
    return errno == 0 ? 0 : -1;
}

int grants_open(grants *grants, const char *path)
{
    char lock[MAX_PATH];
    memset(grants, 0, sizeof *grants);
    grants->path = path;
    grants->file = -1;
    if (beside(grants, ".lock", lock) < 0)
        return -1;
    /* Not of the log itself, which is another file each time it is written anew. */
    grants->held = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (grants->held < 0)
        return -1;
    if (flock(grants->held, LOCK_EX | LOCK_NB) == 0 && open_locked(grants) == 0)
        return 0;
    int why = errno;
    if (grants->file >= 0)
        close(grants->file);
    close(grants->held);
    errno = why;
    return -1;
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
    int works = grants->file < 0 ? -1 : 0;
    const smallgate_grant *grant = find(grants, id);
    *seen = 0;
    if (grant != NULL) {
        memcpy(record, grant->record, SMALLGATE_RECORD);
        *seen = grant->seen;
    }
    pthread_mutex_unlock(&grants->lock);
    return works;
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
    return SMALLGATE_COMMITTED_UNKNOWN;
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
    close(grants->held);
    pthread_mutex_destroy(&grants->lock);
}
