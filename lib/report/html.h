/*
 * report/html.h - text into a page.
 *
 * Whatever comes from a file goes through here.  All five characters that mean
 * something to HTML are escaped, so the text is safe in an element and in a
 * quoted attribute; control characters become blanks, ill-formed UTF-8 U+FFFD.
 */
#ifndef SL_REPORT_HTML_H
#define SL_REPORT_HTML_H

#include "base/str.h"

void sl_html_text(struct sl_str *s, const char *text); /* NULL: nothing */

/* "<tag class>text</tag>"; tag may have attributes ("td class=name"). */
void sl_html_element(struct sl_str *s, const char *tag, const char *text);

#endif
