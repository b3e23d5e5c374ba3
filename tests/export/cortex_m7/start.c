/* Start of a program on a Cortex-M7: copies data, clears the rest, switches on the FPU. */
#include <stdint.h>

extern uint32_t stack_top, data_source, data_start, data_end, bss_start, bss_end;

int main(void);
void reset(void);

void reset(void)
{
    const uint32_t *from = &data_source;

    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm__ volatile("dsb\n isb");
    for (uint32_t *to = &data_start; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end;)
        *to++ = 0;
    main();
    for (;;)
        ;
}

__attribute__((section(".vectors"), used)) void *const vectors[2] = {&stack_top, reset};
