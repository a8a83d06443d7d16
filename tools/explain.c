#include "tools/explain.h"

#include "tools/tool.h"

static void put_string(json_t *object, const char *key, FILE *out)
{
    json_t *value = json_object_get(object, key);
    tool_put_text(out, str_n(json_string_value(value), json_string_length(value)));
}

static bool has_text(json_t *object, const char *key)
{
    return json_string_length(json_object_get(object, key)) > 0;
}

static double number(json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void put_antivirus(json_t *answers, FILE *out)
{
    size_t i;
    json_t *answer;
    if (json_array_size(answers) == 0) {
        fputs("  antivirus   gave no answer\n", out);
        return;
    }
    json_array_foreach(answers, i, answer)
    {
        fputs(i ? "              " : "  antivirus   ", out);
        put_string(answer, "engine", out);
        fputc(' ', out);
        put_string(answer, "result", out);
        if (has_text(answer, "name")) {
            fputs(": ", out);
            put_string(answer, "name", out);
        }
        if (has_text(answer, "version")) {
            fputs(" (", out);
            put_string(answer, "version", out);
            fputc(')', out);
        }
        fputc('\n', out);
    }
}

static void put_rules(json_t *content, double heuristics, size_t rows, FILE *out)
{
    json_t *rules = json_object_get(content, "rules");
    size_t i;
    json_t *rule;
    fprintf(out, "  heuristics  %+.1f\n", heuristics);
    json_array_foreach(rules, i, rule)
    {
        if (i == rows) {
            fprintf(out, "              … and %zu more\n", json_array_size(rules) - rows);
            break;
        }
        fprintf(out, "              %+5.1f  ", number(rule, "score"));
        put_string(rule, "name", out);
        if (has_text(rule, "describe")) {
            fputs(": ", out);
            put_string(rule, "describe", out);
        }
        if (has_text(rule, "text")) {
            fputs("\n                       \"", out);
            put_string(rule, "text", out);
            fputc('"', out);
        }
        fputc('\n', out);
    }
}

static void put_bayes(json_t *content, double score, size_t rows, FILE *out)
{
    json_t *bayes = json_object_get(content, "bayes");
    size_t i;
    json_t *token;
    if (!json_is_true(json_object_get(bayes, "used"))) {
        fputs("  bayes       took no part: too little was learned\n", out);
        return;
    }
    fprintf(out, "  bayes       %+.1f  probability of spam %.4f\n", score,
            number(bayes, "probability"));
    json_array_foreach(json_object_get(bayes, "tokens"), i, token)
    {
        if (i == rows)
            break;
        fprintf(out, "              %.3f  ", number(token, "probability"));
        put_string(token, "text", out);
        fputc('\n', out);
    }
}

void explain_evidence(json_t *evidence, size_t rows, FILE *out)
{
    json_t *score = json_object_get(evidence, "score");
    json_t *content = json_object_get(evidence, "content");
    if (json_object_size(evidence) == 0)
        return;
    put_antivirus(json_object_get(evidence, "antivirus"), out);
    if (content) {
        put_rules(content, number(score, "heuristics"), rows, out);
        put_bayes(content, number(score, "bayes"), rows, out);
    }
    fputs("  verdict     ", out);
    put_string(evidence, "verdict", out);
    if (content)
        fprintf(out, ", global score %+.1f", number(score, "global"));
    if (has_text(evidence, "reason")) {
        fputs(", ", out);
        put_string(evidence, "reason", out);
    }
    if (has_text(content, "rules_generation")) {
        fputs("; rules ", out);
        put_string(content, "rules_generation", out);
        fprintf(out, ", model %.0f", number(content, "model_generation"));
    }
    fputc('\n', out);
}
