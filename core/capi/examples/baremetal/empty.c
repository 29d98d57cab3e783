/* The baseline: what a program weighs without the library. */
#include "bench.h"

static int nothing(void)
{
    return 1;
}

void run(void)
{
    check("nothing", 1);
    instructions("nothing", 1, nothing);
}
