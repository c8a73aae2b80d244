/*
 * format/pickle.h - Python's pickles as data.  Nothing is executed.
 *
 * A pickle is a program for a small stack machine; Python's own reader calls
 * whatever functions the program names, which is why a pickle of strangers must
 * not be opened with it.  This reader runs the machine over values alone.  A
 * name of a function or class is a value (SL_PICKLE_GLOBAL); what would be a
 * call becomes a note of the call (SL_PICKLE_CALL), which the caller may
 * interpret.  Names that the caller does not allow end the reading with an
 * error that says them.  The one exception is collections.OrderedDict, which is
 * a dictionary like any other here.
 *
 * Understood are protocols 2 to 5, and of them what dictionaries, lists,
 * tuples, strings, numbers, persistent ids and calls need, and sets, which
 * become lists and tuples (Python's pickletools.py lists all instructions).
 *
 * Bounds: a pickle has at most SL_PICKLE_MAX bytes, each instruction makes at
 * most one value, of which half a million may hold others (more than tensors
 * have in so many bytes; four million tuples of one value took over a
 * gigabyte), and nothing recurses, neither here nor, since values refer to each
 * other, should anything that walks them without a bound of its own: a list may
 * hold itself.
 */
#ifndef SL_FORMAT_PICKLE_H
#define SL_FORMAT_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { SL_PICKLE_MAX = 1 << 22 }; /* thirty thousand tensors */

enum sl_pickle_kind {
    SL_PICKLE_NONE,
    SL_PICKLE_BOOL,
    SL_PICKLE_INT,
    SL_PICKLE_LONG, /* an integer of more than eight bytes */
    SL_PICKLE_REAL,
    SL_PICKLE_TEXT, /* strings and bytes alike */
    SL_PICKLE_TUPLE,
    SL_PICKLE_LIST,
    SL_PICKLE_DICT,      /* item [n]: key, value, key, value, ... */
    SL_PICKLE_GLOBAL,    /* text: "module.name", and a NUL behind it */
    SL_PICKLE_CALL,      /* item [2]: what, its arguments (a tuple) */
    SL_PICKLE_PERSISTENT /* item [1]: the id */
};

struct sl_pickled {
    enum sl_pickle_kind kind;
    int64_t cap; /* private */
    int64_t n;   /* bytes of text, or values of item */
    union {
        int64_t i; /* BOOL, INT */
        double real;
        const char *text; /* TEXT, LONG (no NUL behind the n bytes), GLOBAL */
        struct sl_pickled **item; /* the others but NONE */
    };
};

struct sl_pickle;

/* May a pickle name the function or class "module.name"? */
typedef bool sl_pickle_allow_fn(const char *name);

/*
 * Read the pickle at the start of `bytes`, which outlive the result; *used <-
 * its length.
 *
 *   E_FORMAT  not a pickle, cut short, an instruction or a name that tensors do
 *             not need, more than the bounds allow; msg gives the byte
 *   E_NOMEM
 */
simlm_status sl_pickle_read(struct sl_pickle **out, size_t *used,
                            const unsigned char *bytes, size_t n,
                            sl_pickle_allow_fn *allow, const char *path,
                            simlm_error *err);
void sl_pickle_free(struct sl_pickle *p); /* accepts NULL */

const struct sl_pickled *sl_pickle_root(const struct sl_pickle *p);

/* The persistent ids in the order in which they occur. */
int64_t sl_pickle_persistent_count(const struct sl_pickle *p);
const struct sl_pickled *sl_pickle_persistent(const struct sl_pickle *p,
                                              int64_t i);

/* Is v of kind TEXT or GLOBAL and says that? */
bool sl_pickle_is(const struct sl_pickled *v, enum sl_pickle_kind kind,
                  const char *text);

#endif
