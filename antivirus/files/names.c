#include "antivirus/files/names.h"

#include "base/buf.h"
#include "base/hex.h"

/* A name with more of them is nobody's honest name; the first are what a program cuts at. */
#define MARKS_MAX 4

static void add_extension(struct file_names *names, struct str extension)
{
    char lower[EXTENSION_MAX];
    if (extension.n >= sizeof lower)
        extension = STR_EMPTY;
    if (str_chr(extension, 0) != STR_NONE)
        return; /* it is cut there in another reading */
    for (size_t i = 0; i < extension.n; i++)
        lower[i] = str_lower_char(extension.s[i]);
    lower[extension.n] = 0;
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->extensions[i], lower) == 0)
            return;
    if (names->n == NAMES_MAX)
        names->disguised = names->too_many = true;
    else
        memcpy(names->extensions[names->n++], lower, extension.n + 1);
}

/* What Windows drops at the end of a name, and quotes that a mail program left there. */
static struct str trim_end(struct str name)
{
    while (name.n > 0 && ((unsigned char)name.s[name.n - 1] <= ' ' ||
                          strchr(".\"'>;/\\", name.s[name.n - 1]) != NULL))
        name.n--;
    return name;
}

static struct str extension_of(struct str name)
{
    size_t dot = str_rchr(name, '.');
    return dot == STR_NONE ? STR_EMPTY : str_from(name, dot + 1);
}

/* "a.pdf.exe", "a.pdf          .exe": a harmless extension, then one that runs */
static bool looks_like_another(struct str name)
{
    static const char *const shown[] = {"pdf", "doc", "docx", "xls", "xlsx", "ppt",  "pptx",
                                        "odt", "rtf", "txt",  "csv", "jpg",  "jpeg", "png",
                                        "gif", "htm", "html", "mp3", "mp4",  "wav",  "avi"};
    static const char *const run[] = {"exe", "scr", "com", "pif", "bat", "cmd", "cpl",
                                      "js",  "jse", "vbs", "vbe", "wsf", "wsh", "hta",
                                      "ps1", "lnk", "msi", "jar", "url", "scf", "reg"};
    size_t dot = str_rchr(name, '.');
    if (dot == STR_NONE)
        return false;
    bool runs = false;
    for (size_t i = 0; i < sizeof run / sizeof run[0]; i++)
        runs |= str_ieq(str_from(name, dot + 1), str_of(run[i]));
    struct str before = str_sub(name, 0, dot);
    struct str stem = trim_end(before);
    if (!runs)
        return false;
    if (before.n - stem.n >= DISGUISE_BLANKS)
        return true;
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (str_ieq(extension_of(stem), str_of(shown[i])))
            return true;
    return false;
}

static void add_reading(struct file_names *names, struct str name)
{
    name = trim_end(name);
    add_extension(names, extension_of(name));
    names->disguised |= looks_like_another(name);
}

/* Behind the last slash of either kind, and what stands before a stream's or a version's mark. */
static void add_path(struct file_names *names, struct str name)
{
    name = trim_end(name);
    for (size_t i = name.n; i > 0; i--)
        if (name.s[i - 1] == '/' || name.s[i - 1] == '\\') {
            name = str_from(name, i);
            break;
        }
    add_reading(names, name);
    unsigned marks = 0;
    for (size_t i = 1; i < name.n && marks < MARKS_MAX; i++)
        if (name.s[i] != 0 && strchr(":;|<>?*\"", name.s[i]) != NULL) {
            add_reading(names, str_sub(name, 0, i));
            marks++;
        }
}

/* Characters that take no place, or turn the direction (UTF-8): nobody sees them. 0: none here. */
static size_t unseen(struct str x, bool *turns)
{
    const unsigned char *p = (const unsigned char *)x.s;
    if (p[0] < ' ' || p[0] == 0x7f)
        return 1;
    if (x.n >= 2 && p[0] == 0xc2 && p[1] == 0xad) /* soft hyphen */
        return 2;
    if (x.n < 3)
        return 0;
    if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xad || p[2] == 0xae))
        *turns = true; /* U+202D, U+202E: no script needs an override */
    if (p[0] == 0xe2 && p[1] == 0x80 &&
        ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae)))
        return 3;
    if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf)
        return 3;
    return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf ? 3 : 0;
}

static void add_seen(struct file_names *names, struct str name)
{
    char array[NAME_BYTES_MAX + 1];
    struct buf out = BUF_OVER(array);
    for (size_t i = 0; i < name.n;) {
        size_t skip = unseen(str_from(name, i), &names->disguised);
        if (skip == 0)
            buf_addc(&out, name.s[i]);
        i += skip ? skip : 1;
    }
    if (out.n < name.n)
        add_path(names, buf_str(&out));
}

static void add_unescaped(struct file_names *names, struct str name)
{
    char array[NAME_BYTES_MAX + 1];
    struct buf out = BUF_OVER(array);
    for (size_t i = 0; i < name.n; i++) {
        int byte = name.s[i] == '%' ? hex_byte(name, i + 1) : -1;
        buf_addc(&out, byte >= 0 ? (char)byte : name.s[i]);
        i += byte >= 0 ? 2 : 0;
    }
    if (out.n < name.n) {
        add_path(names, str_sub(buf_str(&out), 0, str_chr(buf_str(&out), 0)));
        add_seen(names, buf_str(&out));
    }
}

static struct str end_of(struct str name)
{
    return str_from(name, name.n > NAME_BYTES_MAX ? name.n - NAME_BYTES_MAX : 0);
}

void file_names_add(struct file_names *names, struct str name)
{
    size_t nul = str_chr(name, 0);
    if (nul != STR_NONE) {
        names->disguised = true;
        add_path(names, end_of(str_sub(name, 0, nul)));
        add_path(names, end_of(str_from(name, nul + 1)));
    }
    name = end_of(name);
    add_path(names, name);
    add_seen(names, name);
    if (str_chr(name, '%') != STR_NONE)
        add_unescaped(names, name);
}
