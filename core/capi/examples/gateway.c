/*
 * A gateway on Linux: libsmallgate behind libmicrohttpd.
 *
 *     gateway --image FILE [--grants FILE] [--port N] [--clock real|unset]
 *
 * The image is of `smallgate provision`. With --grants they are kept in that
 * file (grants.h), otherwise in memory. It listens on 127.0.0.1, says where on
 * standard output, logs a JSON object a line on standard error, and ends
 * gracefully on SIGTERM and SIGINT.
 *
 * What libmicrohttpd does its own way: a head or body that does not come in time
 * ends the connection without an answer (watch.h), and so does one that is much
 * too long. A field's value ends at a NUL for it, so that one is not refused. It
 * answers some bad requests itself, in HTML.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "grants.h"
#include "smallgate.h"
#include "watch.h"

#define IN_MEMORY 4096
#define MAX_IMAGE 16384
#define SECONDS_OF_SILENCE 10
/* For a whole head, and for a whole body, where the image says nothing. */
#define SECONDS_OF_REQUEST 15
#define MAX_TARGET 8192
/* Octets of a body that is too long which are passed over, to answer it. */
#define MAX_DISCARDED 65536

typedef struct gateway {
    smallgate_server *server;
    smallgate_limits limits;
    uint64_t since;
    uint64_t floor;
    int clock_is_set;
    unsigned int head_seconds, body_seconds;
} gateway;

/* A request while it comes in. */
typedef struct request {
    char *target;
    int began;
    uint32_t too_long;
    size_t length;
    size_t discarded;
    uint8_t *body;
} request;

/* --------------------------------------------------------------- the log */

typedef struct line {
    char text[1024];
    size_t length;
} line;

static void add(line *line, const char *octets, size_t length)
{
    for (size_t at = 0; at < length && line->length + 8 < sizeof line->text; at++) {
        unsigned char octet = (unsigned char)octets[at];
        if (octet == '"' || octet == '\\') {
            line->text[line->length++] = '\\';
            line->text[line->length++] = (char)octet;
        } else if (octet < 0x20) {
            line->length += (size_t)snprintf(line->text + line->length, 7, "\\u%04x", octet);
        } else {
            line->text[line->length++] = (char)octet;
        }
    }
}

static void raw(line *line, const char *text)
{
    size_t length = strlen(text);
    if (line->length + length + 4 < sizeof line->text) {
        memcpy(line->text + line->length, text, length);
        line->length += length;
    }
}

static void field(line *line, const char *name, const char *octets, size_t length)
{
    if (octets == NULL)
        return;
    raw(line, line->length == 0 ? "{\"" : ",\"");
    raw(line, name);
    raw(line, "\":\"");
    add(line, octets, length);
    raw(line, "\"");
}

/* One write, so that lines of several threads do not mix. */
static void finish(line *line)
{
    line->text[line->length++] = '}';
    line->text[line->length++] = '\n';
    ssize_t nobody_listens = write(STDERR_FILENO, line->text, line->length);
    (void)nobody_listens;
}

static void on_event(void *context, const smallgate_event *event)
{
    static const char *const levels[] = {"INFO", "WARN", "ERROR"};
    line line;
    char source[INET6_ADDRSTRLEN];
    const char *id = "grant", *cause = "cause";
    (void)context;
    line.length = 0;
    if (event->kind == SMALLGATE_EVENT_ISSUED || event->kind == SMALLGATE_EVENT_RESOURCE_REFUSED)
        id = "jti";
    if (event->kind == SMALLGATE_EVENT_LOCKED_OUT)
        cause = "account";
    if (event->kind == SMALLGATE_EVENT_REVOKED)
        cause = "reason";
    const char *level = levels[event->gravity < 3 ? event->gravity : 2];
    field(&line, "level", level, strlen(level));
    field(&line, "event", event->name.octets, event->name.length);
    field(&line, "grant_type", event->grant_type.octets, event->grant_type.length);
    field(&line, "client", event->client.octets, event->client.length);
    field(&line, "subject", event->subject.octets, event->subject.length);
    field(&line, id, event->id.octets, event->id.length);
    field(&line, cause, event->cause.octets, event->cause.length);
    field(&line, "alg", event->algorithm.octets, event->algorithm.length);
    field(&line, "kid", event->key.octets, event->key.length);
    if (event->keys != 0) {
        char count[32];
        snprintf(count, sizeof count, ",\"verifying\":%u", (unsigned int)event->keys);
        raw(&line, count);
    }
    int family = event->source.family == 6 ? AF_INET6 : AF_INET;
    if (event->source.family != 0 && inet_ntop(family, event->source.address, source, sizeof source) != NULL)
        field(&line, "source", source, strlen(source));
    finish(&line);
}

static void say(const char *event, const char *what)
{
    line line;
    line.length = 0;
    field(&line, "level", "INFO", 4);
    field(&line, "event", event, strlen(event));
    field(&line, "cause", what, strlen(what));
    finish(&line);
}

/* --------------------------------------------------------------- answers */

/* An answer of the gateway's own, where the library was not asked. */
static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int status, const char *description)
{
    char body[256];
    int length = snprintf(body, sizeof body, "{\"error\":\"%s\",\"error_description\":\"%s\"}",
                          status >= 500 ? "temporarily_unavailable" : "invalid_request", description);
    struct MHD_Response *response =
        MHD_create_response_from_buffer((size_t)length, body, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "content-type", "application/json");
    MHD_add_response_header(response, "cache-control", "no-store");
    MHD_add_response_header(response, "pragma", "no-cache");
    MHD_add_response_header(response, "connection", "close");
    say("refused_framing", description);
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

/* What a request's fields come to. */
typedef struct fields {
    size_t count;
    unsigned int hosts, lengths, codings;
    int chunked, too_many, bad;
    smallgate_header all[SMALLGATE_MAX_HEADERS];
} fields;

/* Whether a field is one (RFC 9110 section 5): what is not, another server may
 * take for a field that this one does not see. */
static int is_field(const char *name, size_t name_length, const char *value, size_t value_length)
{
    for (size_t at = 0; at < name_length; at++) {
        unsigned char octet = (unsigned char)name[at];
        if (octet <= ' ' || octet >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", octet) != NULL)
            return 0;
    }
    for (size_t at = 0; at < value_length; at++) {
        unsigned char octet = (unsigned char)value[at];
        if ((octet < ' ' && octet != '\t') || octet == 0x7F)
            return 0;
    }
    return name_length > 0;
}

static enum MHD_Result on_field(void *context, enum MHD_ValueKind kind, const char *name, size_t name_length,
                                const char *value, size_t value_length)
{
    fields *fields = context;
    (void)kind;
    if (value == NULL) {
        value = "";
        value_length = 0;
    }
    if (!is_field(name, name_length, value, value_length)) {
        fields->bad = 1;
        return MHD_NO;
    }
    if (strcasecmp(name, "host") == 0)
        fields->hosts++;
    if (strcasecmp(name, "content-length") == 0)
        fields->lengths++;
    if (strcasecmp(name, "transfer-encoding") == 0) {
        fields->codings++;
        fields->chunked = strcasecmp(value, "chunked") == 0;
    }
    if (fields->count == SMALLGATE_MAX_HEADERS) {
        fields->too_many = 1;
        return MHD_NO;
    }
    smallgate_header *header = &fields->all[fields->count++];
    header->name = name;
    header->name_length = name_length;
    header->value = value;
    header->value_length = value_length;
    return MHD_YES;
}

/* The path and query of a target in absolute form (RFC 9112 section 3.2.2). */
static const char *origin_form(char *target)
{
    size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
    if (scheme == 0)
        return target;
    char *rest = target + scheme;
    rest += strcspn(rest, "/?#");
    if (*rest == '/')
        return rest;
    if (*rest != '?')
        return "/";
    /* An empty path is "/": there is room for it where the host was. */
    *--rest = '/';
    return rest;
}

/* Whose request it is. One of nobody's is not for the library, to which that is
 * a caller on the device itself. */
static int source_of(struct MHD_Connection *connection, smallgate_source *source)
{
    memset(source, 0, sizeof *source);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL || info->client_addr->sa_family != AF_INET)
        return -1;
    const struct sockaddr_in *from = (const void *)info->client_addr;
    source->family = 4;
    memcpy(source->address, &from->sin_addr, 4);
    return 0;
}

/* The library's answer as libmicrohttpd's. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, const smallgate_exchange *exchange, int closes)
{
    smallgate_response answer;
    if (smallgate_exchange_response(exchange, &answer) < 0)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer.body_length, (void *)(uintptr_t)answer.body, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    for (size_t at = 0; at < answer.header_count; at++) {
        smallgate_header header;
        char name[64], value[4096];
        if (smallgate_exchange_header(exchange, at, &header) < 0 || header.name_length >= sizeof name ||
            header.value_length >= sizeof value)
            continue;
        memcpy(name, header.name, header.name_length);
        name[header.name_length] = '\0';
        memcpy(value, header.value, header.value_length);
        value[header.value_length] = '\0';
        MHD_add_response_header(response, name, value);
    }
    if (closes)
        MHD_add_response_header(response, "connection", "close");
    enum MHD_Result queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer(gateway *gateway, struct MHD_Connection *connection, const char *method,
                              request *request, const fields *fields)
{
    uint8_t entropy[SMALLGATE_ENTROPY], room[SMALLGATE_ROOM];
    smallgate_exchange exchange;
    smallgate_request asked;
    smallgate_clock clock;
    if (getrandom(entropy, sizeof entropy, 0) != (ssize_t)sizeof entropy)
        return refuse(connection, 503, "There is no entropy. Try again later.");
    memset(&exchange, 0, sizeof exchange);
    memset(&asked, 0, sizeof asked);
    if (source_of(connection, &asked.source) < 0)
        return refuse(connection, 500, "The connection has no address.");
    asked.method = method;
    asked.method_length = strlen(method);
    asked.target = origin_form(request->target);
    asked.target_length = strlen(asked.target);
    asked.headers = fields->all;
    asked.header_count = fields->count;
    asked.body = request->body;
    asked.body_length = request->length;
    asked.body_too_long = request->too_long;
    clock.now = gateway->clock_is_set ? (uint64_t)time(NULL) : 0;
    clock.floor = gateway->floor;
    clock.serving_since = gateway->since;

    enum MHD_Result queued;
    int step = smallgate_exchange_begin(&exchange, gateway->server, &asked, &clock, entropy, room, sizeof room);
    explicit_bzero(entropy, sizeof entropy);
    if (step >= 0)
        step = smallgate_exchange_run(&exchange);
    if (step == SMALLGATE_STEP_DONE)
        queued = send_answer(connection, &exchange, request->too_long != 0);
    else if (step == SMALLGATE_ERROR_TEXT)
        queued = refuse(connection, 400, "The head can not be read.");
    else
        queued = refuse(connection, 500, "The server failed.");
    smallgate_exchange_end(&exchange);
    return queued;
}

/* -------------------------------------------------------------- requests */

/* Called with the target as it came, before it is decoded. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    (void)context;
    (void)connection;
    request *request = calloc(1, sizeof *request);
    if (request != NULL && strlen(target) < MAX_TARGET)
        request->target = strdup(target);
    return request;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *length,
                                  void **of_request)
{
    gateway *gateway = context;
    request *request = *of_request;
    (void)url;
    (void)version;
    if (request == NULL)
        return MHD_NO;
    if (request->target == NULL)
        return refuse(connection, 414, "The target is too long.");

    fields fields;
    memset(&fields, 0, sizeof fields);
    if (!request->began) {
        request->began = 1;
        watch_allow(connection, gateway->body_seconds);
        MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_field, &fields);
        if (fields.bad)
            return refuse(connection, 400, "A header field is not well formed.");
        if (fields.too_many)
            return refuse(connection, 431, "The request has too many header fields.");
        if (fields.hosts > 1 || fields.lengths > 1 || fields.codings > 1 || (fields.codings && fields.lengths))
            return refuse(connection, 400, "The request's framing is not clear.");
        if (fields.codings && !fields.chunked)
            return refuse(connection, 501, "The transfer coding is not known.");
        const char *announced = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "content-length");
        if (announced != NULL && strtoull(announced, NULL, 10) > gateway->limits.body) {
            request->too_long = 1;
            return answer(gateway, connection, method, request, &fields);
        }
        request->body = malloc(gateway->limits.body);
        return request->body == NULL ? MHD_NO : MHD_YES;
    }
    if (*length > 0) {
        if (*length > gateway->limits.body - request->length)
            request->too_long = 1;
        if (!request->too_long) {
            memcpy(request->body + request->length, data, *length);
            request->length += *length;
        } else {
            request->discarded += *length;
            if (request->discarded > MAX_DISCARDED)
                return MHD_NO;
        }
        *length = 0;
        return MHD_YES;
    }
    watch_allow(connection, 0);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_field, &fields);
    return answer(gateway, connection, method, request, &fields);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **of_request,
                         enum MHD_RequestTerminationCode code)
{
    gateway *gateway = context;
    request *request = *of_request;
    (void)code;
    watch_allow(connection, gateway->head_seconds);
    if (request == NULL)
        return;
    if (request->body != NULL)
        explicit_bzero(request->body, gateway->limits.body);
    if (request->target != NULL)
        explicit_bzero(request->target, strlen(request->target));
    free(request->body);
    free(request->target);
    free(request);
    *of_request = NULL;
}

/* What libmicrohttpd has to say may quote a request: only that it was said goes
 * to the log. */
static void on_complaint(void *context, const char *format, va_list values)
{
    (void)context;
    (void)format;
    (void)values;
    say("http", "libmicrohttpd complains");
}

/* ------------------------------------------------------------------ main */

static uint8_t image[MAX_IMAGE];
static grants in_file;
SMALLGATE_ALIGNED static uint8_t memory[SMALLGATE_SERVER_SIZE(IN_MEMORY)];

static size_t read_image(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t length = fread(image, 1, sizeof image, file);
    fclose(file);
    return length;
}

static int serve(gateway *gateway, uint16_t port, const sigset_t *ends)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    uint32_t silence = SECONDS_OF_SILENCE;
    const uint32_t told[] = {gateway->limits.head_timeout, gateway->limits.body_timeout,
                             gateway->limits.idle_timeout};
    for (size_t at = 0; at < 3; at++)
        if (told[at] != 0 && told[at] < silence)
            silence = told[at];
    /* The next head may begin as late as a connection may be silent. */
    gateway->head_seconds = silence + (told[0] != 0 ? told[0] : SECONDS_OF_REQUEST);
    gateway->body_seconds = told[1] != 0 ? told[1] : SECONDS_OF_REQUEST;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, gateway,
        MHD_OPTION_EXTERNAL_LOGGER, on_complaint, NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, gateway,
        MHD_OPTION_NOTIFY_CONNECTION, watch_connection, &gateway->head_seconds,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)silence, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384,
        MHD_OPTION_THREAD_POOL_SIZE, 4u, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)WATCHED, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "gateway: it can not listen on port %u\n", port);
        return 1;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    printf("listening on http://127.0.0.1:%u\n", info == NULL ? port : (unsigned int)info->port);
    fflush(stdout);
    const struct timespec second = {1, 0};
    while (sigtimedwait(ends, NULL, &second) < 0)
        watch_shut_late();
    MHD_stop_daemon(daemon);
    return 0;
}

int main(int argc, char **argv)
{
    static gateway gateway;
    const char *image_path = NULL, *grants_path = NULL;
    uint16_t port = 8080;
    gateway.clock_is_set = 1;
    for (int at = 1; at + 1 < argc; at += 2) {
        if (strcmp(argv[at], "--image") == 0)
            image_path = argv[at + 1];
        else if (strcmp(argv[at], "--grants") == 0)
            grants_path = argv[at + 1];
        else if (strcmp(argv[at], "--port") == 0)
            port = (uint16_t)strtoul(argv[at + 1], NULL, 10);
        else if (strcmp(argv[at], "--clock") == 0)
            gateway.clock_is_set = strcmp(argv[at + 1], "unset") != 0;
        else
            image_path = NULL, at = argc;
    }
    if (image_path == NULL) {
        fprintf(stderr, "usage: gateway --image FILE [--grants FILE] [--port N] [--clock real|unset]\n");
        return 2;
    }

    /* Before there are threads: they inherit it. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);

    uint8_t salt[SMALLGATE_SALT];
    smallgate_options options;
    smallgate_store store;
    memset(&options, 0, sizeof options);
    options.abi_version = SMALLGATE_ABI_VERSION;
    options.image = image;
    options.image_length = read_image(image_path);
    options.salt = salt;
    options.event = on_event;
    if (grants_path == NULL) {
        options.grants = IN_MEMORY;
    } else {
        if (grants_open(&in_file, grants_path) < 0) {
            perror(grants_path);
            return 1;
        }
        gateway.floor = in_file.floor;
        store = grants_store(&in_file);
        options.store = &store;
    }
    if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt) {
        perror("gateway: no entropy");
        return 1;
    }
    int error = smallgate_server_init(memory, sizeof memory, &options, &gateway.server);
    if (error >= 0)
        error = smallgate_server_limits(gateway.server, &gateway.limits);
    if (error < 0) {
        fprintf(stderr, "gateway: %s: %s\n", image_path, smallgate_strerror(error));
        return 1;
    }
    gateway.since = gateway.clock_is_set ? (uint64_t)time(NULL) : 0;
    int failed = serve(&gateway, port, &ends);
    smallgate_server_wipe(gateway.server);
    explicit_bzero(image, sizeof image);
    if (grants_path != NULL)
        grants_close(&in_file);
    return failed;
}
