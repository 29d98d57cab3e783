/*
 * What the suites over HTTP do not come to: keys behind callbacks, an exchange
 * step by step over a store of one's own, a resource of one's own, plain JWTs.
 *
 *     flows IMAGE
 *
 * IMAGE as for misuse.c. C11 and C++17.
 */
#include <stdio.h>
#include <string.h>

#include "smallgate.h"

#define NOW UINT64_C(1767225600)

static unsigned int failed, checks;

static void check(int holds, const char *what, int line)
{
    checks++;
    if (!holds) {
        failed++;
        fprintf(stderr, "flows.c:%d: %s\n", line, what);
    }
}

#define CHECK(what) check(what, #what, __LINE__)

static uint8_t image[16384];
static size_t image_length;
static const uint8_t salt[SMALLGATE_SALT] = {9};

/* ------------------------------------------------- a key in a secure element */

static unsigned int signed_times, verified_times;

static int element_sign(void *context, const uint8_t *input, size_t length, uint8_t signature[64])
{
    size_t at;
    memset(signature, 0, 64);
    for (at = 0; at < length; at++)
        signature[at % 64] = (uint8_t)(signature[at % 64] * 31 + input[at]);
    ++*(unsigned int *)context;
    return 64;
}

static int element_verify(void *context, const uint8_t *input, size_t length, const uint8_t *signature, size_t signed_length)
{
    uint8_t right[64];
    (void)context;
    verified_times++;
    element_sign(&verified_times, input, length, right);
    return signed_length == 64 && memcmp(right, signature, 64) == 0 ? 0 : 1;
}

static void make_element(smallgate_key *key)
{
    smallgate_backend backend;
    memset(&backend, 0, sizeof backend);
    backend.algorithm = SMALLGATE_ES256;
    backend.key_id = "element";
    backend.context = &signed_times;
    backend.sign = element_sign;
    backend.verify = element_verify;
    CHECK(smallgate_key_external(key, &backend) == 0);
}

static void plain_tokens(void)
{
    static smallgate_key key;
    static uint8_t scratch[1024];
    smallgate_claims claims;
    smallgate_policy policy;
    smallgate_token token;
    smallgate_text payload;
    char jwt[512];
    size_t length;
    make_element(&key);
    memset(&claims, 0, sizeof claims);
    claims.subject = "valve \"7\"";
    claims.expires_at = NOW + 60;
    memset(&policy, 0, sizeof policy);
    policy.format = SMALLGATE_FORMAT_PLAIN;
    CHECK(smallgate_issue(&key, SMALLGATE_FORMAT_ACCESS_TOKEN, &claims, jwt, sizeof jwt, &length) ==
          SMALLGATE_ERROR_CLAIM_MISSING);
    CHECK(smallgate_issue(&key, SMALLGATE_FORMAT_PLAIN, &claims, jwt, sizeof jwt, &length) == 0);
    CHECK(signed_times == 1);
    CHECK(smallgate_verify(&token, &policy, &key, 1, jwt, length, NOW, scratch, sizeof scratch) == 0);
    CHECK(smallgate_token_payload(&token, &payload) == 0);
    CHECK(payload.length == 38 && memcmp(payload.octets, "{\"sub\":\"valve \\\"7\\\"\",\"exp\":1767225660}", 38) == 0);
    CHECK(smallgate_token_text(&token, "sub", jwt + 400, 64, &length) == 0);
    CHECK(strcmp(jwt + 400, "valve \"7\"") == 0);
    policy.format = SMALLGATE_FORMAT_ACCESS_TOKEN;
    policy.issuer = policy.audience = "x";
    CHECK(smallgate_verify(&token, &policy, &key, 1, jwt, strlen(jwt), NOW, scratch, sizeof scratch) ==
          SMALLGATE_ERROR_TYPE);
    jwt[strlen(jwt) - 2] ^= 1;
    policy.format = SMALLGATE_FORMAT_PLAIN;
    policy.issuer = policy.audience = NULL;
    CHECK(smallgate_verify(&token, &policy, &key, 1, jwt, strlen(jwt), NOW, scratch, sizeof scratch) ==
          SMALLGATE_ERROR_SIGNATURE);
}

/* -------------------------------------------------- step by step, own store */

static smallgate_grant grants[4];
static unsigned int loads, commits, confirms;

static smallgate_grant *find(const uint8_t id[12])
{
    for (int at = 0; at < 4; at++)
        if (grants[at].seen != 0 && memcmp(grants[at].record + 8, id, 12) == 0)
            return &grants[at];
    return NULL;
}

static int step_on(smallgate_exchange *exchange, int step)
{
    static uint64_t stamp;
    smallgate_commit commit;
    uint8_t id[12];
    size_t place;
    if (step == SMALLGATE_STEP_WORK)
        return smallgate_exchange_work(exchange, 512);
    if (step == SMALLGATE_STEP_LOAD) {
        loads++;
        CHECK(smallgate_exchange_load(exchange, id) == 0);
        smallgate_grant *found = find(id);
        return found == NULL ? smallgate_exchange_loaded(exchange, 0, NULL, 0)
                             : smallgate_exchange_loaded(exchange, 0, found->record, found->seen);
    }
    CHECK(smallgate_exchange_commit(exchange, &commit) == 0);
    smallgate_grant *known = find(commit.id);
    if ((known == NULL ? 0 : known->seen) != commit.seen)
        return smallgate_exchange_committed(exchange, SMALLGATE_COMMITTED_CONFLICT, NULL);
    if (commit.confirm) {
        confirms++;
        return smallgate_exchange_committed(exchange, SMALLGATE_COMMITTED_DONE, NULL);
    }
    commits++;
    if (known == NULL) {
        CHECK(smallgate_grants_place(grants, 4, commit.now, commit.record, &place, id) == SMALLGATE_COMMITTED_DONE);
        known = &grants[place];
    }
    memcpy(known->record, commit.record, sizeof commit.record);
    known->seen = ++stamp;
    return smallgate_exchange_committed(exchange, SMALLGATE_COMMITTED_DONE, NULL);
}

static int no_load(void *context, const uint8_t id[12], uint8_t record[96], uint64_t *seen)
{
    (void)context;
    (void)id;
    (void)record;
    (void)seen;
    return -1;
}

static int no_commit(void *context, uint64_t now, const uint8_t id[12], uint64_t seen, const uint8_t *record, uint8_t gave_way[12])
{
    (void)context;
    (void)now;
    (void)id;
    (void)seen;
    (void)record;
    (void)gave_way;
    return SMALLGATE_COMMITTED_UNAVAILABLE;
}

SMALLGATE_ALIGNED static uint8_t memory[SMALLGATE_SERVER_SIZE(0)];
static smallgate_server *server;
static smallgate_exchange exchange;
static uint8_t room[SMALLGATE_ROOM];
static smallgate_header headers[2];
static uint8_t body[512];

static smallgate_request request(const char *method, const char *target, const char *authorization, const char *form)
{
    smallgate_request request;
    memset(&request, 0, sizeof request);
    request.method = method;
    request.method_length = strlen(method);
    request.target = target;
    request.target_length = strlen(target);
    headers[0].name = "Content-Type";
    headers[0].name_length = 12;
    headers[0].value = "application/x-www-form-urlencoded";
    headers[0].value_length = 33;
    headers[1].name = "authorization";
    headers[1].name_length = 13;
    headers[1].value = authorization;
    headers[1].value_length = strlen(authorization);
    request.headers = headers;
    request.header_count = 2;
    memcpy(body, form, strlen(form));
    request.body = body;
    request.body_length = strlen(form);
    return request;
}

static int begin(const smallgate_request *asked)
{
    static uint8_t entropy[SMALLGATE_ENTROPY];
    smallgate_clock clock;
    memset(&clock, 0, sizeof clock);
    clock.now = NOW;
    entropy[0]++;
    return smallgate_exchange_begin(&exchange, server, asked, &clock, entropy, room, sizeof room);
}

static int authorize(const smallgate_request *asked, const char *scope)
{
    smallgate_clock clock;
    memset(&clock, 0, sizeof clock);
    clock.now = NOW;
    return smallgate_exchange_authorize(&exchange, server, asked, scope, &clock, room, sizeof room);
}

/* To the end, over the store above; the status, and a member of the body. */
static unsigned int stepped(int step, const char *member, char *value, size_t size)
{
    smallgate_response response;
    while (step > 0 && step != SMALLGATE_STEP_DONE)
        step = step_on(&exchange, step);
    CHECK(step == SMALLGATE_STEP_DONE);
    CHECK(smallgate_exchange_response(&exchange, &response) == 0);
    if (member != NULL) {
        char quoted[64], text[SMALLGATE_ROOM + 1];
        snprintf(quoted, sizeof quoted, "\"%s\":\"", member);
        memcpy(text, response.body, response.body_length);
        text[response.body_length] = '\0';
        const char *from = strstr(text, quoted);
        CHECK(from != NULL);
        if (from != NULL) {
            from += strlen(quoted);
            snprintf(value, size, "%.*s", (int)strcspn(from, "\""), from);
        }
    }
    return response.status;
}

static void end(void)
{
    CHECK(smallgate_exchange_end(&exchange) == 0);
}

static const char basic[] = "Basic YnJlYWtvdXRfYXBwOjEyMzQ1Njc4OQ==";
static const char form[] = "grant_type=password&username=admin@break-out.org&password=correct+horse%2Bbattery%25staple";

static void step_by_step(void)
{
    static smallgate_key key;
    static smallgate_token token;
    smallgate_options options;
    smallgate_store store;
    smallgate_request asked;
    char access[1024], bearer[1100], subject[64], refresh[128], again[256];

    make_element(&key);
    memset(&options, 0, sizeof options);
    store.context = NULL;
    store.load = no_load;
    store.commit = no_commit;
    options.abi_version = SMALLGATE_ABI_VERSION;
    options.image = image;
    options.image_length = image_length;
    options.salt = salt;
    options.store = &store;
    options.signing_key = &key;
    CHECK(smallgate_server_init(memory, sizeof memory, &options, &server) == 0);
    CHECK(smallgate_key_wipe(&key) == 0);

    asked = request("POST", "/oauth/token", basic, form);
    signed_times = 0;
    int step = begin(&asked);
    CHECK(step == SMALLGATE_STEP_WORK);
    CHECK(stepped(step, "access_token", access, sizeof access) == 200);
    CHECK(signed_times == 1 && commits == 1 && loads == 0);
    CHECK(stepped(SMALLGATE_STEP_DONE, "refresh_token", refresh, sizeof refresh) == 200);
    end();

    /* The resource of one's own: good, too little scope, another method. */
    snprintf(bearer, sizeof bearer, "Bearer %s", access);
    asked = request("GET", "/valve", bearer, "");
    step = authorize(&asked, "read");
    CHECK(step == SMALLGATE_STEP_LOAD);
    CHECK(stepped(step, NULL, NULL, 0) == 0);
    CHECK(smallgate_exchange_token(&exchange, &token) == 0);
    CHECK(smallgate_token_text(&token, "client_id", subject, sizeof subject, NULL) == 0);
    CHECK(strcmp(subject, "breakout_app") == 0);
    CHECK(smallgate_token_scope(&token, "write") == SMALLGATE_ERROR_SCOPE);
    end();
    CHECK(stepped(authorize(&asked, "read write"), NULL, NULL, 0) == 403);
    CHECK(smallgate_exchange_token(&exchange, &token) == SMALLGATE_ERROR_STATE);
    end();

    /* A refresh token goes by the record, which is confirmed or written. */
    snprintf(again, sizeof again, "grant_type=refresh_token&refresh_token=%s", refresh);
    asked = request("POST", "/oauth/token", basic, again);
    step = begin(&asked);
    CHECK(step == SMALLGATE_STEP_LOAD);
    CHECK(stepped(step, "access_token", access, sizeof access) == 200);
    CHECK(commits + confirms == 2);
    end();

    /* The grant is gone, so the token opens nothing any more; nobody knows what
     * a store that does not work would say. */
    memset(grants, 0, sizeof grants);
    asked = request("GET", "/valve", bearer, "");
    CHECK(stepped(authorize(&asked, ""), NULL, NULL, 0) == 401);
    end();
    CHECK(authorize(&asked, "") == SMALLGATE_STEP_LOAD);
    CHECK(smallgate_exchange_run(&exchange) == SMALLGATE_STEP_DONE);
    CHECK(stepped(SMALLGATE_STEP_DONE, NULL, NULL, 0) == 503);
    end();
    asked = request("POST", "/oauth/token", basic, form);
    CHECK(begin(&asked) == SMALLGATE_STEP_WORK);
    CHECK(smallgate_exchange_run(&exchange) == SMALLGATE_STEP_DONE);
    CHECK(stepped(SMALLGATE_STEP_DONE, NULL, NULL, 0) == 503);
    end();
    /* What is too long is not read. */
    asked.body_too_long = 1;
    asked.body = NULL;
    CHECK(stepped(begin(&asked), NULL, NULL, 0) == 413);
    end();
    CHECK(smallgate_server_wipe(server) == 0);
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: flows IMAGE\n");
        return 2;
    }
    image_length = fread(image, 1, sizeof image, file);
    fclose(file);
    plain_tokens();
    step_by_step();
    printf("%u checks, %u failed\n", checks, failed);
    return failed == 0 ? 0 : 1;
}
