/* A resource server alone: it verifies, and signs nothing. */
#include "bench.h"
#include "smallgate.h"
#include "tokens.h"

static smallgate_key hs256, es256;
static const smallgate_policy policy = {ISSUER, AUDIENCE, 0, SMALLGATE_FORMAT_ACCESS_TOKEN};

/* Whether the token is good, and for the scope that it should be for. */
static int verified(const smallgate_key *key, const char *jwt, size_t length, uint64_t now)
{
    smallgate_token token;
    uint8_t scratch[512];
    int error = smallgate_verify(&token, &policy, key, 1, jwt, length, now, scratch, sizeof scratch);
    if (error < 0)
        return error;
    return smallgate_token_scope(&token, "write");
}

static int verify_hs256(void)
{
    return verified(&hs256, HS256, sizeof HS256 - 1, NOW) == 0;
}

static int verify_es256(void)
{
    return verified(&es256, ES256, sizeof ES256 - 1, NOW) == 0;
}

/* A changed signature, and the right token an hour later. */
static int refuses(const smallgate_key *key, const char *jwt, size_t length)
{
    char changed[512];
    size_t at;
    for (at = 0; at < length; at++)
        changed[at] = jwt[at];
    changed[length - 5] = changed[length - 5] == 'A' ? 'B' : 'A';
    return verified(key, changed, length, NOW) == SMALLGATE_ERROR_SIGNATURE &&
           verified(key, jwt, length, NOW + 3600) == SMALLGATE_ERROR_EXPIRED;
}

void run(void)
{
    static const char public[] = ES256_PUBLIC "}";
    check("keys", smallgate_key_hs256(&hs256, (const uint8_t *)HS256_KEY, 32, HS256_KEY_ID) == 0 &&
                      smallgate_key_jwk(&es256, (const uint8_t *)public, sizeof public - 1) == 0);
    check("verify hs256", verify_hs256() && refuses(&hs256, HS256, sizeof HS256 - 1));
    check("verify es256", verify_es256() && refuses(&es256, ES256, sizeof ES256 - 1));
    instructions("verify hs256", 100, verify_hs256);
    instructions("verify es256", 10, verify_es256);
}
