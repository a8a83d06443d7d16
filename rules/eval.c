#include "rules/eval.h"

#include "rules/eval_functions.h"

struct entry {
    const char *name;
    eval_function *function;
    size_t least, most; /* arguments */
};

static const struct entry entries[] = {
    {"attachment_ext", eval_attachment_ext, 1, 1},
    {"attachment_double_ext", eval_attachment_double_ext, 0, 0},
    {"body_bytes", eval_body_bytes, 1, 2},
    {"body_capitals", eval_body_capitals, 1, 1},
    {"date_gap_hours", eval_date_gap_hours, 1, 2},
    {"from_name_other_domain", eval_from_name_other_domain, 0, 0},
    {"html", eval_html, 2, 3},
    {"html_hidden", eval_html_hidden, 2, 2},
    {"link_hosts", eval_link_hosts, 1, 2},
    {"links", eval_links, 1, 2},
    {"links_all_foreign", eval_links_all_foreign, 0, 0},
    {"message_id_other_domain", eval_message_id_other_domain, 0, 0},
    {"mime_anomaly", eval_mime_anomaly, 1, 1},
    {"parts", eval_parts, 2, 3},
    {"received_hops", eval_received_hops, 1, 2},
    {"recipients", eval_recipients, 1, 2},
    {"reply_to_other_domain", eval_reply_to_other_domain, 0, 0},
    {"subject_capitals", eval_subject_capitals, 1, 1},
    {"subject_has_recipient", eval_subject_has_recipient, 0, 0},
    {"text_repeats", eval_text_repeats, 1, 1},
    {"to_is_from", eval_to_is_from, 0, 0},
};

static const struct entry *find(struct str name)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (str_eq(name, str_of(entries[i].name)))
            return &entries[i];
    }
    return NULL;
}

/* One argument off the front of *rest: 'text', "text" or a bare word; then a comma or the end. */
static int take_argument(struct pool *pool, struct str *rest, struct eval_argument *argument,
                         struct err *err)
{
    struct str text;
    *rest = str_trim(*rest);
    if (rest->n && (rest->s[0] == '\'' || rest->s[0] == '"')) {
        size_t close = str_chr(str_from(*rest, 1), rest->s[0]);
        if (close == STR_NONE)
            return err_set(err, "an argument's closing %c is missing", rest->s[0]);
        text = str_sub(*rest, 1, close + 1);
        *rest = str_trim(str_from(*rest, close + 2));
    } else {
        size_t comma = str_chr(*rest, ',');
        text = str_trim(str_sub(*rest, 0, comma));
        *rest = str_from(*rest, comma == STR_NONE ? rest->n : comma);
        if (text.n == 0)
            return err_set(err, "an argument is empty");
    }
    if (rest->n && rest->s[0] != ',')
        return err_set(err, "arguments must stand with commas between them");
    *rest = str_from(*rest, 1);
    argument->number = 0;
    str_to_double(text, &argument->number);
    argument->text = pool_str(pool, text);
    return argument->text.s ? 0 : err_set(err, "out of memory");
}

int eval_compile(struct pool *pool, struct str text, struct eval_call *call, struct err *err)
{
    size_t open = str_chr(text, '(');
    struct str name = str_trim(str_sub(text, 0, open));
    const struct entry *entry = find(name);
    if (open == STR_NONE || !str_ends(text, STR(")")))
        return err_set(err, "expected eval:name(arguments)");
    if (entry == NULL)
        return err_set(err, "eval:%.*s() is not known here", STR_ARG(str_sub(name, 0, 60)));
    struct str rest = str_trim(str_sub(text, open + 1, text.n - 1));
    *call = (struct eval_call){.function = entry->function};
    while (rest.n) {
        if (call->n_arguments == EVAL_ARGUMENTS_MAX)
            return err_set(err, "more than %d arguments", EVAL_ARGUMENTS_MAX);
        if (take_argument(pool, &rest, &call->arguments[call->n_arguments++], err) < 0)
            return -1;
    }
    if (call->n_arguments < entry->least || call->n_arguments > entry->most)
        return err_set(err, "eval:%s() takes %zu to %zu arguments, not %zu", entry->name,
                       entry->least, entry->most, call->n_arguments);
    return 0;
}
