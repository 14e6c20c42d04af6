#include "cs_folders.h"

#include "cs_sys.h"

long cs_entries(int folder, void *buffer, size_t size)
{
    long result;
    do
        result = CS_CALL3(SYS_getdents64, folder, buffer, size);
    while (result == -EINTR);
    return result;
}
