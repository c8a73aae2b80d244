#include "fake_ranks.h"

#include "check.h"
#include "comm/comm.h"
#include "comm/transport.h"

static struct {
    struct sl_transport t;
    bool all_known;
    int32_t n_played, n_gathered;
    unsigned char shared[4096];
} ranks;

static void gather(void *all, const int64_t *part)
{
    int32_t r = ranks.t.rank;
    unsigned char *own = (unsigned char *)all + part[r];
    size_t n = (size_t)(part[r + 1] - part[r]);

    assert_true(part[ranks.t.size] <= (int64_t)sizeof ranks.shared);
    ranks.n_gathered++;
    if (!ranks.all_known) {
        memcpy(ranks.shared + part[r], own, n);
        memset(all, 0, (size_t)part[ranks.t.size]);
        return;
    }
    assert_memory_equal(own, ranks.shared + part[r], n);
    memcpy(all, ranks.shared, (size_t)part[ranks.t.size]);
}

void fake_ranks_begin(int32_t size)
{
    memset(&ranks, 0, sizeof ranks);
    ranks.t = (struct sl_transport){.size = size, .gather = gather};
    sl_comm_use(&ranks.t);
}

bool fake_ranks_next(bool *known)
{
    int32_t size = ranks.t.size, i = ranks.n_played++;

    ranks.t.rank = i % size;
    *known = ranks.all_known = i >= size;
    return i < 2 * size;
}

void fake_ranks_end(void)
{
    sl_comm_use(NULL);
    assert_int_equal(ranks.n_gathered, 2 * ranks.t.size);
}

int fake_ranks_teardown(void **state)
{
    (void)state;
    sl_comm_use(NULL);
    return 0;
}
