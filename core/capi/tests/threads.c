/*
 * Eight threads at once with one server: all redeem one code, refresh with one
 * token, sign in.
 *
 *     threads IMAGE
 *
 * IMAGE is a provisioning image of the profile standard, with the client demo
 * and the user of its document. First the grants are behind callbacks, with a
 * lock of the store's; then they are in the server's memory, with a lock of the
 * caller's around smallgate_exchange_run. C11.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "locked.h"

#define NOW UINT64_C(1767225600)
#define THREADS 8
#define ROUNDS 16
/* Seconds after which something waits for what does not come. */
#define TOO_LONG 120

static unsigned int failed, checks;

static void check(int holds, const char *what, int line)
{
    checks++;
    if (!holds) {
        failed++;
        fprintf(stderr, "threads.c:%d: %s\n", line, what);
    }
}

#define CHECK(what) check(what, #what, __LINE__)

/* ---------------------------------------------------------------- requests */

typedef struct place {
    smallgate_server *server;
    store *store;            /* or NULL: in the server's memory */
    pthread_mutex_t *around; /* smallgate_exchange_run, or NULL */
} place;

/* A request, and its answer. */
typedef struct call {
    const place *place;
    const char *method;
    char target[512];
    const char *authorization; /* or NULL */
    char form[1024];
    int waits;      /* for the others, once its grant is loaded */
    uint64_t drawn; /* another number for each */
    unsigned int status;
    char body[SMALLGATE_ROOM + 1];
    char location[512];
} call;

static const char demo[] = "Basic ZGVtbzpkZW1vLXNlY3JldC1kZW1vLXNlY3JldC1kZW1vLXNlY3JldA==";

static smallgate_header field(const char *name, const char *value)
{
    smallgate_header field;
    field.name = name;
    field.name_length = strlen(name);
    field.value = value;
    field.value_length = strlen(value);
    return field;
}

static void keep_location(call *call, const smallgate_exchange *exchange, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        smallgate_header header;
        if (smallgate_exchange_header(exchange, at, &header) < 0)
            return;
        if (header.name_length == 8 && memcmp(header.name, "location", 8) == 0)
            snprintf(call->location, sizeof call->location, "%.*s", (int)header.value_length, header.value);
    }
}

/* Leaves the status 0 if a function failed. */
static void ask(call *call)
{
    uint8_t room[SMALLGATE_ROOM], entropy[SMALLGATE_ENTROPY];
    smallgate_exchange exchange;
    smallgate_header headers[2];
    smallgate_request request;
    smallgate_response response;
    smallgate_clock clock;
    call->status = 0;
    waits = call->waits;
    memset(&exchange, 0, sizeof exchange);
    memset(&clock, 0, sizeof clock);
    memset(&request, 0, sizeof request);
    for (size_t at = 0; at < sizeof entropy; at += sizeof call->drawn)
        memcpy(entropy + at, &call->drawn, sizeof call->drawn);
    clock.now = NOW;
    headers[0] = field("Content-Type", "application/x-www-form-urlencoded");
    if (call->authorization != NULL)
        headers[1] = field("Authorization", call->authorization);
    request.method = call->method;
    request.method_length = strlen(call->method);
    request.target = call->target;
    request.target_length = strlen(call->target);
    request.headers = headers;
    request.header_count = call->authorization != NULL ? 2 : 1;
    request.body = (uint8_t *)call->form;
    request.body_length = strlen(call->form);
    if (smallgate_exchange_begin(&exchange, call->place->server, &request, &clock, entropy, room, sizeof room) < 0)
        return;
    if (call->place->around != NULL)
        pthread_mutex_lock(call->place->around);
    int step = smallgate_exchange_run(&exchange);
    if (call->place->around != NULL)
        pthread_mutex_unlock(call->place->around);
    if (step == SMALLGATE_STEP_DONE && smallgate_exchange_response(&exchange, &response) == 0) {
        memcpy(call->body, response.body, response.body_length);
        call->body[response.body_length] = '\0';
        keep_location(call, &exchange, response.header_count);
        call->status = response.status;
    }
    if (smallgate_exchange_end(&exchange) < 0)
        call->status = 0;
}

static call asking(const place *place, const char *method, const char *target, const char *authorization)
{
    static uint64_t drawn;
    call call;
    memset(&call, 0, sizeof call);
    call.place = place;
    call.method = method;
    snprintf(call.target, sizeof call.target, "%s", target);
    call.authorization = authorization;
    call.drawn = drawn += THREADS;
    return call;
}

/* What lies between `before` and `end` in a text. */
static void between(const char *text, const char *before, char end, char *out, size_t size)
{
    const char *from = strstr(text, before);
    const char *to = from == NULL ? NULL : strchr(from + strlen(before), end);
    CHECK(to != NULL);
    out[0] = '\0';
    if (to != NULL)
        snprintf(out, size, "%.*s", (int)(to - from - (ptrdiff_t)strlen(before)), from + strlen(before));
}

static pthread_barrier_t all_there;

static void *thread(void *context)
{
    pthread_barrier_wait(&all_there);
    ask(context);
    return NULL;
}

/* The same request of all threads at once. */
static void crowd(const call *asked, call calls[THREADS])
{
    pthread_t threads[THREADS];
    for (unsigned int at = 0; at < THREADS; at++) {
        calls[at] = *asked;
        calls[at].drawn += at;
        if (pthread_create(&threads[at], NULL, thread, &calls[at]) != 0)
            abort();
    }
    for (int at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
}

static unsigned int with_status(const call calls[THREADS], unsigned int status)
{
    unsigned int count = 0;
    for (int at = 0; at < THREADS; at++)
        count += calls[at].status == status;
    return count;
}

/* ------------------------------------------------------------------- flows */

static call calls[THREADS];
static atomic_uint issued, revoked;

static void event(void *context, const smallgate_event *event)
{
    (void)context;
    if (event->kind == SMALLGATE_EVENT_ISSUED)
        atomic_fetch_add(&issued, 1);
    if (event->kind == SMALLGATE_EVENT_REVOKED)
        atomic_fetch_add(&revoked, 1);
}

/* The form of the user who approves. */
static call approval(const place *place)
{
    static const char asked[] =
        "response_type=code&client_id=demo&redirect_uri=https%3A%2F%2Fclient.example%2Fcb&scope=read&state=s1"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    char token[256];
    call page = asking(place, "GET", "/oauth/authorize?", NULL);
    strcat(page.target, asked);
    ask(&page);
    CHECK(page.status == 200);
    between(page.body, "name=\"form_token\" value=\"", '"', token, sizeof token);
    call form = asking(place, "POST", "/oauth/authorize", NULL);
    snprintf(form.form, sizeof form.form,
             "%s&form_token=%s&username=admin%%40break-out.org&password=correct+horse%%2Bbattery%%25staple&decision=approve", asked,
             token);
    return form;
}

static void code_for(const place *place, char code[128])
{
    call form = approval(place);
    ask(&form);
    CHECK(form.status == 303);
    between(form.location, "?code=", '&', code, 128);
}

static call token_request(const place *place, const char *form)
{
    call call = asking(place, "POST", "/oauth/token", demo);
    snprintf(call.form, sizeof call.form, "%s", form);
    return call;
}

static call redemption(const place *place, const char *code)
{
    char form[512];
    snprintf(form, sizeof form,
             "grant_type=authorization_code&redirect_uri=https%%3A%%2F%%2Fclient.example%%2Fcb"
             "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code=%s",
             code);
    return token_request(place, form);
}

static call refresh(const place *place, const char *token)
{
    char form[256];
    snprintf(form, sizeof form, "grant_type=refresh_token&refresh_token=%s", token);
    return token_request(place, form);
}

/* Who asks at the resource with the access token of `answer` is told so. */
static unsigned int told_at_resource(const call *answer)
{
    char token[1024], bearer[1040];
    between(answer->body, "\"access_token\":\"", '"', token, sizeof token);
    snprintf(bearer, sizeof bearer, "Bearer %s", token);
    call me = asking(answer->place, "GET", "/me/", bearer);
    ask(&me);
    return me.status;
}

static void refresh_token_of(const call *answer, char token[128])
{
    between(answer->body, "\"refresh_token\":\"", '"', token, 128);
}

/* One has the tokens. The code came again, so they are good no longer. */
static void redeem(const place *place, int waiting)
{
    char code[128], token[128];
    code_for(place, code);
    call asked = redemption(place, code);
    asked.waits = waiting;
    unsigned int issued_before = issued, revoked_before = revoked;
    crowd(&asked, calls);
    CHECK(with_status(calls, 200) == 1);
    CHECK(with_status(calls, 400) == THREADS - 1);
    CHECK(issued == issued_before + 1);
    CHECK(revoked == revoked_before + 1);
    for (int at = 0; at < THREADS; at++) {
        if (calls[at].status != 200) {
            CHECK(strstr(calls[at].body, "\"invalid_grant\"") != NULL);
            continue;
        }
        CHECK(told_at_resource(&calls[at]) == 401);
        refresh_token_of(&calls[at], token);
        call again = refresh(place, token);
        ask(&again);
        CHECK(again.status == 400);
    }
}

/* All have another access token, and the same next refresh token: within the
 * grace for an answer that was lost, none of them is a thief. */
static void refresh_all(const place *place, char token[128], int waiting)
{
    char next[128];
    call asked = refresh(place, token);
    asked.waits = waiting;
    unsigned int issued_before = issued, revoked_before = revoked;
    crowd(&asked, calls);
    CHECK(with_status(calls, 200) == THREADS);
    CHECK(issued == issued_before + THREADS);
    CHECK(revoked == revoked_before);
    refresh_token_of(&calls[0], next);
    CHECK(strcmp(next, token) != 0);
    for (int at = 0; at < THREADS; at++) {
        refresh_token_of(&calls[at], token);
        CHECK(strcmp(next, token) == 0);
        for (int other = 0; other < at; other++)
            CHECK(strcmp(calls[at].body, calls[other].body) != 0);
    }
    CHECK(told_at_resource(&calls[THREADS - 1]) == 200);
}

/* One password is hashed at a time: the others' are answered 503, unless they
 * are in a queue for a lock. */
static void sign_in(const place *place)
{
    call asked = approval(place);
    crowd(&asked, calls);
    unsigned int in = with_status(calls, 303);
    CHECK(place->around == NULL ? in >= 1 : in == THREADS);
    CHECK(in + with_status(calls, 503) == THREADS);
}

static void all_at_once(const place *place)
{
    char code[128], token[128];
    code_for(place, code);
    call first = redemption(place, code);
    ask(&first);
    CHECK(first.status == 200);
    refresh_token_of(&first, token);
    for (int round = 0; round < ROUNDS; round++) {
        int waiting = place->store != NULL && round % 2 == 0;
        unsigned int before = waiting ? place->store->conflicts : 0;
        redeem(place, waiting);
        /* All but the winner have seen what is no longer so. */
        CHECK(!waiting || place->store->conflicts >= before + THREADS - 1);
        before = waiting ? place->store->conflicts : 0;
        refresh_all(place, token, waiting);
        CHECK(!waiting || place->store->conflicts >= before + THREADS - 1);
    }
    sign_in(place);
}

/* -------------------------------------------------------------------- main */

static uint8_t image[16384];
static const uint8_t salt[SMALLGATE_SALT] = {9};
SMALLGATE_ALIGNED static uint8_t memory[SMALLGATE_SERVER_SIZE(GRANTS)];

static void with_grants(store *store, pthread_mutex_t *around, size_t image_length)
{
    smallgate_options options;
    smallgate_store callbacks;
    place place;
    memset(&options, 0, sizeof options);
    callbacks.context = store;
    callbacks.load = load;
    callbacks.commit = commit;
    options.abi_version = SMALLGATE_ABI_VERSION;
    options.grants = store == NULL ? GRANTS : 0;
    options.store = store == NULL ? NULL : &callbacks;
    options.image = image;
    options.image_length = image_length;
    options.salt = salt;
    options.event = event;
    place.store = store;
    place.around = around;
    CHECK(smallgate_server_init(memory, sizeof memory, &options, &place.server) == 0);
    all_at_once(&place);
    CHECK(smallgate_server_wipe(place.server) == 0);
}

int main(int argc, char **argv)
{
    static store store;
    static pthread_mutex_t around = PTHREAD_MUTEX_INITIALIZER;
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: threads IMAGE\n");
        return 2;
    }
    size_t image_length = fread(image, 1, sizeof image, file);
    fclose(file);
    alarm(TOO_LONG);
    pthread_mutex_init(&store.lock, NULL);
    pthread_barrier_init(&all_there, NULL, THREADS);
    pthread_barrier_init(&all_loaded, NULL, THREADS);
    with_grants(&store, NULL, image_length);
    with_grants(NULL, &around, image_length);
    printf("%u checks, %u failed\n", checks, failed);
    return failed == 0 ? 0 : 1;
}
