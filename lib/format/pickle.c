#include "format/pickle.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

enum { CHUNK = 256, MAX_MEMO = 1 << 20, MAX_FILLED = 1 << 19 };

/* Values live in chunks, so that pointers to them stay. */
struct chunk {
    struct chunk *next;
    int64_t n;
    struct sl_pickled v[CHUNK];
};

/* Pointers to values: the stack, the memo, the list of persistent ids. */
struct list {
    struct sl_pickled **v;
    int64_t n, cap;
};

struct sl_pickle {
    struct chunk *chunks;
    struct list persistent;
    struct list names; /* globals whose text is ours */
    struct sl_pickled *root;
};

struct machine {
    struct sl_pickle *made;
    const unsigned char *start, *p, *end;
    sl_pickle_allow_fn *allow;
    const char *path;
    struct list stack, memo;
    int64_t *mark; /* heights of the stack */
    int64_t n_marks, cap_marks;
    int64_t n_filled; /* values that hold others */
    bool done;
    simlm_error *err;
};

/* ---- failing ------------------------------------------------------------- */

static simlm_status bad(const struct machine *m, const char *what)
{
    return sl_fail(m->err, SIMLM_E_FORMAT, "%s: pickle, byte %lld: %s", m->path,
                   (long long)(m->p - m->start), what);
}

static simlm_status no_memory(const struct machine *m)
{
    return sl_fail_nomem(m->err, m->path);
}

/* ---- values -------------------------------------------------------------- */

static struct sl_pickled *new_value(struct machine *m, enum sl_pickle_kind kind)
{
    struct chunk *c = m->made->chunks;

    if (!c || c->n == CHUNK) {
        c = SL_NEW(struct chunk);
        if (!c)
            return NULL;
        c->next = m->made->chunks;
        m->made->chunks = c;
    }
    c->v[c->n].kind = kind;
    return &c->v[c->n++];
}

static bool has_items(enum sl_pickle_kind kind)
{
    return kind == SL_PICKLE_TUPLE || kind == SL_PICKLE_LIST ||
           kind == SL_PICKLE_DICT || kind == SL_PICKLE_CALL ||
           kind == SL_PICKLE_PERSISTENT;
}

static bool append(struct list *l, struct sl_pickled *v)
{
    if (!sl_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v))
        return false;
    l->v[l->n++] = v;
    return true;
}

static simlm_status append_items(struct machine *m, struct sl_pickled *to,
                                 struct sl_pickled *const *from, int64_t n)
{
    if (n && !to->cap && ++m->n_filled > MAX_FILLED)
        return bad(m, "it is too long: over half a million tuples or lists");
    if (!sl_grow(&to->item, &to->cap, to->n + n, sizeof *to->item))
        return no_memory(m);
    if (n)
        memcpy(to->item + to->n, from, (size_t)n * sizeof *from);
    to->n += n;
    return SIMLM_OK;
}

static simlm_status push(struct machine *m, struct sl_pickled *v)
{
    return v && append(&m->stack, v) ? SIMLM_OK : no_memory(m);
}

/* The lowest value that an instruction may take: what is below the last mark
 * belongs to another one. */
static int64_t floor_of(const struct machine *m)
{
    return m->n_marks ? m->mark[m->n_marks - 1] : 0;
}

static simlm_status need(const struct machine *m, int64_t n)
{
    return m->stack.n - floor_of(m) >= n ? SIMLM_OK
                                         : bad(m, "too few values to work on");
}

static struct sl_pickled *pop(struct machine *m)
{
    return m->stack.v[--m->stack.n];
}

static struct sl_pickled *top(const struct machine *m)
{
    return m->stack.v[m->stack.n - 1];
}

/* ---- bytes --------------------------------------------------------------- */

static simlm_status take(struct machine *m, const unsigned char **p, uint64_t n)
{
    if ((uint64_t)(m->end - m->p) < n)
        return bad(m, "it ends too early, or is too long");
    *p = m->p;
    m->p += n;
    return SIMLM_OK;
}

/* An unsigned little-endian number of `bytes` bytes. */
static simlm_status take_number(struct machine *m, uint64_t *x, int bytes)
{
    const unsigned char *p = NULL;

    SL_TRY(take(m, &p, (uint64_t)bytes));
    *x = 0;
    while (bytes--)
        *x = *x << 8 | p[bytes];
    return SIMLM_OK;
}

/* Up to the next line end, which is taken, too. */
static simlm_status take_line(struct machine *m, const char **s, size_t *n)
{
    const unsigned char *end = memchr(m->p, '\n', (size_t)(m->end - m->p));

    if (!end)
        return bad(m, "it ends too early, or is too long");
    *s = (const char *)m->p;
    *n = (size_t)(end - m->p);
    m->p = end + 1;
    return SIMLM_OK;
}

/* ---- instructions: scalars ----------------------------------------------- */

typedef simlm_status op_fn(struct machine *m, int arg);

static simlm_status op_proto(struct machine *m, int arg)
{
    uint64_t version = 0;

    (void)arg;
    SL_TRY(take_number(m, &version, 1));
    return version >= 2 && version <= 5
               ? SIMLM_OK
               : bad(m, "a protocol other than 2 to 5");
}

static simlm_status op_frame(struct machine *m, int arg)
{
    uint64_t n;

    (void)arg; /* a hint for readers of streams */
    return take_number(m, &n, 8);
}

static simlm_status op_none(struct machine *m, int arg)
{
    (void)arg;
    return push(m, new_value(m, SL_PICKLE_NONE));
}

static simlm_status push_int(struct machine *m, enum sl_pickle_kind kind,
                             int64_t i)
{
    struct sl_pickled *v = new_value(m, kind);

    if (v)
        v->i = i;
    return push(m, v);
}

static simlm_status op_bool(struct machine *m, int arg)
{
    return push_int(m, SL_PICKLE_BOOL, arg);
}

/* Of one, two (unsigned) or four bytes (signed). */
static simlm_status op_int(struct machine *m, int bytes)
{
    uint64_t x = 0;

    SL_TRY(take_number(m, &x, bytes));
    return push_int(m, SL_PICKLE_INT,
                    bytes == 4 ? (int64_t)(int32_t)(uint32_t)x : (int64_t)x);
}

static simlm_status push_text(struct machine *m, enum sl_pickle_kind kind,
                              const void *text, uint64_t n)
{
    struct sl_pickled *v = new_value(m, kind);

    if (v) {
        v->text = text;
        v->n = (int64_t)n;
    }
    return push(m, v);
}

/* Two's complement of a length that `bytes` bytes give. */
static simlm_status op_long(struct machine *m, int bytes)
{
    const unsigned char *p = NULL;
    uint64_t n = 0, x;

    SL_TRY(take_number(m, &n, bytes));
    SL_TRY(take(m, &p, n));
    if (n > 8)
        return push_text(m, SL_PICKLE_LONG, p, n);
    x = n && p[n - 1] & 0x80 ? UINT64_MAX : 0;
    for (uint64_t i = n; i-- > 0;)
        x = x << 8 | p[i];
    return push_int(m, SL_PICKLE_INT, (int64_t)x);
}

static simlm_status op_real(struct machine *m, int arg)
{
    struct sl_pickled *v = new_value(m, SL_PICKLE_REAL);
    const unsigned char *p = NULL;
    uint64_t x = 0;

    (void)arg;
    SL_TRY(take(m, &p, 8));
    for (int i = 0; i < 8; i++) /* this one is big endian */
        x = x << 8 | p[i];
    if (v)
        memcpy(&v->real, &x, sizeof x);
    return push(m, v);
}

/* Of a length that `bytes` bytes give. */
static simlm_status op_text(struct machine *m, int bytes)
{
    const unsigned char *p = NULL;
    uint64_t n = 0;

    SL_TRY(take_number(m, &n, bytes));
    SL_TRY(take(m, &p, n));
    return push_text(m, SL_PICKLE_TEXT, p, n);
}

/* ---- instructions: containers -------------------------------------------- */

static simlm_status op_mark(struct machine *m, int arg)
{
    (void)arg;
    if (!sl_grow(&m->mark, &m->cap_marks, m->n_marks + 1, sizeof *m->mark))
        return no_memory(m);
    m->mark[m->n_marks++] = m->stack.n;
    return SIMLM_OK;
}

static simlm_status op_empty(struct machine *m, int kind)
{
    return push(m, new_value(m, (enum sl_pickle_kind)kind));
}

/* The n values on top become one of that kind. */
static simlm_status pack(struct machine *m, enum sl_pickle_kind kind, int64_t n)
{
    struct sl_pickled *v = new_value(m, kind);

    if (!v)
        return no_memory(m);
    SL_TRY(append_items(m, v, m->stack.v + m->stack.n - n, n));
    m->stack.n -= n;
    return push(m, v);
}

static simlm_status op_tuple(struct machine *m, int n)
{
    SL_TRY(need(m, n));
    return pack(m, SL_PICKLE_TUPLE, n);
}

/* *n <- how many values lie above the last mark, which is taken away. */
static simlm_status to_mark(struct machine *m, int64_t *n)
{
    if (!m->n_marks)
        return bad(m, "no mark on the stack");
    *n = m->stack.n - m->mark[--m->n_marks];
    return SIMLM_OK;
}

static simlm_status op_tuple_mark(struct machine *m, int arg)
{
    int64_t n = 0;

    (void)arg;
    SL_TRY(to_mark(m, &n));
    return pack(m, SL_PICKLE_TUPLE, n);
}

/* The n values on top go into the container below them. */
static simlm_status fill(struct machine *m, enum sl_pickle_kind kind, int64_t n)
{
    struct sl_pickled *into;

    SL_TRY(need(m, n + 1));
    if (kind == SL_PICKLE_DICT && n % 2)
        return bad(m, "a key without a value");
    into = m->stack.v[m->stack.n - n - 1];
    if (into->kind != kind)
        return bad(m, kind == SL_PICKLE_DICT ? "expected a dictionary to fill"
                                             : "expected a list to fill");
    SL_TRY(append_items(m, into, m->stack.v + m->stack.n - n, n));
    m->stack.n -= n;
    return SIMLM_OK;
}

static simlm_status op_add(struct machine *m, int kind)
{
    return fill(m, (enum sl_pickle_kind)kind, kind == SL_PICKLE_DICT ? 2 : 1);
}

static simlm_status op_add_mark(struct machine *m, int kind)
{
    int64_t n = 0;

    SL_TRY(to_mark(m, &n));
    return fill(m, (enum sl_pickle_kind)kind, n);
}

/* ---- instructions: the memo ---------------------------------------------- */

static simlm_status remember(struct machine *m, uint64_t at)
{
    SL_TRY(need(m, 1));
    if (at >= MAX_MEMO)
        return bad(m, "too many values are remembered");
    while ((uint64_t)m->memo.n <= at)
        if (!append(&m->memo, NULL))
            return no_memory(m);
    m->memo.v[at] = top(m);
    return SIMLM_OK;
}

static simlm_status op_put(struct machine *m, int bytes)
{
    uint64_t at = 0;

    SL_TRY(take_number(m, &at, bytes));
    return remember(m, at);
}

static simlm_status op_memoize(struct machine *m, int arg)
{
    (void)arg;
    return remember(m, (uint64_t)m->memo.n);
}

static simlm_status op_get(struct machine *m, int bytes)
{
    uint64_t at = 0;

    SL_TRY(take_number(m, &at, bytes));
    if (at >= (uint64_t)m->memo.n || !m->memo.v[at])
        return bad(m, "a value that was not remembered");
    return push(m, m->memo.v[at]);
}

/* ---- instructions: names and calls ----------------------------------------
 */

static const char ordered_dict[] = "collections.OrderedDict";

static simlm_status push_global(struct machine *m, const char *module,
                                size_t n_module, const char *name, size_t n)
{
    struct sl_str s = {0};
    simlm_status st;

    if (memchr(module, '\0', n_module) || memchr(name, '\0', n))
        return bad(m, "a name with a NUL in it");
    sl_str_add(&s, module, n_module);
    sl_str_putc(&s, '.');
    sl_str_add(&s, name, n);
    if (!sl_str_ok(&s)) {
        sl_str_free(&s);
        return no_memory(m);
    }
    if (strcmp(s.s, ordered_dict) && !m->allow(s.s)) {
        st = sl_fail(m->err, SIMLM_E_FORMAT,
                     "%s: pickle, byte %lld: it names '%.80s': only tensors "
                     "and containers are read, nothing is executed",
                     m->path, (long long)(m->p - m->start), s.s);
        sl_str_free(&s);
        return st;
    }
    st = push_text(m, SL_PICKLE_GLOBAL, s.s, s.len);
    if (st == SIMLM_OK && !append(&m->made->names, top(m)))
        st = no_memory(m);
    if (st < 0)
        sl_str_free(&s);
    return st;
}

static simlm_status op_global(struct machine *m, int arg)
{
    const char *module = NULL, *name = NULL;
    size_t n_module = 0, n = 0;

    (void)arg;
    SL_TRY(take_line(m, &module, &n_module));
    SL_TRY(take_line(m, &name, &n));
    return push_global(m, module, n_module, name, n);
}

static simlm_status op_stack_global(struct machine *m, int arg)
{
    const struct sl_pickled *name, *module;

    (void)arg;
    SL_TRY(need(m, 2));
    name = pop(m);
    module = pop(m);
    if (name->kind != SL_PICKLE_TEXT || module->kind != SL_PICKLE_TEXT)
        return bad(m, "a name that is no text");
    return push_global(m, module->text, (size_t)module->n, name->text,
                       (size_t)name->n);
}

static simlm_status op_reduce(struct machine *m, int arg)
{
    const struct sl_pickled *what, *args;

    (void)arg;
    SL_TRY(need(m, 2));
    args = top(m);
    what = m->stack.v[m->stack.n - 2];
    if (what->kind != SL_PICKLE_GLOBAL || args->kind != SL_PICKLE_TUPLE)
        return bad(m, "a call of what is no function");
    if (!sl_pickle_is(what, SL_PICKLE_GLOBAL, ordered_dict))
        return pack(m, SL_PICKLE_CALL, 2);
    if (args->n)
        return bad(m, "an OrderedDict made with arguments");
    m->stack.n -= 2;
    return op_empty(m, SL_PICKLE_DICT);
}

/* Attributes of an OrderedDict (a state_dict has _metadata): not kept. */
static simlm_status op_build(struct machine *m, int arg)
{
    (void)arg;
    SL_TRY(need(m, 2));
    pop(m);
    return top(m)->kind == SL_PICKLE_DICT
               ? SIMLM_OK
               : bad(m, "attributes of what is no dictionary");
}

static simlm_status op_persistent(struct machine *m, int arg)
{
    (void)arg;
    SL_TRY(need(m, 1));
    SL_TRY(pack(m, SL_PICKLE_PERSISTENT, 1));
    return append(&m->made->persistent, top(m)) ? SIMLM_OK : no_memory(m);
}

static simlm_status op_stop(struct machine *m, int arg)
{
    (void)arg;
    SL_TRY(need(m, 1));
    if (m->stack.n != 1 || m->n_marks)
        return bad(m, "values left over at its end");
    m->made->root = top(m);
    m->done = true;
    return SIMLM_OK;
}

/* By pickletools' names. */
static const struct {
    op_fn *run;
    int arg;
} ops[256] = {
    [0x80] = {op_proto, 0},                 /* PROTO */
    [0x95] = {op_frame, 0},                 /* FRAME */
    ['.'] = {op_stop, 0},                   /* STOP */
    ['N'] = {op_none, 0},                   /* NONE */
    [0x88] = {op_bool, 1},                  /* NEWTRUE */
    [0x89] = {op_bool, 0},                  /* NEWFALSE */
    ['K'] = {op_int, 1},                    /* BININT1 */
    ['M'] = {op_int, 2},                    /* BININT2 */
    ['J'] = {op_int, 4},                    /* BININT */
    [0x8a] = {op_long, 1},                  /* LONG1 */
    [0x8b] = {op_long, 4},                  /* LONG4 */
    ['G'] = {op_real, 0},                   /* BINFLOAT */
    [0x8c] = {op_text, 1},                  /* SHORT_BINUNICODE */
    ['X'] = {op_text, 4},                   /* BINUNICODE */
    [0x8d] = {op_text, 8},                  /* BINUNICODE8 */
    ['U'] = {op_text, 1},                   /* SHORT_BINSTRING */
    ['T'] = {op_text, 4},                   /* BINSTRING */
    ['C'] = {op_text, 1},                   /* SHORT_BINBYTES */
    ['B'] = {op_text, 4},                   /* BINBYTES */
    [0x8e] = {op_text, 8},                  /* BINBYTES8 */
    [0x96] = {op_text, 8},                  /* BYTEARRAY8 */
    ['('] = {op_mark, 0},                   /* MARK */
    [')'] = {op_empty, SL_PICKLE_TUPLE},    /* EMPTY_TUPLE */
    [']'] = {op_empty, SL_PICKLE_LIST},     /* EMPTY_LIST */
    ['}'] = {op_empty, SL_PICKLE_DICT},     /* EMPTY_DICT */
    [0x8f] = {op_empty, SL_PICKLE_LIST},    /* EMPTY_SET */
    ['t'] = {op_tuple_mark, 0},             /* TUPLE */
    [0x91] = {op_tuple_mark, 0},            /* FROZENSET */
    [0x85] = {op_tuple, 1},                 /* TUPLE1 */
    [0x86] = {op_tuple, 2},                 /* TUPLE2 */
    [0x87] = {op_tuple, 3},                 /* TUPLE3 */
    ['a'] = {op_add, SL_PICKLE_LIST},       /* APPEND */
    ['e'] = {op_add_mark, SL_PICKLE_LIST},  /* APPENDS */
    [0x90] = {op_add_mark, SL_PICKLE_LIST}, /* ADDITEMS */
    ['s'] = {op_add, SL_PICKLE_DICT},       /* SETITEM */
    ['u'] = {op_add_mark, SL_PICKLE_DICT},  /* SETITEMS */
    ['q'] = {op_put, 1},                    /* BINPUT */
    ['r'] = {op_put, 4},                    /* LONG_BINPUT */
    [0x94] = {op_memoize, 0},               /* MEMOIZE */
    ['h'] = {op_get, 1},                    /* BINGET */
    ['j'] = {op_get, 4},                    /* LONG_BINGET */
    ['c'] = {op_global, 0},                 /* GLOBAL */
    [0x93] = {op_stack_global, 0},          /* STACK_GLOBAL */
    ['R'] = {op_reduce, 0},                 /* REDUCE */
    ['b'] = {op_build, 0},                  /* BUILD */
    ['Q'] = {op_persistent, 0},             /* BINPERSID */
};

/* ---- reading ------------------------------------------------------------- */

static simlm_status run(struct machine *m)
{
    while (!m->done) {
        const unsigned char *op = NULL;

        SL_TRY(take(m, &op, 1));
        if (!ops[*op].run)
            return sl_fail(m->err, SIMLM_E_FORMAT,
                           "%s: pickle, byte %lld: instruction 0x%02x, which "
                           "tensors and containers do not need",
                           m->path, (long long)(op - m->start), (unsigned)*op);
        SL_TRY(ops[*op].run(m, ops[*op].arg));
    }
    return SIMLM_OK;
}

simlm_status sl_pickle_read(struct sl_pickle **out, size_t *used,
                            const unsigned char *bytes, size_t n,
                            sl_pickle_allow_fn *allow, const char *path,
                            simlm_error *err)
{
    size_t max = n < SL_PICKLE_MAX ? n : SL_PICKLE_MAX;
    struct machine m = {.made = SL_NEW(struct sl_pickle),
                        .start = bytes,
                        .p = bytes,
                        .end = bytes + max,
                        .allow = allow,
                        .path = path,
                        .err = err};
    simlm_status st;

    if (!m.made)
        return sl_fail_nomem(err, path);
    st = n ? run(&m) : bad(&m, "it is empty");
    sl_free(m.stack.v);
    sl_free(m.memo.v);
    sl_free(m.mark);
    if (st < 0) {
        sl_pickle_free(m.made);
        return st;
    }
    *used = (size_t)(m.p - m.start);
    *out = m.made;
    return SIMLM_OK;
}

void sl_pickle_free(struct sl_pickle *p)
{
    if (!p)
        return;
    for (int64_t i = 0; i < p->names.n; i++)
        sl_free((void *)(uintptr_t)p->names.v[i]->text);
    while (p->chunks) {
        struct chunk *next = p->chunks->next;

        for (int64_t i = 0; i < p->chunks->n; i++)
            if (has_items(p->chunks->v[i].kind))
                sl_free(p->chunks->v[i].item);
        sl_free(p->chunks);
        p->chunks = next;
    }
    sl_free(p->names.v);
    sl_free(p->persistent.v);
    sl_free(p);
}

const struct sl_pickled *sl_pickle_root(const struct sl_pickle *p)
{
    return p->root;
}

int64_t sl_pickle_persistent_count(const struct sl_pickle *p)
{
    return p->persistent.n;
}

const struct sl_pickled *sl_pickle_persistent(const struct sl_pickle *p,
                                              int64_t i)
{
    return p->persistent.v[i];
}

bool sl_pickle_is(const struct sl_pickled *v, enum sl_pickle_kind kind,
                  const char *text)
{
    size_t n = strlen(text);

    return v->kind == kind && (size_t)v->n == n && !memcmp(v->text, text, n);
}
