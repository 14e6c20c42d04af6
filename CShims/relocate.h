/* Before the relocation of this executable. Private to CShims. */
#ifndef CS_RELOCATE_H
#define CS_RELOCATE_H

void cs_fetch_relocated(void);
/* Behind the zeros that only pid 1 of a place uses (processes.c). */
const char *cs_init_memory_end(void);

#endif
