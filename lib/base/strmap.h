/*
 * base/strmap.h - a hash map from byte strings to int64_t.
 *
 * Keys are copied.  Entries keep the order in which they were added: entry i
 * has key sl_strmap_key(m, i).  An interner is a map whose value is the index.
 */
#ifndef SL_BASE_STRMAP_H
#define SL_BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_strmap;

struct sl_strmap *sl_strmap_new(void); /* NULL if out of memory */
void sl_strmap_free(struct sl_strmap *m);
int64_t sl_strmap_count(const struct sl_strmap *m);

/* The entry's index (>= 0), or -1 if the key is absent. */
int64_t sl_strmap_find(const struct sl_strmap *m, const char *key, size_t len);

/*
 * Add key -> value.  Returns the entry's index; an existing key keeps its value
 * and *added (if not NULL) is false.  -1 if out of memory.
 */
int64_t sl_strmap_add(struct sl_strmap *m, const char *key, size_t len,
                      int64_t value, bool *added);

int64_t sl_strmap_value(const struct sl_strmap *m, int64_t entry);
void sl_strmap_set(struct sl_strmap *m, int64_t entry, int64_t value);

/* NUL-terminated, valid until the map is freed or the next add. */
const char *sl_strmap_key(const struct sl_strmap *m, int64_t entry);
size_t sl_strmap_key_len(const struct sl_strmap *m, int64_t entry);

#endif
