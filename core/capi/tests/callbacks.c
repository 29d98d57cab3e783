/*
 * What a callback may not do while its call runs, and what is left of an object
 * after an error.
 *
 *     callbacks IMAGE
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
        fprintf(stderr, "callbacks.c:%d: %s\n", line, what);
    }
}

#define CHECK(what) check(what, #what, __LINE__)

static uint8_t image[16384];
static size_t image_length;
static const uint8_t salt[SMALLGATE_SALT] = {9};
static const uint8_t entropy[SMALLGATE_ENTROPY] = {3, 1, 4};
static const smallgate_clock clock_of = {NOW, 0, 0};

SMALLGATE_ALIGNED static uint8_t memory[SMALLGATE_SERVER_SIZE(8)];
static smallgate_server *server;
static smallgate_options options;
static smallgate_exchange exchange;
static uint8_t room[SMALLGATE_ROOM], other_room[SMALLGATE_ROOM];
static smallgate_header headers[2];
static uint8_t body[64];
static unsigned int signed_times;

static smallgate_request request(void)
{
    static const char basic[] = "Basic ZGVtbzpkZW1vLXNlY3JldC1kZW1vLXNlY3JldC1kZW1vLXNlY3JldA==";
    static const char form[] = "grant_type=client_credentials";
    smallgate_request request;
    memset(&request, 0, sizeof request);
    request.method = "POST";
    request.method_length = 4;
    request.target = "/oauth/token";
    request.target_length = 12;
    headers[0].name = "content-type";
    headers[0].name_length = 12;
    headers[0].value = "application/x-www-form-urlencoded";
    headers[0].value_length = 33;
    headers[1].name = "authorization";
    headers[1].name_length = 13;
    headers[1].value = basic;
    headers[1].value_length = strlen(basic);
    request.headers = headers;
    request.header_count = 2;
    memcpy(body, form, strlen(form));
    request.body = body;
    request.body_length = strlen(form);
    return request;
}

/* The server and the exchange are in use while a key signs for them. */
static int sign(void *context, const uint8_t *input, size_t length, uint8_t signature[64])
{
    smallgate_request asked = request();
    smallgate_server *again = NULL;
    (void)context;
    (void)input;
    (void)length;
    signed_times++;
    CHECK(smallgate_server_wipe(server) == SMALLGATE_ERROR_STATE);
    CHECK(smallgate_server_init(memory, sizeof memory, &options, &again) == SMALLGATE_ERROR_STATE);
    CHECK(smallgate_exchange_begin(&exchange, server, &asked, &clock_of, entropy, other_room, sizeof other_room) ==
          SMALLGATE_ERROR_STATE);
    CHECK(smallgate_exchange_run(&exchange) == SMALLGATE_ERROR_STATE);
    CHECK(smallgate_exchange_end(&exchange) == SMALLGATE_ERROR_STATE);
    memset(signature, 7, 64);
    return 64;
}

static int verify(void *context, const uint8_t *input, size_t length, const uint8_t *signature, size_t signed_length)
{
    (void)context;
    (void)input;
    (void)length;
    (void)signature;
    return signed_length == 64 ? 0 : 1;
}

/* The first thing that a server says is said before anybody has it. */
static void on_event(void *context, const smallgate_event *event)
{
    (void)context;
    if (event->kind == SMALLGATE_EVENT_SIGNING_KEY)
        CHECK(smallgate_server_wipe((smallgate_server *)(void *)memory) == SMALLGATE_ERROR_STATE);
}

static void what_is_in_use_stays(void)
{
    static smallgate_key key;
    static smallgate_exchange moved;
    smallgate_backend backend;
    smallgate_response response;
    smallgate_server *again = NULL;
    smallgate_request asked = request();
    memset(&backend, 0, sizeof backend);
    backend.algorithm = SMALLGATE_ES256;
    backend.key_id = "element";
    backend.sign = sign;
    backend.verify = verify;
    CHECK(smallgate_key_external(&key, &backend) == 0);
    memset(&options, 0, sizeof options);
    options.abi_version = SMALLGATE_ABI_VERSION;
    options.grants = 8;
    options.image = image;
    options.image_length = image_length;
    options.salt = salt;
    options.signing_key = &key;
    options.event = on_event;
    CHECK(smallgate_server_init(memory, sizeof memory, &options, &server) == 0);
    CHECK(smallgate_exchange_begin(&exchange, server, &asked, &clock_of, entropy, room, sizeof room) ==
          SMALLGATE_STEP_DONE);
    CHECK(signed_times == 1);
    CHECK(smallgate_exchange_response(&exchange, &response) == 0 && response.status == 200);
    /* Elsewhere it is none, and can not be ended there. */
    memcpy(&moved, &exchange, sizeof moved);
    CHECK(smallgate_exchange_end(&moved) == SMALLGATE_ERROR_STATE);
    CHECK(smallgate_server_init(memory, sizeof memory, &options, &again) == SMALLGATE_ERROR_STATE);
    CHECK(again == NULL);
    CHECK(smallgate_exchange_end(&exchange) == 0);
    CHECK(smallgate_exchange_end(&exchange) == 0);
    CHECK(smallgate_server_init(memory, sizeof memory, &options, &again) == 0);
    CHECK(smallgate_server_wipe(server) == 0);
}

static size_t issue(const smallgate_key *key, const char *subject, uint64_t not_before, char *out, size_t size)
{
    smallgate_claims claims;
    size_t length = 0;
    memset(&claims, 0, sizeof claims);
    claims.subject = subject;
    claims.expires_at = NOW + 60;
    claims.not_before = not_before;
    CHECK(smallgate_issue(key, SMALLGATE_FORMAT_PLAIN, &claims, out, size, &length) == 0);
    return length;
}

static void a_token_is_of_the_last_call(void)
{
    static const uint8_t secret[32] = {1};
    SMALLGATE_ALIGNED static uint8_t scratch[1024];
    static smallgate_key key;
    static char good[512], early[512];
    smallgate_policy policy;
    smallgate_token token;
    smallgate_text payload;
    char subject[16];
    CHECK(smallgate_key_hs256(&key, secret, sizeof secret, NULL) == 0);
    size_t length = issue(&key, "alice", 0, good, sizeof good);
    size_t early_length = issue(&key, "mallory", NOW + 9999, early, sizeof early);
    memset(&policy, 0, sizeof policy);
    policy.format = SMALLGATE_FORMAT_PLAIN;
    CHECK(smallgate_verify(&token, &policy, &key, 1, good, length, NOW, scratch, sizeof scratch) == 0);
    CHECK(smallgate_token_text(&token, "sub", subject, sizeof subject, NULL) == 0);
    /* Results do not go over the payload, which is the token's. */
    CHECK(smallgate_token_payload(&token, &payload) == 0);
    void *within = scratch + (((size_t)((const uint8_t *)payload.octets - scratch) + 7) & ~(size_t)7);
    CHECK(smallgate_token_integer(&token, "exp", (uint64_t *)within) == SMALLGATE_ERROR_OVERLAP);
    CHECK(smallgate_token_payload(&token, (smallgate_text *)within) == SMALLGATE_ERROR_OVERLAP);
    CHECK(smallgate_token_text(&token, "sub", subject, sizeof subject, NULL) == 0);
    CHECK(smallgate_verify(&token, &policy, &key, 1, early, early_length, NOW, scratch, sizeof scratch) ==
          SMALLGATE_ERROR_NOT_YET_VALID);
    CHECK(smallgate_token_text(&token, "sub", subject, sizeof subject, NULL) == SMALLGATE_ERROR_STATE);
    CHECK(smallgate_verify(&token, &policy, &key, 1, good, length, NOW, scratch, sizeof scratch) == 0);
    CHECK(smallgate_verify(&token, &policy, &key, 99, good, length, NOW, scratch, sizeof scratch) ==
          SMALLGATE_ERROR_TOO_MANY);
    CHECK(smallgate_token_text(&token, "sub", subject, sizeof subject, NULL) == SMALLGATE_ERROR_STATE);
}

/* Of a set that is refused no key is left. */
static void no_key_of_a_bad_set(void)
{
    static const char *const sets[] = {
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},7]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},"
        "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
    };
    static const int errors[] = {SMALLGATE_ERROR_JWK, SMALLGATE_ERROR_TOO_MANY};
    for (size_t at = 0; at < 2; at++) {
        static smallgate_key keys[1], nothing;
        size_t count = 0;
        CHECK(smallgate_keys_jwks(keys, 1, &count, (const uint8_t *)sets[at], strlen(sets[at])) == errors[at]);
        CHECK(memcmp(keys, &nothing, sizeof nothing) == 0);
    }
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL)
        return 2;
    image_length = fread(image, 1, sizeof image, file);
    fclose(file);
    what_is_in_use_stays();
    a_token_is_of_the_last_call();
    no_key_of_a_bad_set();
    printf("%u checks, %u failed\n", checks, failed);
    return failed != 0;
}
