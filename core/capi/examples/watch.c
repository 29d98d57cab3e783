#define _POSIX_C_SOURCE 200809L

#include "watch.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>

/* A connection, from when it is accepted until before it is closed: while a
 * socket is in here its number is nobody else's. */
typedef struct watched {
    int is_used;
    int socket;
    time_t until; /* 0: it is not waited for */
} watched;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static watched all[WATCHED];

static time_t now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void begin(struct MHD_Connection *connection, unsigned int seconds, void **of_socket)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL)
        return;
    for (size_t at = 0; at < WATCHED && *of_socket == NULL; at++) {
        if (all[at].is_used)
            continue;
        all[at].is_used = 1;
        all[at].socket = info->connect_fd;
        all[at].until = now() + seconds;
        *of_socket = &all[at];
    }
    /* One that nobody watches does not go on. */
    if (*of_socket == NULL)
        shutdown(info->connect_fd, SHUT_RDWR);
}

void watch_connection(void *seconds, struct MHD_Connection *connection, void **of_socket,
                      enum MHD_ConnectionNotificationCode code)
{
    pthread_mutex_lock(&lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        begin(connection, *(const unsigned int *)seconds, of_socket);
    else if (*of_socket != NULL)
        ((watched *)*of_socket)->is_used = 0;
    pthread_mutex_unlock(&lock);
}

void watch_allow(struct MHD_Connection *connection, unsigned int seconds)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info == NULL || info->socket_context == NULL)
        return;
    pthread_mutex_lock(&lock);
    ((watched *)info->socket_context)->until = seconds == 0 ? 0 : now() + seconds;
    pthread_mutex_unlock(&lock);
}

void watch_shut_late(void)
{
    pthread_mutex_lock(&lock);
    for (size_t at = 0; at < WATCHED; at++)
        if (all[at].is_used && all[at].until != 0 && all[at].until <= now())
            shutdown(all[at].socket, SHUT_RDWR);
    pthread_mutex_unlock(&lock);
}
