#include "run_record.h"

#include <stdio.h>
#include <stdlib.h>

static simlm_status no_memory(simlm_error *err)
{
    snprintf(err->msg, sizeof err->msg, "out of memory for a record");
    return err->code = SIMLM_E_NOMEM;
}

/* The options as JSON, free() it; NULL if out of memory. */
static char *options_json(const struct option_row *options)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    int failed;

    if (!f)
        return NULL;
    options_put_json(f, options);
    failed = ferror(f);
    if (fclose(f) || failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* Input options, then operands, free() it; NULL if out of memory. */
static const char **list_inputs(const struct option_line *line, int32_t *n)
{
    const char **input;
    size_t most = (size_t)line->n_operands;

    for (const struct option_row *o = line->options; o->type != OPT_TYPE_END;
         o++)
        most += option_input(o) != NULL;
    input = calloc(most + 1, sizeof *input);
    *n = 0;
    if (!input)
        return NULL;
    for (const struct option_row *o = line->options; o->type != OPT_TYPE_END;
         o++)
        if (option_input(o))
            input[(*n)++] = option_input(o);
    for (int i = 0; i < line->n_operands; i++)
        input[(*n)++] = line->operand[i];
    return input;
}

simlm_status run_record_write(const struct option_line *line,
                              const simlm_provenance *known, simlm_error *err)
{
    simlm_provenance p = *known;
    char *options = options_json(line->options);
    const char **inputs = list_inputs(line, &p.n_inputs);
    simlm_status st = options && inputs ? SIMLM_OK : no_memory(err);

    p.command = line->name;
    p.argument = line->argument;
    p.n_arguments = line->argument ? line->n_arguments : 0;
    p.options = options;
    p.inputs = inputs;
    for (const struct option_row *o = line->options;
         st == SIMLM_OK && o->type != OPT_TYPE_END; o++)
        if (option_output(o))
            st = simlm_provenance_write(option_output(o), &p, err);
    free(options);
    free(inputs);
    return st;
}
