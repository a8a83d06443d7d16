#include "base/domain.h"

#include <idn2.h>

#define LABEL_MAX 63

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Letters, digits and hyphens in labels of the right size; `_` is met in real names. */
static bool labels_valid(struct str name)
{
    struct str rest = name;
    struct str label;
    while (str_next(&rest, '.', &label)) {
        if (label.n == 0 || label.n > LABEL_MAX)
            return false;
        if (label.s[0] == '-' || label.s[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (!is_name_char(label.s[i]))
                return false;
    }
    return true;
}

static bool to_a_labels(struct str name, char out[DOMAIN_SIZE])
{
    char text[DOMAIN_NAME_MAX * 4 + 1];
    char *ascii = NULL;
    if (!str_copy(name, text, sizeof text))
        return false;
    int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
    if (idn2_to_ascii_8z(text, &ascii, flags) != IDN2_OK)
        return false;
    bool fits = str_copy(str_of(ascii), out, DOMAIN_SIZE);
    idn2_free(ascii);
    return fits;
}

bool domain_normal(struct str name, char out[DOMAIN_SIZE])
{
    out[0] = '\0';
    if (name.n && name.s[name.n - 1] == '.')
        name.n--;
    if (name.n == 0)
        return false;
    bool copied = str_is_ascii(name) ? str_copy(name, out, DOMAIN_SIZE) : to_a_labels(name, out);
    for (char *p = out; *p; p++)
        *p = str_lower_char(*p);
    if (copied && labels_valid(str_of(out)))
        return true;
    out[0] = '\0';
    return false;
}
