#include "base/ascii.h"
#include "gateway/smtp/machine.h"

/* esmtp-keyword, RFC 5321 4.1.2 */
static bool name_valid(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.s[i];
        if (!ascii_is_alnum(c) && (c != '-' || i == 0))
            return false;
    }
    return name.n > 0;
}

/* esmtp-value; RFC 6531 adds UTF-8 */
static bool value_valid(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.s[i];
        if (c <= ' ' || c == '=' || c == 127)
            return false;
    }
    return value.n > 0;
}

int param_next(struct str *rest, struct param *param)
{
    size_t start = 0;
    while (start < rest->n && rest->s[start] == ' ')
        start++;
    if (start == rest->n)
        return 0;
    if (start == 0) /* glued to the path or to the one before */
        return -1;
    *rest = str_from(*rest, start);
    size_t end = str_chr(*rest, ' ');
    struct str word = str_sub(*rest, 0, end == STR_NONE ? rest->n : end);
    *rest = str_from(*rest, word.n);
    size_t eq = str_chr(word, '=');
    param->has_value = eq != STR_NONE;
    param->name = str_sub(word, 0, param->has_value ? eq : word.n);
    param->value = param->has_value ? str_from(word, eq + 1) : STR_EMPTY;
    if (!name_valid(param->name) || (param->has_value && !value_valid(param->value)))
        return -1;
    return 1;
}
