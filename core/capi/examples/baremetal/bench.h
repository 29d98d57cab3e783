/* Measuring: a line on the host's standard output for each figure, and for each
 * thing that must hold, as the Rust images print them. */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

/* What a program does. */
void run(void);

/* Says whether something holds; one that does not makes the program fail. */
void check(const char *name, int holds);

/* Counts the instructions of one `operation`, as the mean of `times`; each must
 * return 1. */
void instructions(const char *name, uint32_t times, int (*operation)(void));

#endif
