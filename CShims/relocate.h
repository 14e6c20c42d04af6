/* Before the relocation of this executable. Private to CShims. */
#ifndef CS_RELOCATE_H
#define CS_RELOCATE_H

void cs_fetch_relocated(void);

#endif
