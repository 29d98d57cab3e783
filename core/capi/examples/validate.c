/*
 * A filter: for each token on a line of standard input, who it is, or why not.
 *
 *     validate JWKS-FILE ISSUER AUDIENCE [NOW] < tokens
 *
 * NOW is a Unix time, for tests; without it, the clock's. Ends with 1 if a token
 * was refused, with 2 if it could not begin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "smallgate.h"

static int fail(const char *what, int error)
{
    fprintf(stderr, "validate: %s: %s\n", what, smallgate_strerror(error));
    return 2;
}

/* Prints who a token is; the token's claims are the issuer's word, so control
 * characters in them go no further than here. */
static void print_claim(const smallgate_token *token, const char *name)
{
    char text[256];
    if (smallgate_token_text(token, name, text, sizeof text, NULL) < 0)
        return;
    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = '?';
    printf(" %s=%s", name, text);
}

int main(int argc, char **argv)
{
    static uint8_t json[32768];
    static char line[2048];
    static uint8_t scratch[2 * sizeof line];
    smallgate_key keys[SMALLGATE_MAX_KEYS];
    size_t count = 0;
    int worst = 0;

    if (argc < 4) {
        fprintf(stderr, "usage: validate JWKS-FILE ISSUER AUDIENCE [NOW] < tokens\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "rb");
    if (file == NULL) {
        perror(argv[1]);
        return 2;
    }
    size_t length = fread(json, 1, sizeof json, file);
    fclose(file);
    int error = smallgate_keys_jwks(keys, SMALLGATE_MAX_KEYS, &count, json, length);
    if (error < 0)
        return fail(argv[1], error);

    smallgate_policy policy;
    memset(&policy, 0, sizeof policy);
    policy.issuer = argv[2];
    policy.audience = argv[3];
    policy.leeway = 5;
    policy.format = SMALLGATE_FORMAT_ACCESS_TOKEN;

    while (fgets(line, sizeof line, stdin) != NULL) {
        smallgate_token token;
        uint64_t now = argc > 4 ? strtoull(argv[4], NULL, 10) : (uint64_t)time(NULL);
        length = strcspn(line, "\r\n");
        error = smallgate_verify(&token, &policy, keys, count, line, length, now, scratch, sizeof scratch);
        if (error < 0) {
            printf("refused: %s\n", smallgate_strerror(error));
            worst = 1;
            continue;
        }
        printf("good:");
        print_claim(&token, "sub");
        print_claim(&token, "client_id");
        print_claim(&token, "scope");
        printf("\n");
    }
    for (size_t at = 0; at < count; at++)
        smallgate_key_wipe(&keys[at]);
    return worst;
}
