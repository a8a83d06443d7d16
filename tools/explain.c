#include "tools/explain.h"

#include <stdio.h>

#include "tools/tool.h"

#define SHORT_RULES  4
#define SHORT_TOKENS 4 /* of each side */

static struct str text_of(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return str_n(json_string_value(value), json_string_length(value));
}

static double number_of(json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* before, text, after: nothing when the text is empty */
static void put(const char *before, struct str text, const char *after)
{
    if (text.n == 0)
        return;
    fputs(before, stdout);
    tool_put_text(stdout, text);
    fputs(after, stdout);
}

static void explain_antivirus(json_t *answers)
{
    size_t i;
    json_t *answer;
    fputs("  antivirus   ", stdout);
    if (json_array_size(answers) == 0)
        fputs("gave no answer", stdout);
    json_array_foreach(answers, i, answer)
    {
        put(i ? ", " : "", text_of(answer, "engine"), " ");
        put("", text_of(answer, "result"), "");
        put(": ", text_of(answer, "name"), "");
        put(" (", text_of(answer, "version"), ")");
    }
    putchar('\n');
}

/* "it spoke before it was greeted; its answers came 12 s later in all (tarpit)" */
static void explain_session(json_t *session)
{
    bool early = json_is_true(json_object_get(session, "early"));
    double slowed = number_of(session, "slowed");
    if (!early && slowed <= 0)
        return;
    fputs("  session     ", stdout);
    if (early)
        fputs("it spoke before it was greeted", stdout);
    if (slowed > 0)
        printf("%sits answers came %.0f s later in all (tarpit)", early ? "; " : "", slowed);
    putchar('\n');
}

/* "mx.example.org leads back to it; listed by heavy 2.0, good -1.0; not known: slow" */
static void explain_client(json_t *client)
{
    static const char *const words[][2] = {
        {"fail", "its name leads elsewhere"},
        {"temperror", "its name could not be found out"},
        {"permerror", "it has no name"},
    };
    struct str iprev = text_of(client, "iprev");
    size_t i;
    json_t *item;
    if (iprev.n == 0 || str_eq(iprev, STR("none")))
        return;
    fputs("  client      ", stdout);
    put("", text_of(client, "name"), " leads back to it");
    for (i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq(iprev, str_of(words[i][0])))
            fputs(words[i][1], stdout);
    json_array_foreach(json_object_get(client, "lists"), i, item)
    {
        put(i ? ", " : "; listed by ", text_of(item, "name"), "");
        printf(" %+.1f", number_of(item, "points"));
    }
    json_array_foreach(json_object_get(client, "unknown"), i, item)
        put(i ? ", " : "; not known: ", str_of(json_string_value(item)), "");
    putchar('\n');
}

/* "spf pass (example.org), dkim pass (example.org), dmarc fail (example.com asks for reject)" */
static void explain_sender(json_t *content)
{
    json_t *sender = json_object_get(content, "sender");
    json_t *spf = json_object_get(sender, "spf");
    json_t *dmarc = json_object_get(sender, "dmarc");
    json_t *dns = json_object_get(sender, "dns");
    json_t *signature;
    size_t i;
    if (!spf && !dmarc && !dns)
        return;
    fputs("  sender      ", stdout);
    put("spf ", text_of(spf, "result"), "");
    put(" (", text_of(spf, "domain"), "");
    put(" ", text_of(spf, "mechanism"), "");
    put(": ", text_of(spf, "reason"), "");
    fputs(text_of(spf, "domain").n > 0 ? ")" : "", stdout);
    json_array_foreach(json_object_get(content, "dkim"), i, signature)
    {
        put(spf || i ? ", dkim " : "dkim ", text_of(signature, "result"), "");
        put(" (", text_of(signature, "domain"), "");
        put(": ", text_of(signature, "reason"), "");
        fputs(text_of(signature, "domain").n > 0 ? ")" : "", stdout);
    }
    if (json_array_size(json_object_get(content, "dkim")) == 0)
        fputs(spf ? ", no signature" : "no signature", stdout);
    put(", arc ", text_of(json_object_get(sender, "arc"), "result"), "");
    put(", dmarc ", text_of(dmarc, "result"), "");
    put(" (", text_of(dmarc, "domain"), "");
    put(" asks for ", text_of(dmarc, "policy"), "");
    put(": ", text_of(dmarc, "reason"), "");
    fputs(text_of(dmarc, "domain").n > 0 ? ")" : "", stdout);
    if (number_of(dns, "failed") > 0)
        printf("; the DNS did not answer %.0f of %.0f questions", number_of(dns, "failed"),
               number_of(dns, "asked"));
    putchar('\n');
}

static void put_rule(json_t *rule)
{
    printf("              %+5.1f  ", number_of(rule, "score"));
    put("", text_of(rule, "name"), "");
    put(": ", text_of(rule, "describe"), "");
    put("\n                     \"", text_of(rule, "text"), "\"");
    putchar('\n');
}

/* The rules stand in the evidence as they were found: the heaviest first is for the reader. */
static json_t *heaviest(json_t *rules, double below)
{
    size_t i;
    json_t *rule;
    json_t *found = NULL;
    json_array_foreach(rules, i, rule)
    {
        double score = number_of(rule, "score");
        if (score < below && (found == NULL || score > number_of(found, "score")))
            found = rule;
    }
    return found;
}

static void explain_rules(json_t *content, double heuristics, enum explain_size size)
{
    json_t *rules = json_object_get(content, "rules");
    size_t i;
    json_t *rule;
    printf("  heuristics  %+.1f", heuristics);
    if (size == EXPLAIN_SHORT) {
        double below = 1e9;
        for (i = 0; i < SHORT_RULES && (rule = heaviest(rules, below)) != NULL; i++) {
            below = number_of(rule, "score");
            put(i ? ", " : "  ", text_of(rule, "name"), "");
            printf(" %.1f", below);
        }
        if (json_array_size(rules) > i)
            fputs(", …", stdout);
    }
    putchar('\n');
    if (size == EXPLAIN_WHOLE)
        json_array_foreach(rules, i, rule) put_rule(rule);
    json_array_foreach(json_object_get(content, "limited"), i, rule)
        put("              ?      ", str_of(json_string_value(rule)), " ran into a limit\n");
    if (json_is_true(json_object_get(content, "truncated")))
        fputs("              ?      some of it was more than what rules look at\n", stdout);
}

static void put_tokens(json_t *tokens, bool spam)
{
    size_t i, n = 0;
    json_t *token;
    json_array_foreach(tokens, i, token) if (n < SHORT_TOKENS &&
                                             (number_of(token, "probability") > 0.5) == spam && ++n)
        put(n == 1 && !spam ? " against \"" : " \"", text_of(token, "text"), "\"");
}

static void explain_bayes(json_t *content, double score, enum explain_size size)
{
    json_t *bayes = json_object_get(content, "bayes");
    json_t *tokens = json_object_get(bayes, "tokens");
    size_t i;
    json_t *token;
    if (!json_is_true(json_object_get(bayes, "used"))) {
        puts("  bayes       took no part: too little was learned");
        return;
    }
    printf("  bayes       %+.1f ", score);
    if (size == EXPLAIN_SHORT) {
        put_tokens(tokens, true);
        put_tokens(tokens, false);
        putchar('\n');
        return;
    }
    printf(" probability of spam %.4f\n", number_of(bayes, "probability"));
    json_array_foreach(tokens, i, token)
    {
        printf("              %.3f  ", number_of(token, "probability"));
        put("", text_of(token, "text"), "");
        putchar('\n');
    }
}

void explain_evidence(json_t *evidence, enum explain_size size)
{
    json_t *score = json_object_get(evidence, "score");
    json_t *content = json_object_get(evidence, "content");
    if (json_object_size(evidence) == 0)
        return;
    explain_session(json_object_get(evidence, "session"));
    if (text_of(evidence, "verdict").n == 0) /* refused before there was one */
        return;
    explain_client(json_object_get(evidence, "client"));
    explain_antivirus(json_object_get(evidence, "antivirus"));
    if (content) {
        explain_sender(content);
        explain_rules(content, number_of(score, "heuristics"), size);
        explain_bayes(content, number_of(score, "bayes"), size);
    }
    put("  verdict     ", text_of(evidence, "verdict"), "");
    if (content)
        printf(", global score %+.1f", number_of(score, "global"));
    put(", ", text_of(evidence, "reason"), "");
    put("; rules ", text_of(content, "rules_generation"), "");
    if (number_of(content, "model_generation") > 0)
        printf(", model %.0f", number_of(content, "model_generation"));
    putchar('\n');
}
