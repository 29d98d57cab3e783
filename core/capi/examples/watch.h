/*
 * How long a connection may take for a request: libmicrohttpd's timeouts are of
 * silence, and an octet now and then is none.
 */
#ifndef WATCH_H
#define WATCH_H

#include <microhttpd.h>

#define WATCHED 256

/* An MHD_NotifyConnectionCallback, whose context is the seconds for a head. */
void watch_connection(void *seconds, struct MHD_Connection *connection, void **of_socket,
                      enum MHD_ConnectionNotificationCode code);

/* So many seconds from now on; 0 for as long as it takes. */
void watch_allow(struct MHD_Connection *connection, unsigned int seconds);

/* Shuts what is late. To be called each second. */
void watch_shut_late(void);

#endif
