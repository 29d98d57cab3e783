@ memcpy, memmove and memset, by the names that compilers call them by (Run-time ABI for the Arm Architecture,
@ 4.3.4), for machines that load and store words at any address: Armv7-M and Armv8-M Mainline, as they are after
@ a reset.
@
@ Lengths are below 2^31, as those of all of Rust's objects. r0 to r3 and r12 are for use; memcpy, memmove and
@ memset return r0. Weak, as Rust's are: what is linked before them goes first.

        .syntax unified
        .thumb

        .macro  routine names:vararg
        .irp    name, \names
        .weak   \name
        .type   \name, %function
\name:
        .endr
        .endm

        .macro  ends names:vararg
        .irp    name, \names
        .size   \name, . - \name
        .endr
        .endm

@ Upwards, so that what lies below its source may overlap it: memmove counts on that.
        .pushsection .text.memcpy, "ax", %progbits
        .balign 4
        routine memmove, __aeabi_memmove, __aeabi_memmove4, __aeabi_memmove8
        subs    r3, r0, r1
        cmp     r3, r2
        bhs     3f              @ nothing is overwritten that is still to be read
        b       2f
@ Downwards an octet at a time: a few are moved now and then.
1:      ldrb    r3, [r1, r2]
        strb    r3, [r0, r2]
2:      subs    r2, r2, #1
        bpl     1b
        bx      lr
        ends    memmove, __aeabi_memmove, __aeabi_memmove4, __aeabi_memmove8
        routine memcpy, __aeabi_memcpy, __aeabi_memcpy4, __aeabi_memcpy8
3:      push    {r0, r4, r5, lr}
        orr     r3, r0, r1
        lsls    r3, r3, #30
        bne     3f              @ only one by one are words moved that are not aligned
        subs    r2, r2, #16
        blo     2f
1:      ldmia   r1!, {r3, r4, r5, r12}
        stmia   r0!, {r3, r4, r5, r12}
        subs    r2, r2, #16
        bhs     1b
2:      adds    r2, r2, #16
3:      subs    r2, r2, #4
        blo     5f
4:      ldr     r3, [r1], #4
        str     r3, [r0], #4
        subs    r2, r2, #4
        bhs     4b
5:      adds    r2, r2, #4
        beq     7f
6:      ldrb    r3, [r1], #1
        strb    r3, [r0], #1
        subs    r2, r2, #1
        bne     6b
7:      pop     {r0, r4, r5, pc}
        ends    memcpy, __aeabi_memcpy, __aeabi_memcpy4, __aeabi_memcpy8
        .popsection

        .pushsection .text.memset, "ax", %progbits
        .balign 4
        routine __aeabi_memclr, __aeabi_memclr4, __aeabi_memclr8
        movs    r2, #0
        routine __aeabi_memset, __aeabi_memset4, __aeabi_memset8
        mov     r3, r1          @ the length comes before the octet here
        mov     r1, r2
        mov     r2, r3
        routine memset
        mov     r12, r0
        uxtb    r1, r1
        orr     r1, r1, r1, lsl #8
        orr     r1, r1, r1, lsl #16
        subs    r2, r2, #4
        blo     2f
1:      str     r1, [r12], #4
        subs    r2, r2, #4
        bhs     1b
2:      adds    r2, r2, #4
        beq     4f
3:      strb    r1, [r12], #1
        subs    r2, r2, #1
        bne     3b
4:      bx      lr
        ends    __aeabi_memclr, __aeabi_memclr4, __aeabi_memclr8
        ends    __aeabi_memset, __aeabi_memset4, __aeabi_memset8, memset
        .popsection

        .purgem routine
        .purgem ends
