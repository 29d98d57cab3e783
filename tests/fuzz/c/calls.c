/*
 * What a program in C may call, in any order: each octet of the input is a
 * choice. The program keeps to what smallgate.h says of memory: it lends what
 * there is for as long as it has to, aligned and apart. All else it gets wrong
 * as the input has it, and each answer has to be the one that the header has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smallgate.h"

#define NOW UINT64_C(1800000000)
#define SERVERS 2
#define EXCHANGES 3
#define KEYS 3
#define GRANTS 3
#define BODY 2048

/* As in fuzz_targets/c_calls.rs. */
struct image {
    const uint8_t *octets;
    size_t length;
};

void smallgate_fuzz_calls(const uint8_t *input, size_t length, const struct image *images);

static void check(int holds, const char *what, int line)
{
    if (holds)
        return;
    fprintf(stderr, "calls.c:%d: %s\n", line, what);
    abort();
}

#define CHECK(what) check((what), #what, __LINE__)

/* ------------------------------------------------------------------- input */

static const uint8_t *input_at, *input_end;

static unsigned int next(unsigned int below)
{
    return input_at == input_end ? 0 : *input_at++ % below;
}

/* So many octets, as far as there are; where there are none, NULL. */
static const uint8_t *taken(size_t *length)
{
    const uint8_t *from = input_at;
    size_t left = (size_t)(input_end - input_at);
    if (*length > left)
        *length = left;
    input_at += *length;
    return *length == 0 ? NULL : from;
}

/* The same as a text. */
static const char *text(char *room, size_t size)
{
    size_t length = next(64);
    const uint8_t *octets;
    if (length >= size)
        length = size - 1;
    octets = taken(&length);
    if (length > 0)
        memcpy(room, octets, length);
    room[length] = '\0';
    return room;
}

/* ------------------------------------------------------------------- state */

struct server {
    SMALLGATE_ALIGNED uint8_t memory[SMALLGATE_SERVER_SIZE(GRANTS)];
    smallgate_server *made;
    unsigned int open;
};

struct exchange {
    smallgate_exchange it;
    struct server *server; /* NULL: not begun */
    int step;
    int authorizes;
    uint8_t room[SMALLGATE_ROOM];
    uint8_t body[BODY];
    char scope[32];
};

static struct server servers[SERVERS];
static struct exchange exchanges[EXCHANGES];
static smallgate_key keys[KEYS];
static int key_made[KEYS];
static smallgate_grant grants[GRANTS];
static uint64_t stamp;
static uint8_t entropy_used;
static smallgate_token token;
static int token_made;
static uint8_t scratch[2048];
static char access_token[1024], refresh_token[256], code[256], form_token[128];
static char jwt[1024];

/* ------------------------------------------------------------------- store */

static smallgate_grant *found(const uint8_t id[12])
{
    for (int at = 0; at < GRANTS; at++)
        if (grants[at].seen != 0 && memcmp(grants[at].record + 8, id, 12) == 0)
            return &grants[at];
    return NULL;
}

static int load(void *context, const uint8_t id[12], uint8_t record[96], uint64_t *seen)
{
    const smallgate_grant *grant = found(id);
    (void)context;
    if (next(16) == 15)
        return -1;
    *seen = grant == NULL ? 0 : grant->seen;
    if (grant != NULL)
        memcpy(record, grant->record, SMALLGATE_RECORD);
    return 0;
}

static int commit(void *context, uint64_t now, const uint8_t id[12], uint64_t seen, const uint8_t *record,
                  uint8_t gave_way[12])
{
    smallgate_grant *known = found(id);
    unsigned int mood = next(16);
    (void)context;
    if (mood >= 12)
        return mood == 15 ? 77 : (int)mood - 10; /* CONFLICT, FULL, UNAVAILABLE; what means nothing */
    if ((known == NULL ? 0 : known->seen) != seen)
        return SMALLGATE_COMMITTED_CONFLICT;
    if (record == NULL)
        return SMALLGATE_COMMITTED_DONE;
    int outcome = SMALLGATE_COMMITTED_DONE;
    if (known == NULL) {
        size_t place;
        outcome = smallgate_grants_place(grants, GRANTS, now, record, &place, gave_way);
        CHECK(outcome == SMALLGATE_COMMITTED_DONE || outcome == SMALLGATE_COMMITTED_GAVE_WAY ||
              outcome == SMALLGATE_COMMITTED_FULL);
        if (outcome == SMALLGATE_COMMITTED_FULL)
            return outcome;
        CHECK(place < GRANTS);
        known = &grants[place];
    }
    memcpy(known->record, record, SMALLGATE_RECORD);
    known->seen = ++stamp;
    return mood == 11 ? SMALLGATE_COMMITTED_UNKNOWN : outcome;
}

static void heard(void *context, const smallgate_event *event)
{
    (void)context;
    CHECK(event->kind >= SMALLGATE_EVENT_ISSUED && event->kind <= SMALLGATE_EVENT_SIGNING_KEY);
    CHECK(event->gravity <= SMALLGATE_GRAVITY_BROKEN);
    CHECK(event->name.octets != NULL && event->name.length > 0);
}

/* ------------------------------------------------------------------ server */

static void server_init(struct server *server, const struct image *image)
{
    static const uint8_t salt[SMALLGATE_SALT] = {9};
    const smallgate_store store = {NULL, load, commit};
    smallgate_options options;
    smallgate_server *made = NULL;
    unsigned int wrong = next(12);
    unsigned int key = next(KEYS + 2);
    memset(&options, 0, sizeof options);
    options.abi_version = wrong == 1 ? 99 : SMALLGATE_ABI_VERSION;
    options.grants = next(2) == 0 ? GRANTS : 0;
    options.store = options.grants == 0 ? &store : NULL;
    if (wrong == 2)
        options.store = options.store == NULL ? &store : NULL;
    options.image = wrong == 3 ? NULL : image->octets;
    options.image_length = wrong == 4 ? image->length / 2 : image->length;
    options.salt = wrong == 5 ? NULL : salt;
    options.signing_key = key < KEYS ? &keys[key] : NULL;
    options.event = next(2) == 0 ? heard : NULL;
    size_t size = wrong == 6 ? SMALLGATE_SERVER_SIZE(GRANTS) / 2 : sizeof server->memory;
    int done = smallgate_server_init(server->memory, size, &options, &made);
    if (server->open > 0 || (wrong >= 1 && wrong <= 6))
        CHECK(done < 0);
    if (key < KEYS && !key_made[key])
        CHECK(done < 0);
    if (done == 0) {
        CHECK((void *)made == (void *)server->memory);
        server->made = made;
    } else if (server->open == 0) {
        /* Whether an old one is still there after a refusal is not said, so it
         * is made new or not used. */
        memset(server->memory, 0, sizeof server->memory);
        server->made = NULL;
    }
}

static void server_wipe(struct server *server)
{
    smallgate_limits limits;
    smallgate_server *it = (smallgate_server *)(void *)server->memory;
    int known = smallgate_server_limits(it, &limits);
    CHECK(known == (server->made != NULL ? 0 : SMALLGATE_ERROR_STATE));
    int done = smallgate_server_wipe(it);
    CHECK(done == (server->made != NULL && server->open == 0 ? 0 : SMALLGATE_ERROR_STATE));
    if (done != 0)
        return;
    server->made = NULL;
    for (size_t at = 0; at < sizeof server->memory; at++)
        CHECK(server->memory[at] == 0);
}

/* ---------------------------------------------------------------- requests */

static const char basic[] = "Basic ZGVtbzpzZWNyZXQ=";
static const char form_type[] = "application/x-www-form-urlencoded";

struct asked {
    const char *method, *target, *authorization, *type;
    char *body;
};

static void ask(struct asked *asked, char *body, char *bearer)
{
    static char target[128];
    char own[64];
    asked->method = "POST";
    asked->target = "/oauth/token";
    asked->authorization = basic;
    asked->type = form_type;
    asked->body = body;
    snprintf(bearer, SMALLGATE_ROOM, "Bearer %s", access_token);
    body[0] = '\0';
    switch (next(12)) {
    case 0:
        snprintf(body, BODY, "grant_type=password&username=alice&password=password&scope=read");
        break;
    case 1:
        snprintf(body, BODY, "grant_type=client_credentials&scope=read+write");
        break;
    case 2:
        snprintf(body, BODY, "grant_type=refresh_token&refresh_token=%s", refresh_token);
        break;
    case 3:
        snprintf(body, BODY, "grant_type=authorization_code&redirect_uri=https://client.example/cb&code=%s", code);
        break;
    case 4:
        asked->target = "/oauth/introspect";
        snprintf(body, BODY, "token=%s", access_token);
        break;
    case 5:
        asked->target = "/oauth/revoke";
        snprintf(body, BODY, "token=%s", next(2) == 0 ? refresh_token : access_token);
        break;
    case 6:
        asked->method = next(2) == 0 ? "GET" : "HEAD";
        asked->authorization = bearer;
        asked->target = "/me/";
        break;
    case 7:
        asked->method = "GET";
        asked->target = "/oauth/authorize?response_type=code&client_id=demo&redirect_uri=https://client.example/cb&state=1";
        break;
    case 8:
        asked->method = "GET";
        asked->target = "/jwks.json";
        break;
    case 9:
        snprintf(body, BODY, "grant_type=password&username=alice&password=%s", text(own, sizeof own));
        break;
    case 10:
        asked->target = "/oauth/authorize";
        snprintf(body, BODY,
                 "response_type=code&client_id=demo&redirect_uri=https://client.example/cb&state=1&form_token=%s"
                 "&decision=approve&username=alice&password=password",
                 form_token);
        break;
    default:
        asked->target = text(target, sizeof target);
        asked->authorization = text(bearer, 64);
        text(body, 64);
        break;
    }
}

static int open_step(int step)
{
    return step >= SMALLGATE_STEP_LOAD && step <= SMALLGATE_STEP_DONE;
}

static void begin(struct exchange *exchange, struct server *server)
{
    static char bearer[SMALLGATE_ROOM];
    static uint8_t entropy[SMALLGATE_ENTROPY];
    /* A body that another request has lent may not be written to. */
    static char body[BODY];
    struct asked asked;
    smallgate_request request;
    smallgate_header headers[3];
    smallgate_clock clock;
    int authorizes = next(4) == 0;
    int busy = exchange->server != NULL;
    ask(&asked, body, bearer);
    memset(&request, 0, sizeof request);
    memset(headers, 0, sizeof headers);
    request.method = asked.method;
    request.method_length = strlen(asked.method);
    request.target = asked.target;
    request.target_length = strlen(asked.target);
    headers[0].name = "Content-Type";
    headers[0].name_length = 12;
    headers[0].value = asked.type;
    headers[0].value_length = strlen(asked.type);
    headers[1].name = "authorization";
    headers[1].name_length = 13;
    headers[1].value = asked.authorization;
    headers[1].value_length = strlen(asked.authorization);
    request.headers = headers;
    request.header_count = 2;
    request.body = exchange->body;
    request.body_length = strlen(asked.body);
    request.source.family = (uint8_t)(next(8) == 7 ? 5 : next(2) == 0 ? 4 : 0);
    request.body_too_long = next(8) == 7;
    if (!busy)
        memcpy(exchange->body, asked.body, request.body_length);
    clock.now = next(16) == 15 ? 0 : NOW + next(200);
    clock.floor = next(4) == 0 ? NOW : 0;
    clock.serving_since = 0;
    entropy[0] = ++entropy_used;
    smallgate_server *it = (smallgate_server *)(void *)server->memory;
    int step;
    if (authorizes) {
        if (!busy)
            snprintf(exchange->scope, sizeof exchange->scope, "%s", next(2) == 0 ? "" : "read");
        step = smallgate_exchange_authorize(&exchange->it, it, &request, exchange->scope, &clock, exchange->room,
                                            sizeof exchange->room);
    } else {
        step = smallgate_exchange_begin(&exchange->it, it, &request, &clock, entropy, exchange->room,
                                        sizeof exchange->room - (next(16) == 15));
    }
    if (busy || server->made == NULL) {
        CHECK(step < 0);
        return;
    }
    if (step < 0) {
        CHECK(step == SMALLGATE_ERROR_VALUE || step == SMALLGATE_ERROR_TEXT || step == SMALLGATE_ERROR_TOO_SMALL);
        return;
    }
    CHECK(open_step(step));
    exchange->server = server;
    exchange->step = step;
    exchange->authorizes = authorizes;
    server->open++;
}

/* -------------------------------------------------------------- exchanging */

/* A step's call: right at its own step, and STATE at each other. */
static void stepped(struct exchange *exchange, int wanted, int done)
{
    if (exchange->server == NULL || exchange->step != wanted) {
        CHECK(done == SMALLGATE_ERROR_STATE);
        return;
    }
    CHECK(open_step(done));
    exchange->step = done;
}

static void loaded(struct exchange *exchange)
{
    uint8_t id[12] = {0};
    int at_load = exchange->server != NULL && exchange->step == SMALLGATE_STEP_LOAD;
    CHECK(smallgate_exchange_load(&exchange->it, id) == (at_load ? 0 : SMALLGATE_ERROR_STATE));
    /* Sometimes another grant's record. */
    const smallgate_grant *grant = next(16) == 15 ? &grants[next(GRANTS)] : found(id);
    int result = next(16) == 15 ? -1 : 0;
    stepped(exchange, SMALLGATE_STEP_LOAD,
            grant == NULL ? smallgate_exchange_loaded(&exchange->it, result, NULL, 0)
                          : smallgate_exchange_loaded(&exchange->it, result, grant->record, grant->seen));
}

static void committed(struct exchange *exchange)
{
    static const uint8_t nobody[12] = {1};
    smallgate_commit wanted;
    uint8_t gave_way[12] = {0};
    int at_commit = exchange->server != NULL && exchange->step == SMALLGATE_STEP_COMMIT;
    memset(&wanted, 0, sizeof wanted);
    CHECK(smallgate_exchange_commit(&exchange->it, &wanted) == (at_commit ? 0 : SMALLGATE_ERROR_STATE));
    if (!at_commit) {
        stepped(exchange, SMALLGATE_STEP_COMMIT,
                smallgate_exchange_committed(&exchange->it, SMALLGATE_COMMITTED_DONE, nobody));
        return;
    }
    int outcome = commit(NULL, wanted.now, wanted.id, wanted.seen, wanted.confirm ? NULL : wanted.record, gave_way);
    int done = smallgate_exchange_committed(&exchange->it, outcome, gave_way);
    if (outcome == 77) {
        CHECK(done == SMALLGATE_ERROR_VALUE);
        return;
    }
    if (outcome == SMALLGATE_COMMITTED_UNKNOWN)
        CHECK(done == SMALLGATE_STEP_COMMIT);
    stepped(exchange, SMALLGATE_STEP_COMMIT, done);
}

/* Keeps the value of a member that is a text. */
static void keep(const char *octets, size_t length, const char *member, char *room, size_t size)
{
    static char all[SMALLGATE_ROOM + 1];
    memcpy(all, octets, length);
    all[length] = '\0';
    const char *from = strstr(all, member);
    if (from == NULL)
        return;
    from += strlen(member);
    snprintf(room, size, "%.*s", (int)strcspn(from, "\"&"), from);
}

static void answered(struct exchange *exchange)
{
    smallgate_response response;
    smallgate_header header;
    smallgate_token permitted;
    int done = smallgate_exchange_response(&exchange->it, &response);
    int at_done = exchange->server != NULL && exchange->step == SMALLGATE_STEP_DONE;
    CHECK(done == (at_done ? 0 : SMALLGATE_ERROR_STATE));
    int permit = smallgate_exchange_token(&exchange->it, &permitted);
    if (!at_done) {
        CHECK(permit == SMALLGATE_ERROR_STATE);
        CHECK(smallgate_exchange_header(&exchange->it, 0, &header) == SMALLGATE_ERROR_STATE);
        return;
    }
    CHECK((permit == 0) == (exchange->authorizes && response.status == 0));
    if (permit == 0) {
        smallgate_text payload;
        CHECK(smallgate_token_payload(&permitted, &payload) == 0 && payload.length > 2);
        CHECK(smallgate_token_scope(&permitted, exchange->scope) == 0);
        return;
    }
    CHECK(response.status == 200 || response.status == 303 || (response.status >= 400 && response.status <= 503));
    CHECK(response.body_length <= SMALLGATE_ROOM);
    for (size_t at = 0; at < response.header_count; at++) {
        CHECK(smallgate_exchange_header(&exchange->it, at, &header) == 0);
        CHECK(header.name_length > 0);
        for (size_t octet = 0; octet < header.value_length; octet++)
            CHECK(header.value[octet] >= ' ' && header.value[octet] <= '~');
        keep(header.value, header.value_length, "?code=", code, sizeof code);
    }
    CHECK(smallgate_exchange_header(&exchange->it, response.header_count, &header) == SMALLGATE_ERROR_VALUE);
    const char *body = (const char *)response.body;
    size_t length = response.body_length;
    keep(body, length, "\"access_token\":\"", access_token, sizeof access_token);
    keep(body, length, "\"refresh_token\":\"", refresh_token, sizeof refresh_token);
    keep(body, length, "name=\"form_token\" value=\"", form_token, sizeof form_token);
}

static void end(struct exchange *exchange)
{
    CHECK(smallgate_exchange_end(&exchange->it) == 0);
    if (exchange->server == NULL)
        return;
    exchange->server->open--;
    exchange->server = NULL;
    for (size_t at = 0; at < sizeof exchange->it.opaque; at++)
        CHECK(exchange->it.opaque[at] == 0);
    for (size_t at = 0; at < sizeof exchange->room; at++)
        CHECK(exchange->room[at] == 0);
}

static void moved(const struct exchange *exchange)
{
    static smallgate_exchange copy;
    copy = exchange->it;
    int done = exchange->server == NULL ? 0 : SMALLGATE_ERROR_STATE;
    CHECK(smallgate_exchange_run(&copy) == SMALLGATE_ERROR_STATE);
    CHECK(smallgate_exchange_end(&copy) == done);
    memset(&copy, 0, sizeof copy);
}

/* ------------------------------------------------------------ keys, tokens */

static void make_key(unsigned int at)
{
    static char id[64];
    size_t length, count = 0;
    const uint8_t *octets;
    int done;
    unsigned int how = next(4);
    const char *key_id = next(2) == 0 ? NULL : text(id, sizeof id);
    length = how == 0 ? 32 : how == 1 ? next(80) : next(256);
    octets = taken(&length);
    if (how <= 1) {
        done = smallgate_key_hs256(&keys[at], octets, length, key_id);
    } else if (how == 2) {
        done = smallgate_key_jwk(&keys[at], octets, length);
    } else {
        done = smallgate_keys_jwks(&keys[at], 1, &count, octets, length);
        CHECK((done == 0) == (count == 1));
        /* Whether what was there before is there still depends on how far it came. */
        if (done < 0) {
            CHECK(smallgate_key_wipe(&keys[at]) == 0);
            key_made[at] = 0;
        }
    }
    CHECK(done <= 0 && done != SMALLGATE_ERROR_INTERNAL);
    if (done == 0)
        key_made[at] = 1;
}

static void issue(unsigned int at)
{
    static char own[64];
    smallgate_claims claims;
    size_t length = 0;
    uint32_t format = next(8) == 7 ? 9 : 1 + next(2);
    size_t size = next(4) == 3 ? next(256) : sizeof jwt;
    memset(&claims, 0, sizeof claims);
    claims.issuer = next(8) == 7 ? NULL : "https://as.example";
    claims.subject = text(own, sizeof own);
    claims.audience = "https://rs.example";
    claims.client_id = "demo";
    claims.scope = next(2) == 0 ? "read" : NULL;
    claims.jwt_id = "1";
    claims.issued_at = NOW;
    claims.expires_at = NOW + next(255);
    int done = smallgate_issue(&keys[at], format, &claims, jwt, size, &length);
    CHECK(done <= 0 && done != SMALLGATE_ERROR_INTERNAL);
    if (!key_made[at])
        CHECK(done < 0);
    if (done == 0)
        CHECK(strlen(jwt) == length);
    else
        jwt[0] = '\0';
}

static void verify(void)
{
    smallgate_policy policy = {"https://as.example", "https://rs.example", 0, 0};
    char member[32], value[64];
    size_t length = strlen(jwt), written = 0;
    const char *presented = jwt;
    uint64_t number;
    policy.format = 1 + next(2);
    policy.leeway = next(80);
    if (next(4) == 3) {
        length = next(255);
        presented = (const char *)taken(&length);
    } else if (length > 0 && next(2) == 1) {
        jwt[next(255) % length] ^= (char)(1 + next(127));
    }
    size_t room = next(4) == 3 ? next(255) : sizeof scratch;
    /* It would point into the scratch. */
    memset(&token, 0, sizeof token);
    size_t count = next(KEYS + 1);
    uint64_t now = NOW + next(200);
    int done = smallgate_verify(&token, &policy, keys, count, presented, length, now, scratch, room);
    CHECK(done <= 0 && done != SMALLGATE_ERROR_INTERNAL);
    token_made = done == 0;
    int missing = token_made ? SMALLGATE_ERROR_CLAIM_MISSING : SMALLGATE_ERROR_STATE;
    CHECK(smallgate_token_text(&token, "absent", value, sizeof value, &written) == missing);
    text(member, sizeof member);
    done = smallgate_token_text(&token, member, value, sizeof value, &written);
    CHECK(done <= 0 && done != SMALLGATE_ERROR_INTERNAL && (token_made || done < 0));
    if (done == 0)
        CHECK(strlen(value) <= written);
    done = smallgate_token_integer(&token, member, &number);
    CHECK(done <= 0 && done != SMALLGATE_ERROR_INTERNAL && (token_made || done < 0));
    done = smallgate_token_scope(&token, member);
    CHECK(done <= 0 && done != SMALLGATE_ERROR_INTERNAL && (token_made || done < 0));
}

/* ------------------------------------------------------------------- calls */

static void call(const struct image *images)
{
    struct exchange *exchange = &exchanges[next(EXCHANGES)];
    struct server *server = &servers[next(SERVERS)];
    unsigned int key = next(KEYS);
    switch (next(16)) {
    case 0:
        server_init(server, &images[next(2)]);
        break;
    case 1:
        server_wipe(server);
        break;
    case 2:
    case 3:
    case 4:
        begin(exchange, server);
        break;
    case 5: {
        int done = smallgate_exchange_run(&exchange->it);
        CHECK(done == (exchange->server == NULL ? SMALLGATE_ERROR_STATE : SMALLGATE_STEP_DONE));
        if (done > 0)
            exchange->step = done;
        break;
    }
    case 6:
        loaded(exchange);
        break;
    case 7:
        committed(exchange);
        break;
    case 8:
        stepped(exchange, SMALLGATE_STEP_WORK, smallgate_exchange_work(&exchange->it, 1 + next(4)));
        break;
    case 9:
    case 10:
        answered(exchange);
        break;
    case 11:
        end(exchange);
        break;
    case 12:
        moved(exchange);
        break;
    case 13:
        make_key(key);
        break;
    case 14:
        issue(key);
        break;
    default:
        verify();
        break;
    }
}

void smallgate_fuzz_calls(const uint8_t *input, size_t length, const struct image *images)
{
    input_at = input;
    input_end = input + length;
    memset(servers, 0, sizeof servers);
    memset(exchanges, 0, sizeof exchanges);
    memset(keys, 0, sizeof keys);
    memset(key_made, 0, sizeof key_made);
    memset(grants, 0, sizeof grants);
    memset(&token, 0, sizeof token);
    jwt[0] = access_token[0] = refresh_token[0] = code[0] = form_token[0] = '\0';
    while (input_at != input_end)
        call(images);
    for (int at = 0; at < EXCHANGES; at++)
        end(&exchanges[at]);
    for (int at = 0; at < SERVERS; at++)
        if (servers[at].made != NULL)
            server_wipe(&servers[at]);
}
