/* All of the library: a token request for client_credentials from the octets of
 * its body to those of the answer, and an answer to it at a resource. The image
 * is in image.h, which is made of `smallgate provision` by whoever builds this. */
#include "bench.h"
#include "image.h"
#include "smallgate.h"
#include "tokens.h"

#define GRANTS 16

SMALLGATE_ALIGNED static uint8_t memory[SMALLGATE_SERVER_SIZE(GRANTS)];
static smallgate_server *server;
static smallgate_exchange exchange;
static uint8_t room[SMALLGATE_ROOM];
static uint32_t events;

static void on_event(void *context, const smallgate_event *event)
{
    (void)context;
    if (event->kind == SMALLGATE_EVENT_ISSUED && event->client.length > 0)
        events++;
}

static smallgate_header header(const char *name, const char *value)
{
    smallgate_header header = {name, 0, value, 0};
    while (name[header.name_length] != '\0')
        header.name_length++;
    while (value[header.value_length] != '\0')
        header.value_length++;
    return header;
}

/* One exchange to its end; its status, or an error. */
static int exchanged(const char *method, const char *target, const char *authorization, char *body, size_t length)
{
    static const smallgate_clock clock = {NOW, 0, 0};
    static uint8_t entropy[SMALLGATE_ENTROPY];
    smallgate_response response;
    smallgate_header headers[2];
    smallgate_request request = {0};
    headers[0] = header("Content-Type", "application/x-www-form-urlencoded");
    headers[1] = header("Authorization", authorization);
    request.method = method;
    request.target = target;
    while (method[request.method_length] != '\0')
        request.method_length++;
    while (target[request.target_length] != '\0')
        request.target_length++;
    request.headers = headers;
    request.header_count = 2;
    request.body = (uint8_t *)body;
    request.body_length = length;
    /* From a generator on a real board: the emulated one has none. */
    entropy[0]++;
    int step = smallgate_exchange_begin(&exchange, server, &request, &clock, entropy, room, sizeof room);
    if (step >= 0)
        step = smallgate_exchange_run(&exchange);
    if (step >= 0)
        step = smallgate_exchange_response(&exchange, &response);
    return step < 0 ? step : (int)response.status;
}

static int token_request(void)
{
    char body[] = "grant_type=client_credentials";
    int status = exchanged("POST", "/oauth/token", AUTHORIZATION, body, sizeof body - 1);
    return status == 200 && smallgate_exchange_end(&exchange) == 0;
}

/* With the token that the response has. */
static int used(void)
{
    static char bearer[1100] = "Bearer ";
    char body[] = "grant_type=client_credentials";
    smallgate_response response;
    size_t at, to = 7;
    if (exchanged("POST", "/oauth/token", AUTHORIZATION, body, sizeof body - 1) != 200 ||
        smallgate_exchange_response(&exchange, &response) < 0)
        return 0;
    /* After `{"access_token":"`. */
    for (at = 17; at < response.body_length && response.body[at] != '"' && to + 1 < sizeof bearer; at++)
        bearer[to++] = (char)response.body[at];
    bearer[to] = '\0';
    return smallgate_exchange_end(&exchange) == 0 && exchanged("GET", "/me/", bearer, body, 0) == 200 &&
           smallgate_exchange_end(&exchange) == 0;
}

static int refused(void)
{
    char body[] = "grant_type=client_credentials";
    return exchanged("POST", "/oauth/token", "Basic eDp5", body, sizeof body - 1) == 401 &&
           smallgate_exchange_end(&exchange) == 0;
}

void run(void)
{
    static const uint8_t salt[SMALLGATE_SALT] = {5};
    smallgate_options options = {0};
    options.abi_version = SMALLGATE_ABI_VERSION;
    options.grants = GRANTS;
    options.image = image;
    options.image_length = sizeof image;
    options.salt = salt;
    options.event = on_event;
    check("server", smallgate_server_init(memory, sizeof memory, &options, &server) == 0);
    check("token request es256", token_request() && events == 1);
    check("token used", used());
    check("a wrong secret is refused", refused());
    instructions("token request es256", 10, token_request);
    check("wiped", smallgate_server_wipe(server) == 0);
}
