/*
 * suggest.h - "did you mean": the known word nearest to a mistyped one.
 *
 *     struct suggestion s = { .typed = "serach" };
 *     suggestion_offer(&s, "encode"), suggestion_offer(&s, "search"), ...
 *     if (suggestion_best(&s)) ...
 */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

struct suggestion {
    const char *typed;
    const char *best; /* private */
    int distance;
};

void suggestion_offer(struct suggestion *s, const char *known);

/* NULL if none is near: at most a third of its letters differ. */
const char *suggestion_best(const struct suggestion *s);

#endif
