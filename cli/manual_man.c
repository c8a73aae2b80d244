/*
 * manual_man.c - man pages, in the man(7) macros that every man reads.
 *
 * Text goes through put_text(), which knows what troff takes for its own: a
 * backslash, a minus (plain "-" is a hyphen there, which cannot be pasted into
 * a shell), a full stop or a quote at the start of a line.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <simlm/version.h>

#include "commands.h"
#include "options.h"

enum { LINE = 72 };

/* ---- text ---------------------------------------------------------------- */

static void put_char(char c)
{
    if (c == '\\')
        fputs("\\e", stdout);
    else if (c == '-')
        fputs("\\-", stdout);
    else
        putchar(c);
}

static void put_bytes(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_char(s[i]);
}

static void put_in_font(char font, const char *s, size_t n)
{
    printf("\\f%c", font);
    put_bytes(s, n);
    fputs("\\fR", stdout);
}

/* How many bytes of s are an option: "-o", "--model"; 0 if it is none. */
static size_t option_bytes(const char *s)
{
    size_t n = strspn(s, "-");

    if (n < 1 || n > 2 || !isalpha((unsigned char)s[n]))
        return 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '-')
        n++;
    return n;
}

/* One word of a text, with options in bold and <things> in italics. */
static void put_word(const char *s, size_t n)
{
    size_t i = strspn(s, "['(");

    put_bytes(s, i < n ? i : n);
    if (i < n && option_bytes(s + i)) {
        size_t k = option_bytes(s + i);

        k = k < n - i ? k : n - i;
        put_in_font('B', s + i, k);
        i += k;
    }
    for (; i < n; i++) {
        const char *end = s[i] == '<' ? memchr(s + i, '>', n - i) : NULL;

        if (!end) {
            put_char(s[i]);
            continue;
        }
        put_in_font('I', s + i + 1, (size_t)(end - s - (long)i - 1));
        i = (size_t)(end - s);
    }
}

/*
 * Words on lines of their own length: a new one after each sentence, as is the
 * custom, and .PP between paragraphs.
 */
static void put_text(const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t n = strcspn(text, " \n");

        if (column + n > LINE && column) {
            putchar('\n');
            column = 0;
        } else if (column) {
            putchar(' ');
        }
        if (!column && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        put_word(text, n);
        column += n + 1;
        text += n;
        if (n && text[-1] == '.' && *text == ' ') {
            putchar('\n');
            column = 0;
        }
        if (!strncmp(text, "\n\n", 2)) {
            fputs("\n.PP\n", stdout);
            column = 0;
            text++;
        }
        if (*text)
            text++;
    }
    putchar('\n');
}

/* ---- parts --------------------------------------------------------------- */

/* "bm25 index" -> "simlm-bm25-index". */
static void page_name(char *buf, size_t size, const char *name)
{
    snprintf(buf, size, "simlm%s%s", *name ? "-" : "", name);
    for (char *s = buf; *s; s++)
        if (*s == ' ')
            *s = '-';
}

static void put_head(const char *name, const char *summary)
{
    char page[64];

    page_name(page, sizeof page, name);
    fputs(".TH ", stdout);
    for (const char *s = page; *s; s++)
        put_char((char)toupper((unsigned char)*s));
    printf(" 1 \"\" \"simlm %s\" \"simlm manual\"\n", SIMLM_VERSION);
    printf(".SH NAME\n");
    put_bytes(page, strlen(page));
    fputs(" \\- ", stdout);
    put_bytes(summary, strlen(summary));
    putchar('\n');
}

static void put_synopsis(const char *const *usage)
{
    printf(".SH SYNOPSIS\n");
    for (const char *const *u = usage; *u; u++) {
        if (u != usage)
            printf(".PP\n");
        put_text(*u);
    }
}

static void put_limits(const struct option_row *o)
{
    bool whole = o->type == OPT_TYPE_INT || o->type == OPT_TYPE_INT64;

    if (!whole && o->type != OPT_TYPE_REAL)
        return;
    if (o->max >= 1e9)
        printf("At least %g.\n", o->min);
    else
        printf(whole ? "From %.0f to %.0f.\n" : "From %g to %g.\n", o->min,
               o->max);
}

static void put_sentence(const char *help)
{
    size_t first = strcspn(help, " :");
    char text[512];

    snprintf(text, sizeof text, "%s.", help);
    if (help[first] != ':') /* a name, not a word */
        *text = (char)toupper((unsigned char)*text);
    put_text(text);
}

static void put_row(const struct option_row *o)
{
    char value[64];

    fputs(".TP\n", stdout);
    if (o->short_name)
        printf("\\fB\\-%c\\fR, ", o->short_name);
    fputs("\\fB\\-\\-", stdout);
    put_bytes(o->long_name, strlen(o->long_name));
    fputs("\\fR", stdout);
    if (o->arg) {
        putchar(' ');
        put_in_font(o->type == OPT_TYPE_CHOICE ? 'R' : 'I', o->arg,
                    strlen(o->arg));
    }
    putchar('\n');
    put_sentence(o->help);
    put_limits(o);
    option_value(value, sizeof value, o);
    if (*value) {
        fputs("Default: ", stdout);
        put_bytes(value, strlen(value));
        fputs(".\n", stdout);
    }
}

/* Options that exclude this one. */
static void put_conflicts(const struct option_row *options,
                          const struct option_row *of)
{
    char other[64];

    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        if (o->type != OPT_TYPE_CONFLICT || strcmp(o->long_name, of->long_name))
            continue;
        fputs("Not together with", stdout);
        for (int i = 0; option_choice(other, sizeof other, o->arg, i); i++) {
            fputs(i ? ", " : " ", stdout);
            fputs("\\fB\\-\\-", stdout);
            put_bytes(other, strlen(other));
            fputs("\\fR", stdout);
        }
        fputs(".\n", stdout);
    }
}

static void put_options(const struct option_row *options)
{
    printf(".SH OPTIONS\n");
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        if (o->type == OPT_TYPE_GROUP) {
            printf(".SS %s\n", o->help);
        } else if (option_is_one(o)) {
            put_row(o);
            put_conflicts(options, o);
        }
    }
    printf(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nShow a summary and exit.\n");
}

/* Command lines as they are typed. */
static void put_literal(const char *text)
{
    bool at_start = true;

    printf(".PP\n.RS 4\n.nf\n");
    for (; *text; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        put_char(*text);
        at_start = *text == '\n';
    }
    printf("\n.fi\n.RE\n");
}

static void put_examples(const char *const *examples)
{
    if (!*examples)
        return;
    printf(".SH EXAMPLES\n");
    for (const char *const *e = examples; *e; e += 2) {
        char line[256];

        if (e != examples)
            printf(".PP\n");
        snprintf(line, sizeof line, "%s:", e[0]);
        put_text(line);
        put_literal(e[1]);
    }
}

static void put_pairs(const char *const *pairs)
{
    for (const char *const *p = pairs; *p; p += 2) {
        fputs(".TP\n", stdout);
        put_text(p[0]);
        put_text(p[1]);
    }
}

static void put_list(const char *title, const char *const *pairs)
{
    printf(".SH %s\n", title);
    put_pairs(pairs);
}

/* The command's own files, and the record beside an output. */
static void put_files(const struct option_row *options,
                      const struct manual *manual)
{
    static const char *const record[] = {
        "<output>.command.json, or command.json in an <output> directory",
        "How the output came about: the command line, all options as they were "
        "resolved, hashes of the inputs, version, threads, time.",
        NULL,
    };
    bool any = false;

    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        any = any || o->role == OPT_ROLE_OUTPUT;
    if (!any && !manual->files)
        return;
    printf(".SH FILES\n");
    if (manual->files)
        put_pairs(manual->files);
    if (any)
        put_pairs(record);
}

static void put_exit_status(void)
{
    static const char *const codes[] = {
        "0",
        "The command has done what it was asked.",
        "1",
        "It failed; one line on standard error says why, and no output was "
        "left half written.",
        "2",
        "The command line was wrong.",
        NULL,
    };

    put_list("EXIT STATUS", codes);
}

static void put_see(const char *const *see)
{
    char page[64];

    printf(".SH SEE ALSO\n.BR simlm (1)");
    for (; see && *see; see++) {
        page_name(page, sizeof page, *see);
        fputs(",\n.BR ", stdout);
        put_bytes(page, strlen(page));
        fputs(" (1)", stdout);
    }
    putchar('\n');
}

/* ---- pages --------------------------------------------------------------- */

void manual_print_man(const char *name, const struct option_row *options,
                      const struct manual *manual)
{
    const struct command *c = command_named(name);

    put_head(name, c ? c->summary : "");
    put_synopsis(manual->usage);
    printf(".SH DESCRIPTION\n");
    put_text(manual->description);
    put_options(options);
    put_examples(manual->examples);
    put_exit_status();
    put_files(options, manual);
    put_see(manual->see);
}

static void put_commands(void)
{
    char page[64];

    printf(".SH COMMANDS\n");
    for (const struct command *c = commands; c->name; c++) {
        page_name(page, sizeof page, c->name);
        fputs(".TP\n.BR ", stdout);
        put_bytes(page, strlen(page));
        fputs(" (1)\n", stdout);
        put_sentence(c->summary);
    }
}

void manual_print_program(const struct manual *manual)
{
    static const char *const environment[] = {
        "SIMLM_CPU",
        "The instruction set to use at most: ref, avx2 or avx512.",
        "COLUMNS",
        "The width of progress bars, instead of the terminal's own.",
        "TERM",
        "If it is dumb, no progress bars are drawn.",
        NULL,
    };

    put_head("", "make, train, run and judge dense passage retrievers");
    put_synopsis(manual->usage);
    printf(".SH DESCRIPTION\n");
    put_text(manual->description);
    put_commands();
    put_examples(manual->examples);
    put_exit_status();
    put_list("ENVIRONMENT", environment);
    put_list("FILES", manual->files);
    put_see((const char *const[]){"help", "completion", NULL});
}
