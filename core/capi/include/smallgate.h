/*
 * libsmallgate: an OAuth 2.0 authorization server and JWT validator for C.
 *
 * Three uses, each by itself:
 *
 *   Validate   smallgate_keys_jwks, smallgate_verify, smallgate_token_text
 *   Issue      smallgate_key_jwk, smallgate_issue
 *   Serve      smallgate_server_init, smallgate_exchange_begin,
 *              smallgate_exchange_run, smallgate_exchange_response
 *
 * RULES THAT HOLD FOR ALL OF IT
 *
 * Memory. Nothing is allocated. The caller owns all memory, and lends it for
 * as long as each function says; where it says nothing, for the call alone.
 * An object (smallgate_key, smallgate_token, smallgate_exchange, and the
 * memory of a smallgate_server) is aligned to SMALLGATE_ALIGNMENT, which the
 * types see to. Memory that is written to may not overlap with anything else
 * of the same call: that is SMALLGATE_ERROR_OVERLAP.
 *
 * Results. A function that returns int returns 0 or more when it is done, and
 * a negative SMALLGATE_ERROR_... when it is not. After an error nothing was
 * written to the places for results, unless it is said. A NULL pointer, a wrong
 * alignment, a length that cannot be, an object that was not made or is in use:
 * each is an error and never a crash, as far as a program can see it from
 * inside. That a pointer points to as much memory as is said is the caller's
 * to know.
 *
 * Texts. A `const char *` without a length is UTF-8 that ends with a zero, of
 * at most SMALLGATE_MAX_TEXT octets without it; more than that is not read.
 * With a length beside it, it is so many octets, and a zero is none of them.
 * A NULL pointer with the length 0 is an empty text.
 *
 * Units. Sizes and lengths are octets. Points in time are seconds since
 * 1970-01-01T00:00:00Z; 0 is a clock that is not set. Lengths of time are
 * seconds.
 *
 * Threads. There is no global state: objects that have nothing to do with each
 * other may be used by as many threads. A key, once made, is only read. A token
 * and an exchange are for one thread at a time. A server may be shared by
 * exchanges of several threads if its grants are behind callbacks; if they are
 * in its own memory, smallgate_exchange_run is for one thread at a time.
 *
 * Callbacks run on the thread that made the call, before it returns. They
 * return: no longjmp, no C++ exception. They may not use the object that the
 * call is about (SMALLGATE_ERROR_STATE).
 *
 * Secrets. Keys, exchanges and servers hold secrets: wipe or end them. Results
 * of smallgate_issue and responses hold tokens. What stands for an HMAC key
 * while it is used may stay behind on the stack, below the caller's frame.
 */
#ifndef SMALLGATE_H
#define SMALLGATE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define SMALLGATE_ALIGNED alignas(8)
#else
#define SMALLGATE_ALIGNED _Alignas(8)
#endif

/* ---------------------------------------------------------------- version */

/* Changes when anything in this file does that a program was compiled with. */
#define SMALLGATE_ABI_VERSION 1

/* The SMALLGATE_ABI_VERSION of the library. A program that loads it at run
 * time compares the two; smallgate_server_init does it too. Any thread. */
uint32_t smallgate_abi_version(void);

/* ------------------------------------------------------------------ errors */

/* The caller's mistakes. */
#define SMALLGATE_ERROR_NULL (-1)        /* a pointer is NULL */
#define SMALLGATE_ERROR_ALIGNMENT (-2)   /* a pointer is not aligned */
#define SMALLGATE_ERROR_TOO_SMALL (-3)   /* the memory for a result is too small */
#define SMALLGATE_ERROR_LENGTH (-4)      /* a length that nothing in memory has */
#define SMALLGATE_ERROR_TEXT (-5)        /* not UTF-8, or too long for a text */
#define SMALLGATE_ERROR_STATE (-6)       /* the object is not made, over, in use, or at another step */
#define SMALLGATE_ERROR_ABI (-7)         /* another SMALLGATE_ABI_VERSION */
#define SMALLGATE_ERROR_UNSUPPORTED (-8) /* not in this build of the library */
#define SMALLGATE_ERROR_VALUE (-9)       /* a number that means nothing here */
#define SMALLGATE_ERROR_OVERLAP (-10)    /* memory that is written to overlaps */
#define SMALLGATE_ERROR_INTERNAL (-11)   /* the library failed; please report it */
#define SMALLGATE_ERROR_TOO_MANY (-12)   /* more of them than there is room for */

/* Keys. */
#define SMALLGATE_ERROR_JSON (-20)          /* not a JSON object within its bounds */
#define SMALLGATE_ERROR_JWK (-21)           /* a member is missing, or not what it must be */
#define SMALLGATE_ERROR_KEY_TOO_SHORT (-22) /* an HS256 key of fewer than 32 octets */
#define SMALLGATE_ERROR_KEY_TOO_LONG (-23)  /* a symmetric key of more than 64 octets in a JWK */
#define SMALLGATE_ERROR_KEY_PUBLIC (-24)    /* a public key offered as an HMAC secret */
#define SMALLGATE_ERROR_KEY_POINT (-25)     /* not a point on P-256 */
#define SMALLGATE_ERROR_KEY_RANGE (-26)     /* a private key out of range */
#define SMALLGATE_ERROR_KEY_PAIR (-27)      /* a private and a public key that are no pair */
#define SMALLGATE_ERROR_KEY_ID (-28)        /* a key id of more than 48 octets */
#define SMALLGATE_ERROR_KEY_TYPE (-29)      /* a key of another type, or one that can not sign */
#define SMALLGATE_ERROR_NO_KEY (-30)        /* a set without a key that is of use here */

/* Tokens that are refused, in the order in which things are looked at. */
#define SMALLGATE_ERROR_CLOCK (-40)          /* the clock is not set */
#define SMALLGATE_ERROR_LEEWAY (-41)         /* the leeway is more than 60 seconds */
#define SMALLGATE_ERROR_EXPECTATION (-42)    /* the policy lacks an issuer or audience */
#define SMALLGATE_ERROR_MALFORMED (-43)      /* no three parts of strict base64url, or too long */
#define SMALLGATE_ERROR_HEADER (-44)         /* the header is not good JSON */
#define SMALLGATE_ERROR_CRITICAL (-45)       /* the header has crit or b64, or brings a key */
#define SMALLGATE_ERROR_TYPE (-46)           /* typ is another kind of token */
#define SMALLGATE_ERROR_KEY_UNKNOWN (-47)    /* kid names no key, or is missing */
#define SMALLGATE_ERROR_ALGORITHM (-48)      /* alg is not the key's algorithm */
#define SMALLGATE_ERROR_SIGNATURE (-49)      /* the signature does not match */
#define SMALLGATE_ERROR_PAYLOAD (-50)        /* the payload is not good JSON */
#define SMALLGATE_ERROR_CLAIM_TYPE (-51)     /* a claim of the wrong type */
#define SMALLGATE_ERROR_CLAIM_VALUE (-52)    /* a claim with a value that it can not have */
#define SMALLGATE_ERROR_CLAIM_MISSING (-53)  /* a claim is missing */
#define SMALLGATE_ERROR_ISSUER (-54)         /* the token is another issuer's */
#define SMALLGATE_ERROR_AUDIENCE (-55)       /* the token is for another audience */
#define SMALLGATE_ERROR_EXPIRED (-56)        /* the token has expired */
#define SMALLGATE_ERROR_NOT_YET_VALID (-57)  /* the token is not valid yet */
#define SMALLGATE_ERROR_FROM_THE_FUTURE (-58) /* the token was issued in the future */
#define SMALLGATE_ERROR_SCOPE (-59)          /* the token lacks a scope */

/* Signing. */
#define SMALLGATE_ERROR_BACKEND (-70) /* a callback or the key's backend failed */

/* Serving. */
#define SMALLGATE_ERROR_IMAGE (-80)         /* no provisioning image, or damaged */
#define SMALLGATE_ERROR_IMAGE_LAYOUT (-81)  /* an image of another layout */
#define SMALLGATE_ERROR_IMAGE_VALUE (-82)   /* a value in the image that can not be */
#define SMALLGATE_ERROR_CONFIGURATION (-83) /* the image's parts do not go together */

/* What an error means: a sentence that ends with a zero and lives for ever.
 * For a number that is no error too. Any thread. */
const char *smallgate_strerror(int error);

/* ------------------------------------------------------------------- sizes */

#define SMALLGATE_ALIGNMENT 8
#define SMALLGATE_MAX_TEXT 1024  /* octets of a text that ends with a zero */
#define SMALLGATE_MAX_KEYS 8     /* keys for one verification */
#define SMALLGATE_MAX_HEADERS 64 /* header fields of one request */
#define SMALLGATE_ROOM 4096      /* for a response, and a request's token while it is read */
#define SMALLGATE_ENTROPY 48     /* random octets for one exchange */
#define SMALLGATE_SALT 16        /* random octets for one server */
#define SMALLGATE_RECORD 96      /* a grant, as a store keeps it */
#define SMALLGATE_GRANT_ID 12
#define SMALLGATE_KEY_SIZE 400
#define SMALLGATE_TOKEN_SIZE 256
#if UINTPTR_MAX > 0xFFFFFFFFu
#define SMALLGATE_EXCHANGE_SIZE 1536
#define SMALLGATE_SERVER_BASE 16384
#else
#define SMALLGATE_EXCHANGE_SIZE 1280
#define SMALLGATE_SERVER_BASE 12288
#endif
#define SMALLGATE_SERVER_GRANT 112

/* Octets of memory for a server that keeps so many grants in it: 0 where they
 * are behind callbacks. A constant, where `grants` is one:
 *
 *     SMALLGATE_ALIGNED static uint8_t memory[SMALLGATE_SERVER_SIZE(64)];
 */
#define SMALLGATE_SERVER_SIZE(grants) \
    ((size_t)SMALLGATE_SERVER_BASE + (size_t)(grants) * (size_t)SMALLGATE_SERVER_GRANT)

/* The same at run time, by the library; 0 if there is no such size. Any thread. */
size_t smallgate_server_size(size_t grants);

/* ------------------------------------------------------------------ values */

/* So many octets of UTF-8 without a zero at the end; NULL where there is none.
 * Printed with "%.*s", (int)text.length, text.octets. */
typedef struct smallgate_text {
    const char *octets;
    size_t length;
} smallgate_text;

/* A key. To be looked at through functions alone; may be copied. */
typedef struct smallgate_key {
    SMALLGATE_ALIGNED uint8_t opaque[SMALLGATE_KEY_SIZE];
} smallgate_key;

/* A token that was verified. It points into the scratch that it was verified
 * in. */
typedef struct smallgate_token {
    SMALLGATE_ALIGNED uint8_t opaque[SMALLGATE_TOKEN_SIZE];
} smallgate_token;

/* A request that is being answered. All zeros before it is first begun; may not
 * be moved or copied from then until it is ended. */
typedef struct smallgate_exchange {
    SMALLGATE_ALIGNED uint8_t opaque[SMALLGATE_EXCHANGE_SIZE];
} smallgate_exchange;

/* An authorization server, in memory of the caller's. */
typedef struct smallgate_server smallgate_server;

/* -------------------------------------------------------------------- keys */

#define SMALLGATE_HS256 1u
#define SMALLGATE_ES256 2u

/* Makes `key` of 32 or more random octets that are secret, for HS256. `key_id`
 * is its `kid`, at most 48 octets, or NULL. The octets are not kept.
 * Errors: NULL, ALIGNMENT, LENGTH, TEXT, OVERLAP, KEY_TOO_SHORT, KEY_PUBLIC,
 * KEY_ID. */
int smallgate_key_hs256(smallgate_key *key, const uint8_t *octets, size_t length, const char *key_id);

/* Makes `key` of a JWK (RFC 7517): "oct", or "EC" on P-256 with or without its
 * private part. A private key signs and verifies, a public one verifies.
 * Nothing of `json` is kept; it may be secret: wipe it.
 * Errors: NULL, ALIGNMENT, LENGTH, OVERLAP, UNSUPPORTED, and those of keys. */
int smallgate_key_jwk(smallgate_key *key, const uint8_t *json, size_t length);

/* Makes keys of a JWK Set (RFC 7517 section 5), at most `capacity`, and says in
 * `count` how many. Keys of other types and purposes are passed over, as the
 * RFC wants. The set may have 32,767 octets and 64 members. After an error the
 * keys that were made are wiped.
 * Errors: NULL, ALIGNMENT, LENGTH, OVERLAP, JSON, JWK, NO_KEY; TOO_MANY when
 * there are more than `capacity`. */
int smallgate_keys_jwks(smallgate_key *keys, size_t capacity, size_t *count, const uint8_t *json, size_t length);

/* A key that lives elsewhere: in a secure element, an accelerator. */
typedef struct smallgate_backend {
    uint32_t algorithm;   /* SMALLGATE_HS256 or SMALLGATE_ES256 */
    const char *key_id;   /* `kid`, or NULL; copied */
    const uint8_t *point; /* ES256: x and y, 32 octets each, big-endian, to be published; or NULL; copied */
    void *context;        /* handed to both */
    /* Signs `length` octets: for ES256 SHA-256 over them, and r and s, 32
     * octets each, big-endian; for HS256 the 32 octets of HMAC. Returns how
     * many octets it wrote, or a negative number. NULL: it does not sign. */
    int (*sign)(void *context, const uint8_t *input, size_t length, uint8_t signature[64]);
    /* Returns 0 if `signature` is this key's over `input`, 1 if it is not, or
     * a negative number if it can not tell. For ES256 it is 64 octets, for
     * HS256 32. NULL: it does not verify, unless the library can, by `point`. */
    int (*verify)(void *context, const uint8_t *input, size_t length, const uint8_t *signature,
                  size_t signature_length);
} smallgate_backend;

/* Makes `key` of callbacks. They are called by whoever uses the key, on any
 * thread that does; `context` has to live as long.
 * Errors: NULL, ALIGNMENT, TEXT, OVERLAP, VALUE, KEY_ID, KEY_POINT. */
int smallgate_key_external(smallgate_key *key, const smallgate_backend *backend);

/* Wipes a key. Errors: NULL, ALIGNMENT. */
int smallgate_key_wipe(smallgate_key *key);

/* ---------------------------------------------------------------- validate */

#define SMALLGATE_FORMAT_ACCESS_TOKEN 1u /* RFC 9068: `typ` is at+jwt, with all of its claims */
#define SMALLGATE_FORMAT_PLAIN 2u        /* RFC 7519: no `typ` or JWT; `exp`, and what the policy names */

/* What is asked of a token. */
typedef struct smallgate_policy {
    const char *issuer;   /* whose tokens are good: `iss`. NULL only for PLAIN */
    const char *audience; /* one's own name in `aud`. NULL only for PLAIN; then a token with one is refused */
    uint32_t leeway;      /* seconds that clocks may be apart, at most 60 */
    uint32_t format;      /* SMALLGATE_FORMAT_... */
} smallgate_policy;

/* Verifies a compact JWT of `length` octets, at most 1024, with one of `count`
 * keys: the one that its `kid` names, or the only one. `now` is the time.
 * `scratch` takes the decoded payload: twice the token's length is always
 * enough. It has to stay as it is while `token` is used. `token` is wiped first:
 * after any error it is none.
 * Errors: NULL, ALIGNMENT, LENGTH, TEXT, STATE (a key that was not made),
 * OVERLAP, VALUE, TOO_MANY (keys), TOO_SMALL (scratch), and those of tokens. */
int smallgate_verify(smallgate_token *token, const smallgate_policy *policy, const smallgate_key *keys, size_t count,
                     const char *jwt, size_t length, uint64_t now, uint8_t *scratch, size_t scratch_length);

/* Copies the claim `name`, a string, with a zero behind it, and says its
 * `length` without it; `length` may be NULL. A string with a zero in it is
 * CLAIM_VALUE.
 * Errors: NULL, ALIGNMENT, TEXT, STATE, OVERLAP, CLAIM_MISSING, CLAIM_TYPE,
 * CLAIM_VALUE; TOO_SMALL, and then `length` is the one it has. */
int smallgate_token_text(const smallgate_token *token, const char *name, char *out, size_t size, size_t *length);

/* Reads the claim `name`, a whole number of 0 or more such as `exp`.
 * Errors: NULL, ALIGNMENT, TEXT, STATE, OVERLAP, CLAIM_MISSING, CLAIM_TYPE,
 * CLAIM_VALUE (a fraction, or negative). */
int smallgate_token_integer(const smallgate_token *token, const char *name, uint64_t *value);

/* 0 if the token has every scope that `scope` names, separated by spaces.
 * Errors: NULL, ALIGNMENT, TEXT, STATE; SCOPE if it has not. */
int smallgate_token_scope(const smallgate_token *token, const char *scope);

/* The whole payload, a JSON object in which no name stands twice; it lies in
 * the scratch. Errors: NULL, ALIGNMENT, STATE, OVERLAP. */
int smallgate_token_payload(const smallgate_token *token, smallgate_text *json);

/* ------------------------------------------------------------------- issue */

/* The claims of a token; NULL and 0 are left out. */
typedef struct smallgate_claims {
    const char *issuer;    /* `iss` */
    const char *subject;   /* `sub` */
    const char *audience;  /* `aud` */
    const char *client_id; /* `client_id` */
    const char *scope;     /* `scope`: names with spaces between them */
    const char *jwt_id;    /* `jti` */
    uint64_t issued_at;    /* `iat` */
    uint64_t expires_at;   /* `exp` */
    uint64_t not_before;   /* `nbf` */
} smallgate_claims;

/* Signs a token of the `format` and writes it to `out` with a zero behind it;
 * its `length` without it. ACCESS_TOKEN needs all claims but `scope` and `nbf`,
 * and has no `nbf`; PLAIN takes what there is.
 * Errors: NULL, ALIGNMENT, TEXT, STATE, OVERLAP, VALUE, TOO_SMALL, KEY_TYPE,
 * CLAIM_MISSING, CLAIM_VALUE, BACKEND. After an error `out` holds nothing. */
int smallgate_issue(const smallgate_key *key, uint32_t format, const smallgate_claims *claims, char *out, size_t size,
                    size_t *length);

/* ------------------------------------------------------------------- serve */

/* Where grants are kept, if not in the server's memory. A record is
 * SMALLGATE_RECORD octets, which mean something to the library alone. `seen`
 * is whatever number the store gives to a write of a record, never the same
 * twice and never 0: that is a record which is not there. */
typedef struct smallgate_store {
    void *context;
    /* Reads the record of the grant `id`, and the number of its last write; a
     * record that is not there is `*seen = 0`. Returns 0, or a negative number
     * if the store does not work. */
    int (*load)(void *context, const uint8_t id[12], uint8_t record[96], uint64_t *seen);
    /* Writes `record`, if the last write of `id` is still `seen`; a NULL
     * `record` writes nothing and says whether it is. A new grant may take the
     * place of another, as smallgate_grants_place says, whose id then goes to
     * `gave_way`. What is said to be done has to outlive whatever the store
     * outlives. Returns a SMALLGATE_COMMITTED_...; any other number is
     * UNAVAILABLE. */
    int (*commit)(void *context, uint64_t now, const uint8_t id[12], uint64_t seen, const uint8_t *record,
                  uint8_t gave_way[12]);
} smallgate_store;

#define SMALLGATE_COMMITTED_DONE 0        /* it is done */
#define SMALLGATE_COMMITTED_GAVE_WAY 1    /* it is done, and a live grant gave way */
#define SMALLGATE_COMMITTED_CONFLICT 2    /* another write was faster; nothing was written */
#define SMALLGATE_COMMITTED_FULL 3        /* there is no room; nothing was written */
#define SMALLGATE_COMMITTED_UNAVAILABLE 4 /* the store does not work; nothing was written */
#define SMALLGATE_COMMITTED_UNKNOWN 5     /* nobody knows: the same commit is tried again */

/* A slot of a store that keeps its grants in slots. `seen` 0 is a vacant one. */
typedef struct smallgate_grant {
    uint64_t seen;
    uint8_t record[SMALLGATE_RECORD];
} smallgate_grant;

/* Finds the slot of `count` for a new grant's `record`: `place` is its number.
 * A vacant one, else a revoked one's, else an expired one's; but of an owner
 * who has as many live grants as allowed (16 for a client and user, 4 for a
 * client), its own oldest, whose id goes to `gave_way`.
 * Returns SMALLGATE_COMMITTED_DONE, GAVE_WAY or FULL; errors: NULL, ALIGNMENT,
 * LENGTH, OVERLAP, VALUE (no record). Any thread. */
int smallgate_grants_place(const smallgate_grant *slots, size_t count, uint64_t now, const uint8_t record[96],
                           size_t *place, uint8_t gave_way[12]);

/* An address that a request comes from. */
typedef struct smallgate_source {
    uint8_t family;      /* 4, 6, or 0 for a caller on the device itself */
    uint8_t address[16]; /* 4 or 16 octets of it, in network order */
} smallgate_source;

#define SMALLGATE_EVENT_ISSUED 1u           /* a token: grant_type, client, subject, id (`jti`) */
#define SMALLGATE_EVENT_CODE_ISSUED 2u      /* a code: client, subject, id (the grant's) */
#define SMALLGATE_EVENT_GAVE_WAY 3u         /* a grant: id, client */
#define SMALLGATE_EVENT_REFUSED 4u          /* a request: client, cause */
#define SMALLGATE_EVENT_LOCKED_OUT 5u       /* cause (Client, User, Source), client */
#define SMALLGATE_EVENT_REVOKED 6u          /* a grant: id, client, cause */
#define SMALLGATE_EVENT_FROM_THE_FUTURE 7u  /* a stale store: id, client */
#define SMALLGATE_EVENT_RESOURCE_REFUSED 8u /* a request to a resource: cause; id, client if the token was good so far */
#define SMALLGATE_EVENT_SIGNING_KEY 9u      /* a server was made: algorithm, key, keys */

#define SMALLGATE_GRAVITY_MISTAKEN 0u   /* for information */
#define SMALLGATE_GRAVITY_SUSPICIOUS 1u /* a credential was wrong or came again */
#define SMALLGATE_GRAVITY_BROKEN 2u     /* the server can not do its work */

/* Something that an operator should be able to find later. Nothing secret is
 * in it. What an event does not have is NULL. All of it is for the callback's
 * duration. */
typedef struct smallgate_event {
    uint32_t kind;    /* SMALLGATE_EVENT_... */
    uint32_t gravity; /* SMALLGATE_GRAVITY_... */
    smallgate_text name; /* of the kind: "issued", "refused" */
    smallgate_text grant_type;
    smallgate_text client;
    smallgate_text subject;
    smallgate_text id; /* base64url */
    smallgate_text cause;
    smallgate_text algorithm; /* of the key that signs */
    smallgate_text key;       /* its id */
    uint32_t keys;            /* how many verify, that one among them */
    smallgate_source source;
} smallgate_event;

/* What a server is made of. */
typedef struct smallgate_options {
    uint32_t abi_version; /* SMALLGATE_ABI_VERSION */
    uint32_t grants;      /* that are kept in the server's memory; 0 with a store */
    const uint8_t *image; /* a provisioning image, of `smallgate provision`. Has to stay */
    size_t image_length;
    const uint8_t *salt;              /* SMALLGATE_SALT random octets; copied */
    const smallgate_store *store;     /* or NULL: in the server's memory. Copied */
    const smallgate_key *signing_key; /* or NULL: the image's. Copied */
    void (*event)(void *context, const smallgate_event *event); /* or NULL */
    void *event_context;
} smallgate_options;

/* Makes a server in `memory` of `size` octets, which it keeps until it is
 * wiped; see SMALLGATE_SERVER_SIZE. It is all zeros before its first use. The
 * image's network and devices are not used. `server` is where it is: the
 * memory's beginning.
 * Errors: NULL, ALIGNMENT, LENGTH, OVERLAP, ABI, TOO_SMALL (memory), TOO_MANY
 * (more redirect URIs than 128), VALUE (neither grants nor a store, or both),
 * STATE (the signing key; or there is a server in the memory whose exchanges
 * are not ended), UNSUPPORTED, those of keys, and those of serving. */
int smallgate_server_init(void *memory, size_t size, const smallgate_options *options, smallgate_server **server);

/* Wipes a server and gives its memory back. Errors: NULL, ALIGNMENT; STATE if
 * it is none, or has exchanges that are not ended. */
int smallgate_server_wipe(smallgate_server *server);

/* What the image says of connections; 0 where it says nothing. */
typedef struct smallgate_limits {
    size_t body; /* octets of the longest body; a longer one is `body_too_long` */
    uint32_t head_timeout;
    uint32_t body_timeout;
    uint32_t idle_timeout;
} smallgate_limits;

/* Errors: NULL, ALIGNMENT, STATE, OVERLAP. */
int smallgate_server_limits(const smallgate_server *server, smallgate_limits *limits);

/* A header field. `value` is without the white space around it. */
typedef struct smallgate_header {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
} smallgate_header;

/* A request that has arrived whole. The framing is the caller's. */
typedef struct smallgate_request {
    const char *method; /* as in the request line */
    size_t method_length;
    const char *target; /* the absolute path, and a query if there is one */
    size_t target_length;
    const smallgate_header *headers; /* at most SMALLGATE_MAX_HEADERS, in their order */
    size_t header_count;
    uint8_t *body; /* read in place, and gone afterwards. Has to stay until the exchange is ended */
    size_t body_length;
    uint32_t body_too_long;  /* not 0: it is longer than smallgate_limits.body, and not here: 413 */
    smallgate_source source; /* the connection's; trusted proxies are the image's to name */
} smallgate_request;

/* What is known of time. */
typedef struct smallgate_clock {
    uint64_t now;           /* 0: not known, which is answered 503 */
    uint64_t floor;         /* the newest time that anything was committed at, as far as the caller knows */
    uint64_t serving_since; /* start, clock gained or store regained, whichever came last */
} smallgate_clock;

/* What an exchange wants next. */
#define SMALLGATE_STEP_LOAD 1   /* a record: smallgate_exchange_load, then _loaded */
#define SMALLGATE_STEP_WORK 2   /* a slice of password hashing: smallgate_exchange_work */
#define SMALLGATE_STEP_COMMIT 3 /* a write: smallgate_exchange_commit, then _committed */
#define SMALLGATE_STEP_DONE 4   /* smallgate_exchange_response, then _end */

/* Begins to answer a request. `exchange` is all zeros, or was ended. `entropy`
 * is SMALLGATE_ENTROPY octets of a random number generator, which nobody else
 * gets. `room`, of SMALLGATE_ROOM octets, takes the response; it and the body
 * are lent until the exchange is ended. The head is not needed afterwards.
 * Returns a SMALLGATE_STEP_...: smallgate_exchange_run does all there is to do,
 * or an event loop goes step by step.
 * Errors: NULL, ALIGNMENT, LENGTH, TEXT (method, target or a header's name is
 * not UTF-8: 400), STATE, OVERLAP, TOO_SMALL (room), TOO_MANY (headers: 431),
 * VALUE (source). */
int smallgate_exchange_begin(smallgate_exchange *exchange, smallgate_server *server, const smallgate_request *request,
                             const smallgate_clock *clock, const uint8_t entropy[48], uint8_t *room,
                             size_t room_length);

/* Begins to find out whether a request may use a resource of the caller's own,
 * which asks for every scope that `scope` names, separated by spaces; "" for
 * any good token. The token's grant is asked too, so one that was revoked does
 * not pass. Once it is done, smallgate_exchange_token has the token, or the
 * response is the refusal (RFC 6750). The body is not looked at. `scope` and
 * `room` are lent until the exchange is ended. Errors as above. */
int smallgate_exchange_authorize(smallgate_exchange *exchange, smallgate_server *server,
                                 const smallgate_request *request, const char *scope, const smallgate_clock *clock,
                                 uint8_t *room, size_t room_length);

/* Does all that is left to do, with the server's store, and returns
 * SMALLGATE_STEP_DONE. A password is hashed in one go, unless another exchange
 * of the server is at it: that is answered 503.
 * Errors: NULL, ALIGNMENT, STATE. */
int smallgate_exchange_run(smallgate_exchange *exchange);

/* At LOAD: the id of the grant whose record is wanted. Errors: NULL,
 * ALIGNMENT, STATE, OVERLAP. */
int smallgate_exchange_load(const smallgate_exchange *exchange, uint8_t id[12]);

/* Goes on after LOAD. `result` is what a store's `load` returns; `record` is
 * not looked at if that is negative or `seen` is 0. A record of another grant
 * is a store that does not work. Returns the next step; errors: NULL,
 * ALIGNMENT, STATE. */
int smallgate_exchange_loaded(smallgate_exchange *exchange, int result, const uint8_t record[96], uint64_t seen);

/* At WORK: hashes up to `iterations`, each about 10,000 instructions of a
 * Cortex-M4, unless another exchange of the server is at it: that is answered
 * 503. Returns the next step; errors: NULL, ALIGNMENT, STATE, VALUE (0). */
int smallgate_exchange_work(smallgate_exchange *exchange, uint32_t iterations);

/* What a COMMIT asks for. */
typedef struct smallgate_commit {
    uint64_t now;
    uint64_t seen;
    uint8_t id[12];
    uint8_t confirm; /* 1: write nothing, say whether `seen` is still the last write */
    uint8_t record[SMALLGATE_RECORD];
} smallgate_commit;

/* At COMMIT: what to write. Errors: NULL, ALIGNMENT, STATE, OVERLAP. */
int smallgate_exchange_commit(const smallgate_exchange *exchange, smallgate_commit *commit);

/* Goes on after COMMIT. `outcome` is a SMALLGATE_COMMITTED_...; `gave_way` is
 * looked at after GAVE_WAY alone. After UNKNOWN the same commit is wanted
 * again. Returns the next step; errors: NULL, ALIGNMENT, STATE, VALUE. */
int smallgate_exchange_committed(smallgate_exchange *exchange, int outcome, const uint8_t gave_way[12]);

/* An answer. */
typedef struct smallgate_response {
    uint32_t status;
    size_t header_count; /* for smallgate_exchange_header */
    const uint8_t *body; /* in the room, until the exchange is ended. To HEAD its length is sent without it */
    size_t body_length;
} smallgate_response;

/* At DONE: what to send. `Date`, `Content-Length` and `Connection` are the
 * caller's to add. After smallgate_exchange_authorize that permitted it there
 * is nothing to send here: status 0. Errors: NULL, ALIGNMENT, STATE, OVERLAP. */
int smallgate_exchange_response(const smallgate_exchange *exchange, smallgate_response *response);

/* At DONE: a header field of the response, from 0 on; the name is in lower
 * case. Lives as the body. Errors: NULL, ALIGNMENT, STATE, OVERLAP, VALUE. */
int smallgate_exchange_header(const smallgate_exchange *exchange, size_t index, smallgate_header *header);

/* At DONE after smallgate_exchange_authorize: the token that permits it, which
 * lives until the exchange is ended. Errors: NULL, ALIGNMENT, OVERLAP, STATE:
 * also if it was refused. */
int smallgate_exchange_token(const smallgate_exchange *exchange, smallgate_token *token);

/* Ends an exchange at any step, and wipes it and its room. One that was not
 * begun is left alone. Errors: NULL, ALIGNMENT; STATE, also of one that was
 * moved. */
int smallgate_exchange_end(smallgate_exchange *exchange);

#ifdef __cplusplus
}
#endif

#endif
