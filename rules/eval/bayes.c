#include "rules/eval/bayes.h"

const struct eval_entry eval_bayes[] = {
    {"check_bayes", eval_check_bayes, 2, 2},
    {0},
};

double eval_check_bayes(struct eval_context *c)
{
    double spam = c->input->bayes;
    if (!c->input->bayes_known)
        return 0;
    bool open = str_eq(c->a[1].text, STR("undef"));
    return (c->a[0].number == 0 || spam > c->a[0].number) && (open || spam <= c->a[1].number);
}
