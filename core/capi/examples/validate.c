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

/* Who a token is. */
typedef struct who {
    char subject[256];
    char client[256];
    char scope[256];
} who;

/* A claim; empty if it is not there. One that does not fit is an error: half a
 * name may be somebody else's. */
static int read_claim(const smallgate_token *token, const char *name, char text[256])
{
    int error = smallgate_token_text(token, name, text, 256, NULL);
    text[error < 0 ? 0 : 255] = '\0';
    return error == SMALLGATE_ERROR_CLAIM_MISSING ? 0 : error;
}

static int read_who(const smallgate_token *token, who *who)
{
    int error = read_claim(token, "sub", who->subject);
    if (error >= 0)
        error = read_claim(token, "client_id", who->client);
    if (error >= 0)
        error = read_claim(token, "scope", who->scope);
    return error;
}

/* Claims are the issuer's word: what could pass for another field or line, or
 * turn a terminal, is printed as %20 is for a space. The scope comes last, so
 * that its spaces may stay. */
static void print_claim(const char *name, const char *text, int spaces)
{
    if (*text == '\0')
        return;
    printf(" %s=", name);
    for (; *text != '\0'; text++) {
        unsigned char octet = (unsigned char)*text;
        if (octet < 0x20 || octet >= 0x7F || octet == '%' || octet == '=' || (octet == ' ' && !spaces))
            printf("%%%02X", (unsigned int)octet);
        else
            putchar(octet);
    }
}

/* The rest of a line that is longer than any token. 0 if it ended here. */
static int pass_over_line(const char *line)
{
    int octet, passed = 0;
    if (strchr(line, '\n') != NULL)
        return 0;
    while ((octet = getchar()) != EOF && octet != '\n')
        passed = 1;
    return passed;
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
        who who;
        uint64_t now = argc > 4 ? strtoull(argv[4], NULL, 10) : (uint64_t)time(NULL);
        length = strcspn(line, "\r\n");
        error = pass_over_line(line) ? SMALLGATE_ERROR_MALFORMED : 0;
        if (error == 0)
            error = smallgate_verify(&token, &policy, keys, count, line, length, now, scratch, sizeof scratch);
        if (error >= 0)
            error = read_who(&token, &who);
        if (error < 0) {
            printf("refused: %s\n", smallgate_strerror(error));
            worst = 1;
            continue;
        }
        printf("good:");
        print_claim("sub", who.subject, 0);
        print_claim("client_id", who.client, 0);
        print_claim("scope", who.scope, 1);
        printf("\n");
    }
    for (size_t at = 0; at < count; at++)
        smallgate_key_wipe(&keys[at]);
    return worst;
}
