/* The board's start, its clock, and the host's standard output. No libc. */
#include "bench.h"

/* ------------------------------------------------------------------ start */

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[];
extern uint32_t stack_top[];

void reset(void);

/* Semihosting: a service of the debugger's, which QEMU is. */
static int host(int service, const void *argument)
{
    register int number __asm__("r0") = service;
    register const void *of __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(number) : "r"(of) : "memory");
    return number;
}

/* The host's standard output, once it is open. */
static uintptr_t output;

static void say(const char *text)
{
    uintptr_t length = 0;
    while (text[length] != '\0')
        length++;
    const uintptr_t arguments[3] = {output, (uintptr_t)text, length};
    host(5, arguments);
}

static void __attribute__((noreturn)) end(uintptr_t reason)
{
    for (;;)
        host(0x18, (const void *)reason);
}

static void fault(void)
{
    end(0x20023);
}

static const struct {
    const uint32_t *stack;
    void (*handlers[15])(void);
} vectors __attribute__((section(".vector_table"), used)) = {
    stack_top,
    {reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault},
};

static volatile uint32_t *const CPACR = (volatile uint32_t *)0xE000ED88u;
static volatile uint32_t *const SYST = (volatile uint32_t *)0xE000E010u;

static int held = 1;

void reset(void)
{
    /* The floating-point unit first: its registers are used for others, too. */
    *CPACR |= 0xFu << 20;
    __asm__ volatile("dsb\nisb");
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end; to++)
        *to = *from++;
    for (uint32_t *to = bss_start; to < bss_end; to++)
        *to = 0;
    /* SysTick, all of its 24 bits, on the processor's clock. */
    SYST[1] = 0x00FFFFFFu;
    SYST[2] = 0;
    SYST[0] = 5;
    /* ":tt", to be written to. */
    const uintptr_t arguments[3] = {(uintptr_t) ":tt", 4, 3};
    output = (uintptr_t)host(1, arguments);
    run();
    if (held)
        say("done\n");
    end(held ? 0x20026 : 0x20023);
}

/* -------------------------------------------------------------- measuring */

static void line(const char *kind, const char *number, const char *name)
{
    say(kind);
    say(number);
    say(name);
    say("\n");
}

void check(const char *name, int holds)
{
    held &= holds;
    line(holds ? "check ok " : "check FAILED ", "", name);
}

static int nothing(void)
{
    return 1;
}

/* Under `-icount shift=0` an instruction takes a nanosecond, and SysTick counts
 * at 25 MHz: 40 of them. */
static uint32_t ticks(uint32_t times, int (*volatile operation)(void), int *good)
{
    SYST[2] = 0;
    (void)SYST[0];
    uint32_t start = SYST[2];
    for (uint32_t time = 0; time < times; time++)
        *good &= operation();
    uint32_t now = SYST[2];
    /* A clock that went round says so. */
    if (SYST[0] & (1u << 16))
        *good = 0;
    return (start == 0 ? 0x00FFFFFFu : start) - now;
}

void instructions(const char *name, uint32_t times, int (*operation)(void))
{
    char digits[12];
    int good = 1;
    uint32_t none = ticks(times, nothing, &good);
    uint32_t some = ticks(times, operation, &good);
    if (!good) {
        check(name, 0);
        return;
    }
    uint32_t number = (some - none) * 40u / times;
    char *at = digits + sizeof digits;
    *--at = '\0';
    *--at = ' ';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    line("instructions ", at, name);
}
