/*
 * Distance is Damerau's in its restricted form: letters left out, put in,
 * replaced, or two neighbours swapped, each costs one.
 */
#include "suggest.h"

#include <stddef.h>
#include <string.h>

enum { LONGEST = 48 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* a and b are shorter than LONGEST. */
static int distance(const char *a, const char *b)
{
    int d[LONGEST][LONGEST];
    int n = (int)strlen(a), m = (int)strlen(b);

    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            if (!i || !j) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
                            d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

void suggestion_offer(struct suggestion *s, const char *known)
{
    int far;

    if (strlen(s->typed) >= LONGEST || strlen(known) >= LONGEST)
        return;
    far = distance(s->typed, known);
    if (3 * far > (int)strlen(known) || (s->best && far >= s->distance))
        return;
    s->best = known;
    s->distance = far;
}

const char *suggestion_best(const struct suggestion *s)
{
    return s->best;
}
