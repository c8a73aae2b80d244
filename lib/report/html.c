#include "report/html.h"

#include <string.h>

#include "text/utf8.h"

static const char *entity(uint32_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return c < 0x20 || (c >= 0x7F && c < 0xA0) ? " " : NULL;
    }
}

void sl_html_text(struct sl_str *s, const char *text)
{
    const unsigned char *p = (const unsigned char *)text, *end;

    if (!text)
        return;
    end = p + strlen(text);
    while (p < end) {
        uint32_t c = sl_utf8_next(&p, end, NULL);
        char buf[4];

        if (entity(c))
            sl_str_puts(s, entity(c));
        else
            sl_str_add(s, buf, sl_utf8_put(buf, c));
    }
}

void sl_html_element(struct sl_str *s, const char *tag, const char *text)
{
    int name = (int)strcspn(tag, " ");

    sl_str_printf(s, "<%s>", tag);
    sl_html_text(s, text);
    sl_str_printf(s, "</%.*s>", name, tag);
}
