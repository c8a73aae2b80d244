#include "run_log.h"

#include <string.h>
#include <time.h>

#include <simlm/version.h>

#include "json_put.h"

static const double TELL_EVERY = 10; /* seconds */

bool run_log_open(struct cli_log *log, const char *path)
{
    *log = (struct cli_log){.f = strcmp(path, "-") ? fopen(path, "a") : stdout};
    if (!log->f)
        return false;
    setvbuf(log->f, NULL, _IOLBF, 0);
    return true;
}

static void put_texts(FILE *f, const char *key, const char *const *text, int n)
{
    fprintf(f, ",\"%s\":[", key);
    for (int i = 0; text && i < n; i++) {
        fputs(i ? "," : "", f);
        json_put_text(f, text[i]);
    }
    putc(']', f);
}

static void put_seconds(FILE *f, double seconds)
{
    fprintf(f, ",\"seconds\":%.3f", seconds);
}

void run_log_command(struct cli_log *log, const struct option_line *line)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[32];

    if (!log->f)
        return;
    fputs("{\"event\":\"command\",\"command\":", log->f);
    json_put_text(log->f, line->name);
    put_texts(log->f, "arguments", line->argument, line->n_arguments);
    put_texts(log->f, "operands", (const char *const *)line->operand,
              line->n_operands);
    fputs(",\"options\":", log->f);
    if (line->options)
        options_put_json(log->f, line->options);
    else
        fputs("{}", log->f);
    fprintf(log->f, ",\"simlm\":\"%s\"", SIMLM_VERSION);
    if (gmtime_r(&now, &utc) &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc))
        fprintf(log->f, ",\"time\":\"%s\"", text);
    fputs("}\n", log->f);
}

void run_log_progress(struct cli_log *log, double seconds, const char *phase,
                      int64_t done, int64_t total, const char *unit)
{
    bool fresh = strncmp(log->phase, phase, sizeof log->phase - 1) != 0;
    bool over = total > 0 && done >= total;

    if (!log->f || (!fresh && !over && seconds - log->told < TELL_EVERY))
        return;
    snprintf(log->phase, sizeof log->phase, "%s", phase);
    log->told = seconds;
    fputs("{\"event\":\"progress\",\"phase\":", log->f);
    json_put_text(log->f, phase);
    fprintf(log->f, ",\"done\":%lld,\"total\":%lld,\"unit\":", (long long)done,
            (long long)total);
    json_put_text(log->f, unit);
    put_seconds(log->f, seconds);
    fputs("}\n", log->f);
}

void run_log_text(struct cli_log *log, const char *event, const char *text)
{
    if (!log->f)
        return;
    fprintf(log->f, "{\"event\":\"%s\",\"text\":", event);
    json_put_text(log->f, text);
    fputs("}\n", log->f);
}

void run_log_json(struct cli_log *log, const char *json)
{
    if (log->f)
        fprintf(log->f, "%s\n", json);
}

void run_log_result(struct cli_log *log, double seconds,
                    const struct option_line *line)
{
    const char *between = "";

    if (!log->f)
        return;
    fputs("{\"event\":\"result\",\"outputs\":[", log->f);
    for (const struct option_row *o = line->options;
         o && o->type != OPT_TYPE_END; o++) {
        if (!option_output(o))
            continue;
        fputs(between, log->f);
        json_put_text(log->f, option_output(o));
        between = ",";
    }
    putc(']', log->f);
    put_seconds(log->f, seconds);
    fputs("}\n", log->f);
}

void run_log_error(struct cli_log *log, double seconds, simlm_status st,
                   const char *text)
{
    if (!log->f)
        return;
    fputs("{\"event\":\"error\",\"status\":", log->f);
    json_put_text(log->f, simlm_strstatus(st));
    fputs(",\"text\":", log->f);
    json_put_text(log->f, text);
    put_seconds(log->f, seconds);
    fputs("}\n", log->f);
}

bool run_log_close(struct cli_log *log)
{
    bool failed = log->f && ferror(log->f);

    if (log->f && (log->f == stdout ? fflush(stdout) : fclose(log->f)))
        failed = true;
    log->f = NULL;
    return !failed;
}
