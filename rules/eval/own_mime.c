#include "rules/eval/own.h"

static struct str extension_of(struct str filename)
{
    size_t dot = str_rchr(filename, '.');
    return dot == STR_NONE ? STR_EMPTY : str_trim(str_from(filename, dot + 1));
}

/* Is the word one of a list with commas between its words? */
static bool listed(struct str list, struct str word)
{
    struct str item;
    while (str_next(&list, ',', &item)) {
        if (word.n && str_ieq(str_trim(item), word))
            return true;
    }
    return false;
}

double eval_attachment_ext(struct eval_context *c)
{
    double times = 0;
    for (size_t i = 0; i < c->input->message->n_parts; i++) {
        struct str filename = c->input->message->parts[i]->filename;
        if (listed(c->a[0].text, extension_of(filename))) {
            c->text = filename;
            times++;
        }
    }
    return times;
}

double eval_attachment_double_ext(struct eval_context *c)
{
    const struct str shown = STR("pdf,doc,docx,xls,xlsx,ppt,pptx,txt,jpg,jpeg,png,gif,mp3,mp4,csv");
    const struct str run = STR("exe,scr,com,pif,bat,cmd,js,jse,vbs,vbe,wsf,hta,lnk,jar,ps1,msi,cpl,"
                               "htm,html,shtml,svg,iso,img");
    for (size_t i = 0; i < c->input->message->n_parts; i++) {
        struct str filename = c->input->message->parts[i]->filename;
        struct str last = extension_of(filename);
        if (!listed(run, last))
            continue;
        size_t dot = str_rchr(filename, '.');
        if (listed(shown, extension_of(str_sub(filename, 0, dot)))) {
            c->text = filename;
            return 1;
        }
    }
    return 0;
}

double eval_mime_anomaly(struct eval_context *c)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {
        {"limit", MAIL_ANOMALY_LIMIT},
        {"bad_header", MAIL_ANOMALY_BAD_HEADER},
        {"no_boundary", MAIL_ANOMALY_NO_BOUNDARY},
        {"unclosed", MAIL_ANOMALY_UNCLOSED},
        {"twice", MAIL_ANOMALY_TWICE},
        {"bad_encoding", MAIL_ANOMALY_BAD_ENCODING},
        {"nul", MAIL_ANOMALY_NUL},
        {"bare_cr", MAIL_ANOMALY_BARE_CR},
        {"8bit_header", MAIL_ANOMALY_8BIT_HEADER},
        {"no_blank_line", MAIL_ANOMALY_NO_BLANK_LINE},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(c->a[0].text, str_of(names[i].name)))
            return (c->input->message->anomalies & names[i].bit) != 0;
    }
    return 0;
}

double eval_parts(struct eval_context *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->input->message->n_parts; i++)
        count += str_starts(c->input->message->parts[i]->type, c->a[0].text);
    return eval_in_bounds((double)count, c->a, c->n, 1);
}
