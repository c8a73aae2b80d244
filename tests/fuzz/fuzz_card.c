/*
 * Model cards from hostile bytes: an evaluation is put in or the card refused;
 * what was put in is found again, and putting it in once more changes nothing.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "eval/eval_card.h"

static char *read_card(size_t *n, const char *path)
{
    simlm_error err;
    char *text;

    if (sl_file_read(&text, n, path, (size_t)1 << 26, &err) < 0)
        abort();
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_eval_card card = {fuzz_file(data, n), "model", "dev"};
    struct sl_eval_column column = {.name = "MRR@10", .type = "mrr@10"};
    struct simlm_eval e = {.column = &column};
    double value = 0.5;
    simlm_error err;

    if (sl_measure_parse(&column.measure, "mrr@10", &err) < 0)
        abort();
    column.scale = column.scale_all = 1;
    e.values.all = &value;
    e.n_columns = 1;
    if (sl_eval_card_put(&card, &e, &err) == SIMLM_OK) {
        size_t n_once, n_twice;
        char *once = read_card(&n_once, card.readme), *twice;

        if (!sl_eval_card_has(&card) ||
            sl_eval_card_put(&card, &e, &err) < 0)
            abort();
        twice = read_card(&n_twice, card.readme);
        if (n_once != n_twice || memcmp(once, twice, n_once) != 0)
            abort();
        sl_free(once);
        sl_free(twice);
    }
    return 0;
}
