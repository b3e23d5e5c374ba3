/* Streams 3 s of noise, and prints lines of a name and a whole number. With
 * QEMU's "-icount shift=0" an instruction takes a nanosecond: SysTick counts them. */
#include "wav2small.h"

#define SYSTICK ((volatile uint32_t *)0xE000E010)

/* Tokens are six hops behind. */
enum { SECOND = 250, HOPS = 3 * SECOND + 6, LOOPS = 100000 };

static struct wav2small stream;
static float hop[WAV2SMALL_HOP];

/* Operation of the debugger that runs the program. */
static void call(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char *name, int32_t value)
{
    char text[16], *at = text + 15;
    uint32_t rest = value < 0 ? -(uint32_t)value : (uint32_t)value;

    *at = 0;
    *--at = '\n';
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    *--at = ' ';
    call(4, name);
    call(4, at);
}

/* Ticks of two instructions, LOOPS times. */
static uint32_t calibrate(void)
{
    uint32_t start = SYSTICK[2], count = LOOPS;

    __asm__ volatile("1: subs %0, #1\n bne 1b" : "+r"(count) : : "cc");
    return (start - SYSTICK[2]) & 0xFFFFFF;
}

int main(void)
{
    uint32_t seed = 1, ticks = 0;
    float adv[3];

    SYSTICK[1] = 0xFFFFFF;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    print("ticks_of_200000", (int32_t)calibrate());
    wav2small_init(&stream);
    for (int h = 0; h < HOPS; h++) {
        uint32_t start;

        for (int i = 0; i < WAV2SMALL_HOP; i++) {
            seed = seed * 1664525u + 1013904223u;
            hop[i] = (float)(int32_t)seed * 1e-10f;
        }
        start = SYSTICK[2];
        wav2small_push(&stream, hop, WAV2SMALL_HOP);
        if (h >= HOPS - SECOND)
            ticks += (start - SYSTICK[2]) & 0xFFFFFF;
    }
    print("ticks", (int32_t)ticks);
    wav2small_window(&stream, adv);
    for (int i = 0; i < 3; i++)
        print("window", (int32_t)(adv[i] * 1e6f));
    wav2small_total(&stream, adv);
    for (int i = 0; i < 3; i++)
        print("total", (int32_t)(adv[i] * 1e6f));
    print("state", (int32_t)sizeof stream);
    call(0x18, (const void *)0x20026);
    return 0;
}
