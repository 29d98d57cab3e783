/* An issuer of access tokens, without a server around it. */
#include "bench.h"
#include "smallgate.h"
#include "tokens.h"

static smallgate_key hs256, es256;

static const smallgate_claims claims = {
    ISSUER, CLIENT, AUDIENCE, CLIENT, "read write", "gQIDBAUGBwgJCgsMDQ4PEA", NOW, NOW + 3600, 0,
};

/* Whether the token comes out, octet for octet: ES256 is deterministic too
 * (RFC 6979). */
static int issued(const smallgate_key *key, const char *expected, size_t expected_length)
{
    char jwt[512];
    size_t length, at;
    if (smallgate_issue(key, SMALLGATE_FORMAT_ACCESS_TOKEN, &claims, jwt, sizeof jwt, &length) < 0)
        return 0;
    if (length != expected_length)
        return 0;
    for (at = 0; at < length; at++)
        if (jwt[at] != expected[at])
            return 0;
    return 1;
}

static int issue_hs256(void)
{
    return issued(&hs256, HS256, sizeof HS256 - 1);
}

static int issue_es256(void)
{
    return issued(&es256, ES256, sizeof ES256 - 1);
}

void run(void)
{
    static const char private[] = ES256_PUBLIC ",\"d\":\"ya-p2EW6dRZrXCFXZ7HWk05Qw9s26JsSe4piKxIPZyE\"}";
    check("keys", smallgate_key_hs256(&hs256, (const uint8_t *)HS256_KEY, 32, HS256_KEY_ID) == 0 &&
                      smallgate_key_jwk(&es256, (const uint8_t *)private, sizeof private - 1) == 0);
    check("issue hs256", issue_hs256());
    check("issue es256", issue_es256());
    instructions("issue hs256", 100, issue_hs256);
    instructions("issue es256", 10, issue_es256);
}
