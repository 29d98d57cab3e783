/*
 * Everything that C can get wrong: an error code, never a crash.
 *
 *     misuse IMAGE
 *
 * IMAGE is a provisioning image of the profile breakout, with the client and
 * the user of its document. Prints how many calls were refused. C11 and C++17.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smallgate.h"

#define NOW UINT64_C(1767225600)
#define HUGE_LENGTH ((size_t)-1)

static unsigned long refused, failed;

static void check(int holds, const char *what, int line)
{
    refused++;
    if (!holds) {
        failed++;
        fprintf(stderr, "misuse.c:%d: %s\n", line, what);
    }
}

#define IS(expected, call) check((call) == (expected), #call " is not " #expected, __LINE__)
#define GOOD(call) check((call) >= 0, #call " failed", __LINE__)

/* A pointer into the same memory that is aligned to nothing. */
#define ODD(type, pointer) ((type *)(void *)((char *)(void *)(pointer) + 1))

static const char jwk[] = "{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\",\"kid\":\"a\"}";
static const char jwks[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"},"
    "{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\",\"kid\":\"a\"},"
    "{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\",\"kid\":\"b\"}]}";
static const uint8_t octets[32] = {1, 2, 3};
static char unending[4096];

static const uint8_t *bytes(const char *text)
{
    return (const uint8_t *)text;
}

/* ------------------------------------------------------------------- keys */

static int no_sign(void *context, const uint8_t *input, size_t length, uint8_t signature[64])
{
    (void)input;
    (void)length;
    (void)signature;
    return *(int *)context;
}

static int no_verify(void *context, const uint8_t *input, size_t length, const uint8_t *signature, size_t signed_length)
{
    (void)input;
    (void)length;
    (void)signature;
    (void)signed_length;
    return *(int *)context;
}

static void keys(void)
{
    static smallgate_key key, several[2];
    static const uint8_t no_point[64] = {7};
    smallgate_backend backend;
    size_t count = 99;
    int answer = -1;

    IS(SMALLGATE_ERROR_NULL, smallgate_key_hs256(NULL, octets, 32, "k"));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_key_hs256(ODD(smallgate_key, &key), octets, 32, "k"));
    IS(SMALLGATE_ERROR_NULL, smallgate_key_hs256(&key, NULL, 32, "k"));
    IS(SMALLGATE_ERROR_KEY_TOO_SHORT, smallgate_key_hs256(&key, octets, 0, "k"));
    IS(SMALLGATE_ERROR_KEY_TOO_SHORT, smallgate_key_hs256(&key, octets, 31, "k"));
    IS(SMALLGATE_ERROR_LENGTH, smallgate_key_hs256(&key, octets, HUGE_LENGTH / 2 + 1, "k"));
    IS(SMALLGATE_ERROR_TEXT, smallgate_key_hs256(&key, octets, 32, unending));
    IS(SMALLGATE_ERROR_TEXT, smallgate_key_hs256(&key, octets, 32, "\xFF"));
    IS(SMALLGATE_ERROR_KEY_ID, smallgate_key_hs256(&key, octets, 32, "0123456789012345678901234567890123456789012345678"));
    IS(SMALLGATE_ERROR_OVERLAP, smallgate_key_hs256(&key, key.opaque + 8, 32, "k"));
    GOOD(smallgate_key_hs256(&key, octets, 32, NULL));

    IS(SMALLGATE_ERROR_NULL, smallgate_key_jwk(NULL, bytes(jwk), sizeof jwk - 1));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_key_jwk(ODD(smallgate_key, &key), bytes(jwk), sizeof jwk - 1));
    IS(SMALLGATE_ERROR_NULL, smallgate_key_jwk(&key, NULL, 7));
    IS(SMALLGATE_ERROR_JSON, smallgate_key_jwk(&key, bytes(jwk), 0));
    IS(SMALLGATE_ERROR_JSON, smallgate_key_jwk(&key, bytes(jwk), 9));
    IS(SMALLGATE_ERROR_JWK, smallgate_key_jwk(&key, bytes("{}"), 2));
    IS(SMALLGATE_ERROR_LENGTH, smallgate_key_jwk(&key, bytes(jwk), HUGE_LENGTH / 2 + 1));
    GOOD(smallgate_key_jwk(&key, bytes(jwk), sizeof jwk - 1));

    IS(SMALLGATE_ERROR_NULL, smallgate_keys_jwks(NULL, 2, &count, bytes(jwks), sizeof jwks - 1));
    IS(SMALLGATE_ERROR_NULL, smallgate_keys_jwks(several, 2, NULL, bytes(jwks), sizeof jwks - 1));
    IS(SMALLGATE_ERROR_NULL, smallgate_keys_jwks(several, 2, &count, NULL, sizeof jwks - 1));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_keys_jwks(several, 2, ODD(size_t, several), bytes(jwks), 5));
    IS(SMALLGATE_ERROR_LENGTH, smallgate_keys_jwks(several, HUGE_LENGTH, &count, bytes(jwks), sizeof jwks - 1));
    IS(SMALLGATE_ERROR_OVERLAP, smallgate_keys_jwks(several, 2, (size_t *)(void *)several, bytes(jwks), 5));
    IS(SMALLGATE_ERROR_TOO_MANY, smallgate_keys_jwks(several, 0, &count, bytes(jwks), sizeof jwks - 1));
    IS(SMALLGATE_ERROR_TOO_MANY, smallgate_keys_jwks(several, 1, &count, bytes(jwks), sizeof jwks - 1));
    IS(SMALLGATE_ERROR_JSON, smallgate_keys_jwks(several, 2, &count, bytes(jwks), 0));
    IS(SMALLGATE_ERROR_JWK, smallgate_keys_jwks(several, 2, &count, bytes("{}"), 2));
    IS(SMALLGATE_ERROR_NO_KEY, smallgate_keys_jwks(several, 2, &count, bytes("{\"keys\":[]}"), 11));
    check(count == 99, "an error wrote a count", __LINE__);
    GOOD(smallgate_keys_jwks(several, 2, &count, bytes(jwks), sizeof jwks - 1));
    check(count == 2, "a count of two", __LINE__);

    memset(&backend, 0, sizeof backend);
    IS(SMALLGATE_ERROR_NULL, smallgate_key_external(NULL, &backend));
    IS(SMALLGATE_ERROR_NULL, smallgate_key_external(&key, NULL));
    IS(SMALLGATE_ERROR_VALUE, smallgate_key_external(&key, &backend));
    backend.algorithm = SMALLGATE_ES256;
    backend.context = &answer;
    IS(SMALLGATE_ERROR_NULL, smallgate_key_external(&key, &backend));
    backend.point = no_point;
    IS(SMALLGATE_ERROR_KEY_POINT, smallgate_key_external(&key, &backend));
    backend.sign = no_sign;
    backend.verify = no_verify;
    backend.key_id = unending;
    IS(SMALLGATE_ERROR_TEXT, smallgate_key_external(&key, &backend));
    backend.key_id = "secure";
    GOOD(smallgate_key_external(&key, &backend));

    IS(SMALLGATE_ERROR_NULL, smallgate_key_wipe(NULL));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_key_wipe(ODD(smallgate_key, &key)));
    GOOD(smallgate_key_wipe(&key));
    GOOD(smallgate_key_wipe(&key));
}

/* ----------------------------------------------------- issue and validate */

static smallgate_claims claims(void)
{
    smallgate_claims claims;
    memset(&claims, 0, sizeof claims);
    claims.issuer = "https://as.example";
    claims.subject = "someone";
    claims.audience = "https://api.example";
    claims.client_id = "client";
    claims.scope = "read write";
    claims.jwt_id = "1";
    claims.issued_at = NOW;
    claims.expires_at = NOW + 60;
    return claims;
}

static void issue_and_validate(void)
{
    static smallgate_key key, other, failing;
    static smallgate_token token, none;
    static uint8_t scratch[2048];
    static char jwt[1024], text[64];
    smallgate_claims good = claims(), bad;
    smallgate_policy policy, wrong;
    smallgate_backend backend;
    smallgate_text payload;
    size_t length = 77, size, size_of_none = 0;
    uint64_t number = 5;
    int answer = -1;

    GOOD(smallgate_key_hs256(&key, octets, 32, "k"));
    memset(&backend, 0, sizeof backend);
    backend.algorithm = SMALLGATE_HS256;
    backend.key_id = "k";
    backend.context = &answer;
    backend.sign = no_sign;
    GOOD(smallgate_key_external(&failing, &backend));

    const uint32_t format = SMALLGATE_FORMAT_ACCESS_TOKEN;
    IS(SMALLGATE_ERROR_NULL, smallgate_issue(NULL, format, &good, jwt, sizeof jwt, &length));
    IS(SMALLGATE_ERROR_NULL, smallgate_issue(&key, format, NULL, jwt, sizeof jwt, &length));
    IS(SMALLGATE_ERROR_NULL, smallgate_issue(&key, format, &good, NULL, sizeof jwt, &length));
    IS(SMALLGATE_ERROR_NULL, smallgate_issue(&key, format, &good, jwt, sizeof jwt, NULL));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_issue(ODD(smallgate_key, &key), format, &good, jwt, sizeof jwt, &length));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_issue(&key, format, ODD(smallgate_claims, &good), jwt, 9, &length));
    IS(SMALLGATE_ERROR_STATE, smallgate_issue(&other, format, &good, jwt, sizeof jwt, &length));
    IS(SMALLGATE_ERROR_VALUE, smallgate_issue(&key, 0, &good, jwt, sizeof jwt, &length));
    IS(SMALLGATE_ERROR_VALUE, smallgate_issue(&key, 9, &good, jwt, sizeof jwt, &length));
    IS(SMALLGATE_ERROR_LENGTH, smallgate_issue(&key, format, &good, jwt, HUGE_LENGTH / 2 + 1, &length));
    IS(SMALLGATE_ERROR_OVERLAP, smallgate_issue(&key, format, &good, (char *)(void *)&good, sizeof good, &length));
    IS(SMALLGATE_ERROR_OVERLAP, smallgate_issue(&key, format, &good, (char *)(void *)&key, sizeof key, &length));
    answer = 65;
    IS(SMALLGATE_ERROR_BACKEND, smallgate_issue(&failing, format, &good, jwt, sizeof jwt, &length));
    answer = -1;
    IS(SMALLGATE_ERROR_BACKEND, smallgate_issue(&failing, format, &good, jwt, sizeof jwt, &length));
    bad = good;
    bad.subject = NULL;
    IS(SMALLGATE_ERROR_CLAIM_MISSING, smallgate_issue(&key, format, &bad, jwt, sizeof jwt, &length));
    bad.subject = unending;
    IS(SMALLGATE_ERROR_TEXT, smallgate_issue(&key, format, &bad, jwt, sizeof jwt, &length));
    bad = good;
    bad.expires_at = UINT64_MAX;
    IS(SMALLGATE_ERROR_CLAIM_VALUE, smallgate_issue(&key, format, &bad, jwt, sizeof jwt, &length));
    bad = good;
    bad.scope = "a\"b";
    IS(SMALLGATE_ERROR_CLAIM_VALUE, smallgate_issue(&key, format, &bad, jwt, sizeof jwt, &length));
    check(length == 77 && jwt[0] == '\0', "an error wrote a token", __LINE__);
    GOOD(smallgate_issue(&key, format, &good, jwt, sizeof jwt, &length));
    check(strlen(jwt) == length, "a zero at the end", __LINE__);
    for (size = 0; size <= length; size++)
        IS(SMALLGATE_ERROR_TOO_SMALL, smallgate_issue(&key, format, &good, jwt, size, &size_of_none));
    GOOD(smallgate_issue(&key, format, &good, jwt, length + 1, &length));

    memset(&policy, 0, sizeof policy);
    policy.issuer = good.issuer;
    policy.audience = good.audience;
    policy.format = format;
#define VERIFY(token, policy, keys, count, jwt, length, now, scratch, room) \
    smallgate_verify(token, policy, keys, count, jwt, length, now, scratch, room)
    IS(SMALLGATE_ERROR_NULL, VERIFY(NULL, &policy, &key, 1, jwt, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_NULL, VERIFY(&token, NULL, &key, 1, jwt, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_NULL, VERIFY(&token, &policy, NULL, 1, jwt, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_NULL, VERIFY(&token, &policy, &key, 1, NULL, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_NULL, VERIFY(&token, &policy, &key, 1, jwt, length, NOW, NULL, sizeof scratch));
    IS(SMALLGATE_ERROR_ALIGNMENT, VERIFY(ODD(smallgate_token, &token), &policy, &key, 1, jwt, length, NOW, scratch, 9));
    IS(SMALLGATE_ERROR_ALIGNMENT, VERIFY(&token, ODD(smallgate_policy, &policy), &key, 1, jwt, length, NOW, scratch, 9));
    IS(SMALLGATE_ERROR_STATE, VERIFY(&token, &policy, &other, 1, jwt, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_KEY_TYPE, VERIFY(&token, &policy, &failing, 1, jwt, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_KEY_UNKNOWN, VERIFY(&token, &policy, &key, 0, jwt, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_TOO_MANY, VERIFY(&token, &policy, &key, 9, jwt, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_LENGTH, VERIFY(&token, &policy, &key, HUGE_LENGTH, jwt, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_MALFORMED, VERIFY(&token, &policy, &key, 1, jwt, 0, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_MALFORMED, VERIFY(&token, &policy, &key, 1, unending, 2000, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_LENGTH, VERIFY(&token, &policy, &key, 1, jwt, HUGE_LENGTH / 2 + 1, NOW, scratch, 2));
    IS(SMALLGATE_ERROR_TOO_SMALL, VERIFY(&token, &policy, &key, 1, jwt, length, NOW, scratch, 0));
    IS(SMALLGATE_ERROR_TOO_SMALL, VERIFY(&token, &policy, &key, 1, jwt, length, NOW, scratch, 16));
    IS(SMALLGATE_ERROR_LENGTH, VERIFY(&token, &policy, &key, 1, jwt, length, NOW, scratch, HUGE_LENGTH / 2 + 1));
    IS(SMALLGATE_ERROR_OVERLAP, VERIFY(&token, &policy, &key, 1, jwt, length, NOW, (uint8_t *)jwt, sizeof jwt));
    IS(SMALLGATE_ERROR_OVERLAP, VERIFY(&token, &policy, &key, 1, jwt, length, NOW, token.opaque, sizeof token));
    IS(SMALLGATE_ERROR_OVERLAP, VERIFY(&token, &policy, &key, 1, jwt, length, NOW, key.opaque, sizeof key));
    IS(SMALLGATE_ERROR_CLOCK, VERIFY(&token, &policy, &key, 1, jwt, length, 0, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_EXPIRED, VERIFY(&token, &policy, &key, 1, jwt, length, UINT64_MAX, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_FROM_THE_FUTURE, VERIFY(&token, &policy, &key, 1, jwt, length, 1, scratch, sizeof scratch));
    wrong = policy;
    wrong.leeway = 61;
    IS(SMALLGATE_ERROR_LEEWAY, VERIFY(&token, &wrong, &key, 1, jwt, length, NOW, scratch, sizeof scratch));
    wrong = policy;
    wrong.issuer = NULL;
    IS(SMALLGATE_ERROR_EXPECTATION, VERIFY(&token, &wrong, &key, 1, jwt, length, NOW, scratch, sizeof scratch));
    wrong.issuer = unending;
    IS(SMALLGATE_ERROR_TEXT, VERIFY(&token, &wrong, &key, 1, jwt, length, NOW, scratch, sizeof scratch));
    wrong = policy;
    wrong.format = 3;
    IS(SMALLGATE_ERROR_VALUE, VERIFY(&token, &wrong, &key, 1, jwt, length, NOW, scratch, sizeof scratch));
    IS(SMALLGATE_ERROR_STATE, smallgate_token_text(&token, "sub", text, sizeof text, NULL));
    for (size = 0; size < length; size++)
        check(VERIFY(&token, &policy, &key, 1, jwt, size, NOW, scratch, sizeof scratch) < 0, "a token cut short", __LINE__);
    GOOD(VERIFY(&token, &policy, &key, 1, jwt, length, NOW, scratch, sizeof scratch));

    IS(SMALLGATE_ERROR_NULL, smallgate_token_text(NULL, "sub", text, sizeof text, NULL));
    IS(SMALLGATE_ERROR_NULL, smallgate_token_text(&token, NULL, text, sizeof text, NULL));
    IS(SMALLGATE_ERROR_NULL, smallgate_token_text(&token, "sub", NULL, sizeof text, NULL));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_token_text(&token, "sub", text, sizeof text, ODD(size_t, &length)));
    IS(SMALLGATE_ERROR_STATE, smallgate_token_text(&none, "sub", text, sizeof text, NULL));
    IS(SMALLGATE_ERROR_TEXT, smallgate_token_text(&token, unending, text, sizeof text, NULL));
    IS(SMALLGATE_ERROR_CLAIM_MISSING, smallgate_token_text(&token, "", text, sizeof text, NULL));
    IS(SMALLGATE_ERROR_CLAIM_TYPE, smallgate_token_text(&token, "exp", text, sizeof text, NULL));
    IS(SMALLGATE_ERROR_OVERLAP, smallgate_token_text(&token, "sub", (char *)scratch, sizeof scratch, NULL));
    IS(SMALLGATE_ERROR_LENGTH, smallgate_token_text(&token, "sub", text, HUGE_LENGTH / 2 + 1, NULL));
    for (size = 0; size < 8; size++) {
        IS(SMALLGATE_ERROR_TOO_SMALL, smallgate_token_text(&token, "sub", text, size, &length));
        check(length == 7, "how long it is", __LINE__);
    }
    GOOD(smallgate_token_text(&token, "sub", text, 8, &length));
    check(strcmp(text, "someone") == 0, "the subject", __LINE__);

    IS(SMALLGATE_ERROR_NULL, smallgate_token_integer(NULL, "exp", &number));
    IS(SMALLGATE_ERROR_NULL, smallgate_token_integer(&token, NULL, &number));
    IS(SMALLGATE_ERROR_NULL, smallgate_token_integer(&token, "exp", NULL));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_token_integer(&token, "exp", ODD(uint64_t, &number)));
    IS(SMALLGATE_ERROR_STATE, smallgate_token_integer(&none, "exp", &number));
    IS(SMALLGATE_ERROR_CLAIM_TYPE, smallgate_token_integer(&token, "sub", &number));
    IS(SMALLGATE_ERROR_CLAIM_MISSING, smallgate_token_integer(&token, "none", &number));
    check(number == 5, "an error wrote a number", __LINE__);
    GOOD(smallgate_token_integer(&token, "exp", &number));
    check(number == NOW + 60, "the end", __LINE__);

    IS(SMALLGATE_ERROR_NULL, smallgate_token_scope(NULL, "read"));
    IS(SMALLGATE_ERROR_NULL, smallgate_token_scope(&token, NULL));
    IS(SMALLGATE_ERROR_TEXT, smallgate_token_scope(&token, unending));
    IS(SMALLGATE_ERROR_STATE, smallgate_token_scope(&none, "read"));
    IS(SMALLGATE_ERROR_SCOPE, smallgate_token_scope(&token, "read rea"));
    GOOD(smallgate_token_scope(&token, "write read"));
    IS(SMALLGATE_ERROR_NULL, smallgate_token_payload(NULL, &payload));
    IS(SMALLGATE_ERROR_NULL, smallgate_token_payload(&token, NULL));
    IS(SMALLGATE_ERROR_STATE, smallgate_token_payload(&none, &payload));
    GOOD(smallgate_token_payload(&token, &payload));
}

/* ------------------------------------------------------------------ serve */

static uint8_t image[16384];
static size_t image_length;
static const uint8_t salt[SMALLGATE_SALT] = {9};
static const uint8_t entropy[SMALLGATE_ENTROPY] = {3, 1, 4};

typedef struct place {
    SMALLGATE_ALIGNED uint8_t memory[SMALLGATE_SERVER_SIZE(8)];
} place;

static smallgate_options options(void)
{
    smallgate_options options;
    memset(&options, 0, sizeof options);
    options.abi_version = SMALLGATE_ABI_VERSION;
    options.grants = 8;
    options.image = image;
    options.image_length = image_length;
    options.salt = salt;
    return options;
}

static void servers(void)
{
    static place place;
    static smallgate_key key;
    smallgate_server *server = NULL;
    smallgate_options good = options(), bad;
    smallgate_limits limits;
    smallgate_store store;
    size_t size = sizeof place.memory, at;

    check(smallgate_server_size(8) == size, "the sizes are the same", __LINE__);
    check(smallgate_server_size(HUGE_LENGTH) == 0, "no such size", __LINE__);
    check(smallgate_abi_version() == SMALLGATE_ABI_VERSION, "the version", __LINE__);
    IS(SMALLGATE_ERROR_NULL, smallgate_server_init(NULL, size, &good, &server));
    IS(SMALLGATE_ERROR_NULL, smallgate_server_init(place.memory, size, NULL, &server));
    IS(SMALLGATE_ERROR_NULL, smallgate_server_init(place.memory, size, &good, NULL));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_server_init(place.memory + 1, size - 1, &good, &server));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_server_init(place.memory + 4, size - 4, &good, &server));
    IS(SMALLGATE_ERROR_TOO_SMALL, smallgate_server_init(place.memory, size - 1, &good, &server));
    IS(SMALLGATE_ERROR_TOO_SMALL, smallgate_server_init(place.memory, 0, &good, &server));
    IS(SMALLGATE_ERROR_LENGTH, smallgate_server_init(place.memory, HUGE_LENGTH, &good, &server));
    bad = good;
    bad.abi_version++;
    IS(SMALLGATE_ERROR_ABI, smallgate_server_init(place.memory, size, &bad, &server));
    bad = good;
    bad.grants = 0;
    IS(SMALLGATE_ERROR_VALUE, smallgate_server_init(place.memory, size, &bad, &server));
    bad.grants = UINT32_MAX;
    IS(SMALLGATE_ERROR_TOO_SMALL, smallgate_server_init(place.memory, size, &bad, &server));
    bad = good;
    bad.image = NULL;
    IS(SMALLGATE_ERROR_NULL, smallgate_server_init(place.memory, size, &bad, &server));
    bad = good;
    bad.image = place.memory;
    IS(SMALLGATE_ERROR_OVERLAP, smallgate_server_init(place.memory, size, &bad, &server));
    bad = good;
    bad.salt = NULL;
    IS(SMALLGATE_ERROR_NULL, smallgate_server_init(place.memory, size, &bad, &server));
    bad = good;
    bad.image_length = HUGE_LENGTH / 2 + 1;
    IS(SMALLGATE_ERROR_LENGTH, smallgate_server_init(place.memory, size, &bad, &server));
    for (at = 0; at < image_length; at += 13) {
        bad = good;
        bad.image_length = at;
        check(smallgate_server_init(place.memory, size, &bad, &server) < 0, "an image cut short", __LINE__);
    }
    for (at = 0; at < image_length; at++) {
        image[at] ^= 0x40;
        check(smallgate_server_init(place.memory, size, &good, &server) < 0, "a damaged image", __LINE__);
        image[at] ^= 0x40;
    }
    bad = good;
    bad.signing_key = &key;
    IS(SMALLGATE_ERROR_STATE, smallgate_server_init(place.memory, size, &bad, &server));
    memset(&store, 0, sizeof store);
    bad = good;
    bad.store = &store;
    IS(SMALLGATE_ERROR_VALUE, smallgate_server_init(place.memory, size, &bad, &server));
    bad.grants = 0;
    IS(SMALLGATE_ERROR_NULL, smallgate_server_init(place.memory, size, &bad, &server));
    check(server == NULL, "an error wrote a server", __LINE__);

    IS(SMALLGATE_ERROR_NULL, smallgate_server_limits(NULL, &limits));
    IS(SMALLGATE_ERROR_STATE, smallgate_server_limits((smallgate_server *)(void *)place.memory, &limits));
    IS(SMALLGATE_ERROR_STATE, smallgate_server_wipe((smallgate_server *)(void *)place.memory));
    GOOD(smallgate_server_init(place.memory, size, &good, &server));
    IS(SMALLGATE_ERROR_NULL, smallgate_server_limits(server, NULL));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_server_limits(server, ODD(smallgate_limits, &limits)));
    IS(SMALLGATE_ERROR_OVERLAP, smallgate_server_limits(server, (smallgate_limits *)(void *)(place.memory + 64)));
    GOOD(smallgate_server_limits(server, &limits));
    static struct place moved;
    memcpy(&moved, &place, sizeof moved);
    IS(SMALLGATE_ERROR_STATE, smallgate_server_limits((smallgate_server *)(void *)moved.memory, &limits));
    IS(SMALLGATE_ERROR_NULL, smallgate_server_wipe(NULL));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_server_wipe(ODD(smallgate_server, place.memory)));
    GOOD(smallgate_server_wipe(server));
    IS(SMALLGATE_ERROR_STATE, smallgate_server_wipe(server));
    for (at = 0; at < size; at++)
        if (place.memory[at] != 0)
            break;
    check(at == size, "nothing of it is left", __LINE__);
}

static const char form[] = "grant_type=password&username=admin@break-out.org&password=correct+horse%2Bbattery%25staple";

static smallgate_request request(uint8_t *body, smallgate_header headers[2])
{
    smallgate_request request;
    memset(&request, 0, sizeof request);
    memcpy(body, form, sizeof form);
    headers[0].name = "Content-Type";
    headers[0].name_length = 12;
    headers[0].value = "application/x-www-form-urlencoded";
    headers[0].value_length = 33;
    headers[1].name = "Authorization";
    headers[1].name_length = 13;
    headers[1].value = "Basic YnJlYWtvdXRfYXBwOjEyMzQ1Njc4OQ==";
    headers[1].value_length = strlen(headers[1].value);
    request.method = "POST";
    request.method_length = 4;
    request.target = "/oauth/token";
    request.target_length = 12;
    request.headers = headers;
    request.header_count = 2;
    request.body = body;
    request.body_length = sizeof form - 1;
    request.source.family = 4;
    request.source.address[0] = 127;
    return request;
}

static smallgate_exchange *watched;
static unsigned int events;

static void on_event(void *context, const smallgate_event *event)
{
    /* Which comes before anything is begun. */
    const int of_server = event->kind == SMALLGATE_EVENT_SIGNING_KEY;
    (void)context;
    events++;
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_run(watched));
    IS(of_server ? 0 : SMALLGATE_ERROR_STATE, smallgate_exchange_end(watched));
}

static void exchanges(void)
{
    static place place;
    static smallgate_exchange exchange, moved;
    static uint8_t room[SMALLGATE_ROOM], body[256];
    static uint8_t record[SMALLGATE_RECORD], id[SMALLGATE_GRANT_ID];
    static smallgate_header headers[2], many[SMALLGATE_MAX_HEADERS + 1];
    smallgate_server *server;
    smallgate_options good_options = options();
    smallgate_request good = request(body, headers), bad;
    smallgate_clock clock;
    smallgate_commit commit;
    smallgate_response response;
    smallgate_header header;
    static smallgate_token token;
    int step;

    good_options.event = on_event;
    watched = &exchange;
    memset(&clock, 0, sizeof clock);
    clock.now = NOW;
    GOOD(smallgate_server_init(place.memory, sizeof place.memory, &good_options, &server));
    check(events == 1, "which key signs", __LINE__);
#define BEGIN(exchange, server, request, clock, entropy, room, length) \
    smallgate_exchange_begin(exchange, server, request, clock, entropy, room, length)
    IS(SMALLGATE_ERROR_NULL, BEGIN(NULL, server, &good, &clock, entropy, room, sizeof room));
    IS(SMALLGATE_ERROR_NULL, BEGIN(&exchange, NULL, &good, &clock, entropy, room, sizeof room));
    IS(SMALLGATE_ERROR_NULL, BEGIN(&exchange, server, NULL, &clock, entropy, room, sizeof room));
    IS(SMALLGATE_ERROR_NULL, BEGIN(&exchange, server, &good, NULL, entropy, room, sizeof room));
    IS(SMALLGATE_ERROR_NULL, BEGIN(&exchange, server, &good, &clock, NULL, room, sizeof room));
    IS(SMALLGATE_ERROR_NULL, BEGIN(&exchange, server, &good, &clock, entropy, NULL, sizeof room));
    IS(SMALLGATE_ERROR_ALIGNMENT, BEGIN(ODD(smallgate_exchange, &exchange), server, &good, &clock, entropy, room, 9));
    IS(SMALLGATE_ERROR_ALIGNMENT, BEGIN(&exchange, ODD(smallgate_server, server), &good, &clock, entropy, room, 9));
    IS(SMALLGATE_ERROR_ALIGNMENT, BEGIN(&exchange, server, ODD(smallgate_request, &good), &clock, entropy, room, 9));
    IS(SMALLGATE_ERROR_STATE, BEGIN(&exchange, (smallgate_server *)(void *)&moved, &good, &clock, entropy, room, 9));
    IS(SMALLGATE_ERROR_TOO_SMALL, BEGIN(&exchange, server, &good, &clock, entropy, room, 0));
    IS(SMALLGATE_ERROR_TOO_SMALL, BEGIN(&exchange, server, &good, &clock, entropy, room, sizeof room - 1));
    IS(SMALLGATE_ERROR_LENGTH, BEGIN(&exchange, server, &good, &clock, entropy, room, HUGE_LENGTH));
    IS(SMALLGATE_ERROR_OVERLAP, BEGIN(&exchange, server, &good, &clock, entropy, place.memory, sizeof room));
    IS(SMALLGATE_ERROR_OVERLAP, BEGIN(&exchange, server, &good, &clock, room, room, sizeof room));
    bad = good;
    bad.body = room;
    IS(SMALLGATE_ERROR_OVERLAP, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad.body = NULL;
    IS(SMALLGATE_ERROR_NULL, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad = good;
    bad.body_length = HUGE_LENGTH / 2 + 1;
    IS(SMALLGATE_ERROR_LENGTH, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad = good;
    bad.method = NULL;
    IS(SMALLGATE_ERROR_NULL, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad = good;
    bad.target = "\xC3(";
    bad.target_length = 2;
    IS(SMALLGATE_ERROR_TEXT, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad = good;
    bad.headers = NULL;
    IS(SMALLGATE_ERROR_NULL, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad.headers = ODD(smallgate_header, headers);
    IS(SMALLGATE_ERROR_ALIGNMENT, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad.headers = many;
    bad.header_count = SMALLGATE_MAX_HEADERS + 1;
    IS(SMALLGATE_ERROR_TOO_MANY, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad.header_count = HUGE_LENGTH;
    IS(SMALLGATE_ERROR_TOO_MANY, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad.header_count = 1;
    many[0].name_length = HUGE_LENGTH / 2 + 1;
    many[0].name = "x";
    IS(SMALLGATE_ERROR_LENGTH, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));
    bad = good;
    bad.source.family = 5;
    IS(SMALLGATE_ERROR_VALUE, BEGIN(&exchange, server, &bad, &clock, entropy, room, sizeof room));

    /* Nothing was begun. */
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_run(&exchange));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_work(&exchange, 1));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_load(&exchange, id));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_loaded(&exchange, 0, record, 0));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_commit(&exchange, &commit));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_committed(&exchange, 0, NULL));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_response(&exchange, &response));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_header(&exchange, 0, &header));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_token(&exchange, &token));
    GOOD(smallgate_exchange_end(&exchange));
    IS(SMALLGATE_ERROR_NULL, smallgate_exchange_run(NULL));
    IS(SMALLGATE_ERROR_NULL, smallgate_exchange_end(NULL));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_exchange_end(ODD(smallgate_exchange, &exchange)));

    /* A password: WORK, then COMMIT, step by step. */
    step = BEGIN(&exchange, server, &good, &clock, entropy, room, sizeof room);
    check(step == SMALLGATE_STEP_WORK, "a password is work", __LINE__);
    IS(SMALLGATE_ERROR_STATE, BEGIN(&exchange, server, &good, &clock, entropy, room, sizeof room));
    IS(SMALLGATE_ERROR_STATE, smallgate_server_wipe(server));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_commit(&exchange, &commit));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_committed(&exchange, 0, NULL));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_loaded(&exchange, 0, record, 1));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_response(&exchange, &response));
    IS(SMALLGATE_ERROR_VALUE, smallgate_exchange_work(&exchange, 0));
    IS(SMALLGATE_ERROR_NULL, smallgate_exchange_work(NULL, 1));
    memcpy(&moved, &exchange, sizeof moved);
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_run(&moved));
    memset(&moved, 0, sizeof moved);
    while (step == SMALLGATE_STEP_WORK)
        step = smallgate_exchange_work(&exchange, 1000);
    check(step == SMALLGATE_STEP_COMMIT, "then a grant is made", __LINE__);
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_work(&exchange, 1));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_load(&exchange, id));
    IS(SMALLGATE_ERROR_NULL, smallgate_exchange_commit(&exchange, NULL));
    IS(SMALLGATE_ERROR_ALIGNMENT, smallgate_exchange_commit(&exchange, ODD(smallgate_commit, &commit)));
    GOOD(smallgate_exchange_commit(&exchange, &commit));
    check(commit.seen == 0 && commit.confirm == 0 && commit.now == NOW, "a new record", __LINE__);
    IS(SMALLGATE_ERROR_VALUE, smallgate_exchange_committed(&exchange, 6, NULL));
    IS(SMALLGATE_ERROR_VALUE, smallgate_exchange_committed(&exchange, -1, NULL));
    IS(SMALLGATE_ERROR_NULL, smallgate_exchange_committed(&exchange, SMALLGATE_COMMITTED_GAVE_WAY, NULL));
    check(smallgate_exchange_committed(&exchange, SMALLGATE_COMMITTED_UNKNOWN, NULL) == SMALLGATE_STEP_COMMIT,
          "the same again", __LINE__);
    check(events == 1, "nothing is said before it is done", __LINE__);
    check(smallgate_exchange_committed(&exchange, SMALLGATE_COMMITTED_DONE, NULL) == SMALLGATE_STEP_DONE, "done", __LINE__);
    check(events == 2, "an event, and once", __LINE__);
    check(smallgate_exchange_run(&exchange) == SMALLGATE_STEP_DONE, "it is done already", __LINE__);
    check(events == 2, "an event, and once", __LINE__);
    IS(SMALLGATE_ERROR_NULL, smallgate_exchange_response(&exchange, NULL));
    IS(SMALLGATE_ERROR_OVERLAP, smallgate_exchange_response(&exchange, (smallgate_response *)(void *)room));
    GOOD(smallgate_exchange_response(&exchange, &response));
    check(response.status == 200, "tokens", __LINE__);
    IS(SMALLGATE_ERROR_NULL, smallgate_exchange_header(&exchange, 0, NULL));
    IS(SMALLGATE_ERROR_VALUE, smallgate_exchange_header(&exchange, response.header_count, &header));
    IS(SMALLGATE_ERROR_VALUE, smallgate_exchange_header(&exchange, HUGE_LENGTH, &header));
    GOOD(smallgate_exchange_header(&exchange, 0, &header));
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_token(&exchange, &token));
    GOOD(smallgate_exchange_end(&exchange));
    for (step = 0; step < (int)sizeof room && room[step] == 0; step++)
        ;
    check(step == (int)sizeof room, "the room is wiped", __LINE__);

    /* A resource of one's own, without a token. */
    bad = good;
    bad.header_count = 1;
    IS(SMALLGATE_ERROR_NULL, smallgate_exchange_authorize(&exchange, server, &bad, NULL, &clock, room, sizeof room));
    IS(SMALLGATE_ERROR_TEXT, smallgate_exchange_authorize(&exchange, server, &bad, unending, &clock, room, sizeof room));
    check(smallgate_exchange_authorize(&exchange, server, &bad, "", &clock, room, sizeof room) == SMALLGATE_STEP_DONE,
          "refused", __LINE__);
    GOOD(smallgate_exchange_response(&exchange, &response));
    check(response.status == 401, "no token", __LINE__);
    IS(SMALLGATE_ERROR_STATE, smallgate_exchange_token(&exchange, &token));
    GOOD(smallgate_exchange_end(&exchange));

    /* Ended at any step: another may hash. */
    memcpy(body, form, sizeof form);
    GOOD(BEGIN(&exchange, server, &good, &clock, entropy, room, sizeof room));
    GOOD(smallgate_exchange_work(&exchange, 1));
    GOOD(smallgate_exchange_end(&exchange));
    memcpy(body, form, sizeof form);
    GOOD(BEGIN(&exchange, server, &good, &clock, entropy, room, sizeof room));
    check(smallgate_exchange_run(&exchange) == SMALLGATE_STEP_DONE, "done", __LINE__);
    GOOD(smallgate_exchange_response(&exchange, &response));
    check(response.status == 200, "tokens", __LINE__);
    GOOD(smallgate_exchange_end(&exchange));
    GOOD(smallgate_server_wipe(server));
}

static void grants(void)
{
    static smallgate_grant slots[2];
    static uint8_t record[SMALLGATE_RECORD], gave_way[SMALLGATE_GRANT_ID];
    size_t at = 9;
    IS(SMALLGATE_ERROR_NULL, smallgate_grants_place(NULL, 2, NOW, record, &at, gave_way));
    IS(SMALLGATE_ERROR_NULL, smallgate_grants_place(slots, 2, NOW, NULL, &at, gave_way));
    IS(SMALLGATE_ERROR_NULL, smallgate_grants_place(slots, 2, NOW, record, NULL, gave_way));
    IS(SMALLGATE_ERROR_NULL, smallgate_grants_place(slots, 2, NOW, record, &at, NULL));
    IS(SMALLGATE_ERROR_LENGTH, smallgate_grants_place(slots, HUGE_LENGTH, NOW, record, &at, gave_way));
    IS(SMALLGATE_ERROR_OVERLAP, smallgate_grants_place(slots, 2, NOW, record, &at, slots[0].record));
    IS(SMALLGATE_ERROR_VALUE, smallgate_grants_place(slots, 2, NOW, record, &at, gave_way));
    check(at == 9, "an error wrote a place", __LINE__);
}

/* Each on a server of its own. */
static void *thread(void *context)
{
    place *place = (struct place *)context;
    static const char expected[] = "{\"access_token\"";
    uint8_t room[SMALLGATE_ROOM], body[256];
    smallgate_header headers[2];
    smallgate_server *server;
    smallgate_options good_options = options();
    smallgate_clock clock;
    memset(&clock, 0, sizeof clock);
    clock.now = NOW;
    if (smallgate_server_init(place->memory, sizeof place->memory, &good_options, &server) < 0)
        return NULL;
    for (int times = 0; times < 4; times++) {
        smallgate_exchange exchange;
        smallgate_response response;
        uint8_t drawn[SMALLGATE_ENTROPY];
        smallgate_request asked = request(body, headers);
        memset(&exchange, 0, sizeof exchange);
        memset(drawn, times, sizeof drawn);
        if (smallgate_exchange_begin(&exchange, server, &asked, &clock, drawn, room, sizeof room) < 0 ||
            smallgate_exchange_run(&exchange) != SMALLGATE_STEP_DONE ||
            smallgate_exchange_response(&exchange, &response) < 0 || response.status != 200 ||
            memcmp(response.body, expected, sizeof expected - 1) != 0 || smallgate_exchange_end(&exchange) < 0)
            return NULL;
    }
    return smallgate_server_wipe(server) < 0 ? NULL : context;
}

static void two_threads(void)
{
    static place places[2];
    pthread_t threads[2];
    for (int at = 0; at < 2; at++)
        check(pthread_create(&threads[at], NULL, thread, &places[at]) == 0, "a thread", __LINE__);
    for (int at = 0; at < 2; at++) {
        void *came_back = NULL;
        pthread_join(threads[at], &came_back);
        check(came_back == &places[at], "two threads on two servers", __LINE__);
    }
}

static void words(void)
{
    for (int number = -120; number < 10; number++)
        check(smallgate_strerror(number)[0] != '\0', "a word for each number", __LINE__);
    check(strcmp(smallgate_strerror(SMALLGATE_ERROR_EXPIRED), "the token has expired") == 0, "its words", __LINE__);
}

int main(int argc, char **argv)
{
    memset(unending, 'x', sizeof unending);
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: misuse IMAGE\n");
        return 2;
    }
    image_length = fread(image, 1, sizeof image, file);
    fclose(file);
    keys();
    issue_and_validate();
    servers();
    exchanges();
    grants();
    two_threads();
    words();
    printf("%lu checks, %lu failed\n", refused, failed);
    return failed == 0 ? 0 : 1;
}
