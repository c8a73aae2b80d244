#include "train/meters.h"

#include <math.h>
#include <string.h>

static struct sl_meter *find(struct sl_meters *m, const char *name)
{
    for (int32_t i = 0; i < m->n; i++)
        if (!strcmp(m->meter[i].name, name))
            return &m->meter[i];
    SL_ASSERT(m->n < SL_MAX_METERS && strlen(name) < sizeof m->meter->name);
    memcpy(m->meter[m->n].name, name, strlen(name) + 1);
    return &m->meter[m->n++];
}

void sl_meters_add(struct sl_meters *m, const char *name, double sum,
                   double weight)
{
    struct sl_meter *meter = find(m, name);

    meter->sum += sum;
    meter->weight += weight;
}

void sl_meters_add_ranks(struct sl_meters *m, const int32_t *rank, int64_t n)
{
    double mrr = 0, acc1 = 0, acc3 = 0;

    for (int64_t i = 0; i < n; i++) {
        mrr += 100.0 / rank[i];
        acc1 += rank[i] <= 1 ? 100 : 0;
        acc3 += rank[i] <= 3 ? 100 : 0;
    }
    sl_meters_add(m, "mrr", mrr, (double)n);
    sl_meters_add(m, "acc1", acc1, (double)n);
    sl_meters_add(m, "acc3", acc3, (double)n);
}

void sl_meters_add_all(struct sl_meters *a, const struct sl_meters *b)
{
    for (int32_t i = 0; i < b->n; i++)
        sl_meters_add(a, b->meter[i].name, b->meter[i].sum, b->meter[i].weight);
}

void sl_meters_reset(struct sl_meters *m)
{
    *m = (struct sl_meters){0};
}

double sl_meters_mean(const struct sl_meters *m, const char *name)
{
    for (int32_t i = 0; i < m->n; i++)
        if (!strcmp(m->meter[i].name, name))
            return m->meter[i].sum / m->meter[i].weight;
    return NAN;
}

void sl_meters_report(const struct sl_meters *m, struct sl_json_writer *w)
{
    for (int32_t i = 0; i < m->n; i++)
        sl_json_add_real(w, m->meter[i].name,
                         m->meter[i].sum / m->meter[i].weight);
}

void sl_meters_save(const struct sl_meters *m, const char *key,
                    struct sl_json_writer *w)
{
    sl_json_begin(w, key, '{');
    for (int32_t i = 0; i < m->n; i++) {
        sl_json_begin(w, m->meter[i].name, '[');
        sl_json_add_real(w, NULL, m->meter[i].sum);
        sl_json_add_real(w, NULL, m->meter[i].weight);
        sl_json_end(w);
    }
    sl_json_end(w);
}

simlm_status sl_meters_load(struct sl_meters *m, struct sl_json object,
                            const char *key, simlm_error *err)
{
    struct sl_json_member at = {0};
    struct sl_json meters;

    sl_meters_reset(m);
    SL_TRY(sl_json_need(object, key, SL_JSON_OBJECT, &meters, err));
    while (sl_json_next(meters, &at)) {
        double sum, weight;

        if (m->n == SL_MAX_METERS || strlen(at.key) >= sizeof m->meter->name ||
            !sl_json_is_real(sl_json_item(at.value, 0), &sum) ||
            !sl_json_is_real(sl_json_item(at.value, 1), &weight))
            return sl_json_fail(meters, at.key, "a meter: [sum, weight]", err);
        sl_meters_add(m, at.key, sum, weight);
    }
    return SIMLM_OK;
}
