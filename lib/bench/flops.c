#include "bench/flops.h"

double sl_flops_layers(const struct sl_config *c, int64_t layers,
                       const struct sl_tokens *t)
{
    double D = (double)c->hidden, F = (double)c->ffn, N = (double)t->N;
    double pairs = 0; /* of a query and a key */

    for (int64_t i = 0; i < t->n; i++) {
        double len = t->start[i + 1] - t->start[i];

        pairs += len * len;
    }
    return (double)layers * (N * (8 * D * D + 4 * D * F) + 4 * D * pairs);
}

double sl_flops_head(const struct sl_config *c, int64_t rows)
{
    double D = (double)c->hidden, E = (double)c->embedding,
           V = (double)c->vocab;

    return (double)rows * (2 * D * E + 2 * E * V);
}
