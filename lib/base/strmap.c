/*
 * Open addressing with linear probing over indices into an entry array; keys
 * lie end to end in one text block.  The table is at most half full.
 */
#include "base/strmap.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

struct entry {
    uint64_t hash;
    int64_t at, value; /* key text: keys[at .. at + len], then NUL */
    size_t len;
};

struct sl_strmap {
    struct entry *entry;
    int64_t n, cap;
    char *keys;
    int64_t keys_len, keys_cap;
    int64_t *slot; /* entry index + 1, or 0 */
    uint64_t n_slots;
};

struct sl_strmap *sl_strmap_new(void)
{
    return SL_NEW(struct sl_strmap);
}

void sl_strmap_free(struct sl_strmap *m)
{
    if (!m)
        return;
    sl_free(m->entry);
    sl_free(m->keys);
    sl_free(m->slot);
    sl_free(m);
}

int64_t sl_strmap_count(const struct sl_strmap *m)
{
    return m->n;
}

int64_t sl_strmap_find(const struct sl_strmap *m, const char *key, size_t len)
{
    uint64_t hash, i;

    if (!m->n)
        return -1;
    hash = sl_hash64(key, len, 0);
    for (i = hash & (m->n_slots - 1); m->slot[i];
         i = (i + 1) & (m->n_slots - 1)) {
        const struct entry *e = &m->entry[m->slot[i] - 1];

        if (e->hash == hash && e->len == len &&
            !memcmp(m->keys + e->at, key, len))
            return m->slot[i] - 1;
    }
    return -1;
}

static void put_slot(struct sl_strmap *m, int64_t index)
{
    uint64_t i = m->entry[index].hash & (m->n_slots - 1);

    while (m->slot[i])
        i = (i + 1) & (m->n_slots - 1);
    m->slot[i] = index + 1;
}

static bool grow_slots(struct sl_strmap *m)
{
    uint64_t want = m->n_slots ? 2 * m->n_slots : 32;
    int64_t *slot = SL_NEW_ARRAY(int64_t, want);

    if (!slot)
        return false;
    sl_free(m->slot);
    m->slot = slot;
    m->n_slots = want;
    for (int64_t i = 0; i < m->n; i++)
        put_slot(m, i);
    return true;
}

int64_t sl_strmap_add(struct sl_strmap *m, const char *key, size_t len,
                      int64_t value, bool *added)
{
    int64_t found = sl_strmap_find(m, key, len);

    if (added)
        *added = found < 0;
    if (found >= 0)
        return found;
    if (2 * ((uint64_t)m->n + 1) > m->n_slots && !grow_slots(m))
        return -1;
    if (!sl_grow(&m->entry, &m->cap, m->n + 1, sizeof *m->entry) ||
        !sl_grow(&m->keys, &m->keys_cap, m->keys_len + (int64_t)len + 1, 1))
        return -1;
    memcpy(m->keys + m->keys_len, key, len);
    m->keys[m->keys_len + (int64_t)len] = '\0';
    m->entry[m->n] =
        (struct entry){sl_hash64(key, len, 0), m->keys_len, value, len};
    m->keys_len += (int64_t)len + 1;
    put_slot(m, m->n);
    return m->n++;
}

int64_t sl_strmap_value(const struct sl_strmap *m, int64_t entry)
{
    return m->entry[entry].value;
}

void sl_strmap_set(struct sl_strmap *m, int64_t entry, int64_t value)
{
    m->entry[entry].value = value;
}

const char *sl_strmap_key(const struct sl_strmap *m, int64_t entry)
{
    return m->keys + m->entry[entry].at;
}

size_t sl_strmap_key_len(const struct sl_strmap *m, int64_t entry)
{
    return m->entry[entry].len;
}
