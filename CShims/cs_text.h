/* Comparing text before libc is there (entry.c). Private to CShims. */
#ifndef CS_TEXT_H
#define CS_TEXT_H

static inline int cs_same_text(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return *left == *right;
}

#endif
