# Debian package lists to a retrieval collection.
#
# Reads Translation-en and Packages stanzas (RFC 822 style, one blank line
# between two) in any order, and writes to the folder `out`
#
#   passages.jsonl             one package a source package: id and title are
#                              its name, contents its long description
#   {train,dev,test}_queries.tsv   its synopsis (the one-line description)
#   {train,dev,test}_qrels.txt     the package that a synopsis describes
#
# Of a source's packages the one of the source's own name is taken, else the
# one with the longest text.  Transitional and dummy packages, packages
# without a text, and every later package of a synopsis that occurred before
# are left out.  The synopsis is the query, so it stays out of the contents;
# so does a first line or sentence that only repeats it.  The split is a hash
# of the source's name: 18% test, 4% dev, the rest train.
#
# Usage: LC_ALL=C awk -v out=FOLDER -f packages.awk LIST...

BEGIN {
    RS = ""
    FS = "\n"
    for (i = 1; i < 256; i++)
        code[sprintf("%c", i)] = i
}

/^Package: / {
    read_stanza()
    if ("Description-en" in head)
        remember_translation(head["Description-md5"])
    else
        remember_package()
}

END {
    choose_packages()
    drop_repeated_synopses()
    write_collection()
}

# ---- stanzas ----------------------------------------------------------------

# head[field] is a field's first line; n_lines and line[] are the lines that
# continue a Description, without the one space that marks them.
function read_stanza(    i, colon, field)
{
    split("", head)
    n_lines = 0
    for (i = 1; i <= NF; i++) {
        if (substr($i, 1, 1) == " ") {
            if (field ~ /^Description(-en)?$/)
                line[++n_lines] = substr($i, 2)
            continue
        }
        colon = index($i, ":")
        field = substr($i, 1, colon - 1)
        head[field] = trim(substr($i, colon + 1))
    }
}

function remember_translation(md5)
{
    if (md5 == "" || (md5 in synopsis_of))
        return
    synopsis_of[md5] = one_line(head["Description-en"])
    text_of[md5] = long_text(synopsis_of[md5])
}

# The first version of a package counts.  A list without translations has the
# whole text in the Description itself.
function remember_package(    name)
{
    name = head["Package"]
    if (name in source_of)
        return
    order[++n_packages] = name
    source_of[name] = head["Source"] == "" ? name : head["Source"]
    sub(/ .*/, "", source_of[name])
    section_of[name] = head["Section"]
    md5_of[name] = head["Description-md5"]
    if (n_lines > 0) {
        own_synopsis[name] = one_line(head["Description"])
        own_text[name] = long_text(own_synopsis[name])
    }
}

# ---- texts ------------------------------------------------------------------

function trim(s)
{
    sub(/^[ \t\r]+/, "", s)
    sub(/[ \t\r]+$/, "", s)
    return s
}

# Without control characters and runs of blanks.
function one_line(s)
{
    gsub(/[\001-\037\177]/, " ", s)
    gsub(/  +/, " ", s)
    return trim(s)
}

# The long description in one line: "." alone ends a paragraph, further
# indented lines are lists or verbatim and lose their marks.
function long_text(synopsis,    i, s, text, paragraph)
{
    text = paragraph = ""
    for (i = 1; i <= n_lines; i++) {
        s = one_line(line[i])
        if (i == 1 && same_words(s, synopsis))
            continue
        if (s == "." || s == "") {
            text = joined(text, without_echo(paragraph, text, synopsis))
            paragraph = ""
            continue
        }
        if (line[i] ~ /^[ \t]/)
            sub(/^([-*+o]|\302\267|\342\200\242) +/, "", s)
        if (s !~ /^[-=~_*#]+$/)
            paragraph = joined(paragraph, s)
    }
    return joined(text, without_echo(paragraph, text, synopsis))
}

function joined(a, b)
{
    return a == "" ? b : b == "" ? a : a " " b
}

# The paragraph; if it is the text's first, without a first sentence that
# says what the synopsis says.
function without_echo(paragraph, text, synopsis,    end)
{
    if (text != "")
        return paragraph
    end = match(paragraph, /[.!?]( |$)/)
    if (end == 0)
        end = length(paragraph)
    if (same_words(substr(paragraph, 1, end), synopsis))
        return trim(substr(paragraph, end + 1))
    return paragraph
}

function same_words(a, b)
{
    return bare(a) == bare(b)
}

# Letters, digits and bytes beyond ASCII, in lower case, without an article.
function bare(s)
{
    s = tolower(s)
    gsub(/[^a-z0-9\200-\377]+/, " ", s)
    s = trim(s)
    sub(/^(a|an|the) /, "", s)
    return s
}

# ---- the collection ---------------------------------------------------------

function synopsis_for(name)
{
    return name in own_text ? own_synopsis[name] : synopsis_of[md5_of[name]]
}

function text_for(name)
{
    return name in own_text ? own_text[name] : text_of[md5_of[name]]
}

function is_empty_shell(name,    s)
{
    if (section_of[name] ~ /(^|\/)oldlibs$/)
        return 1
    s = tolower(synopsis_for(name) " " text_for(name))
    return s ~ /(transitional|dummy) (dummy |transitional |meta|empty )*package/
}

function choose_packages(    i, name, source)
{
    for (i = 1; i <= n_packages; i++) {
        name = order[i]
        source = source_of[name]
        if (synopsis_for(name) == "" || text_for(name) == "" || is_empty_shell(name))
            continue
        if (!(source in chosen) || is_better(name, chosen[source], source))
            chosen[source] = name
    }
}

function is_better(name, than, source)
{
    if (than == source)
        return 0
    return name == source || length(text_for(name)) > length(text_for(than))
}

function drop_repeated_synopses(    i, name, key)
{
    for (i = 1; i <= n_packages; i++) {
        name = order[i]
        if (chosen[source_of[name]] != name)
            continue
        key = bare(synopsis_for(name))
        if (key != "" && !(key in seen))
            kept[++n_kept] = name
        seen[key] = 1
    }
}

function write_collection(    i, name, split_name)
{
    for (i = 1; i <= n_kept; i++) {
        name = kept[i]
        split_name = split_of(source_of[name])
        printf "{\"id\":\"%s\",\"title\":\"%s\",\"contents\":\"%s\"}\n", json(name), json(name),
            json(text_for(name)) > (out "/passages.jsonl")
        printf "%s\t%s\n", name, synopsis_for(name) > (out "/" split_name "_queries.tsv")
        printf "%s 0 %s 1\n", name, name > (out "/" split_name "_qrels.txt")
    }
    print n_kept + 0
}

# Which names fall where must not depend on the awk: sums below 2^53 only.
function split_of(source,    i, h)
{
    h = 5381
    for (i = 1; i <= length(source); i++)
        h = (h * 257 + code[substr(source, i, 1)]) % 2147483647
    h = (h * 48271) % 2147483647
    h = int(h / 21474.83647) % 100
    return h < 18 ? "test" : h < 22 ? "dev" : "train"
}

function json(s)
{
    gsub(/[\\"]/, "\\\\&", s)
    return s
}
