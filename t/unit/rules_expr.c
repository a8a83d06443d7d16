#include "t/unit/tap.h"

#include "base/buf.h"

#include "rules/language/expr.h"

static const double values[] = {0, 1, 3, -2};

/* "A".."D" are values[0..3]; "twice(X)" is X plus X; anything else is not known. */
static int resolve(void *data, struct expr_parser *parser, struct str name, struct str argument,
                   struct err *err)
{
    bool twice = str_eq(name, STR("twice"));
    struct str letter = twice ? argument : name;
    if (letter.n != 1 || letter.s[0] < 'A' || letter.s[0] > 'D')
        return err_set(err, "unknown");
    expr_put_slot(parser, (uint32_t)(letter.s[0] - 'A'));
    if (twice) {
        expr_put_slot(parser, (uint32_t)(letter.s[0] - 'A'));
        expr_put_add(parser);
    }
    return 0;
}

static int parse(struct pool *pool, const char *text, struct expr *expr, struct err *err)
{
    return expr_parse(pool, str_of(text), resolve, NULL, expr, err);
}

static double value_of(const char *text)
{
    struct pool *pool = pool_new(1 << 20);
    struct expr expr;
    struct err err = {""};
    if (parse(pool, text, &expr, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    double value = expr_run(&expr, values);
    pool_free(&pool);
    return value;
}

static void calculates_as_perl_does(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1+2*3", 7},
        {"(1+2)*3", 9},
        {"10-4-3", 3},
        {"8/4/2", 1},
        {"1/0", 0},
        {"-2+5", 3},
        {"!A + 1", 2},
        {"!(B && C)", 0},
        {"C > 2", 1},
        {"C>=3&&B", 1},
        {"C == 3", 1},
        {"C != 3", 0},
        {"A || C", 3},
        {"C || B", 3},
        {"B && C", 3},
        {"A && C", 0},
        {"A || B && A", 0},
        {"1 + 1 > 1 && 2 < 1 || 5", 5},
        {"(A+B+C) >= 2", 1},
        {"C ^ B", 2},
        {"B ? C : D", 3},
        {"A ? C : D", -2},
        {"A ? 1 : A ? 2 : 4", 4},
        {"twice(C)", 6},
        {"!!C", 1},
        {"1.5 * 2", 3},
        {"A && (B || C) && twice(B)", 0},
        {"(A && B) + (B && C) + (A && B && C)", 3},
        {"!(A && B && C) && C", 3},
        {"B && A || C && D", -2},
        {"A && B ? 5 : B && C ? 6 : 7", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = value_of(cases[i].text);
        if (value != cases[i].value)
            fail_msg("%s is %g, not %g", cases[i].text, value, cases[i].value);
    }
}

static void says_what_is_wrong(void **state)
{
    static const char *const cases[] = {"",      "A &&",  "A B",   "(A",  "A)",      "A ? B",
                                        "&& A",  "A & B", "1..2",  "A =", "unknown", "twice(C",
                                        "A | B", "$A",    "A ? :", "()"};
    struct pool *pool = pool_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expr expr;
        struct err err = {""};
        if (parse(pool, cases[i], &expr, &err) == 0)
            fail_msg("'%s' was taken", cases[i]);
        assert_true(err.text[0] != '\0');
    }
    pool_free(&pool);
}

static void is_bounded(void **state)
{
    static const char *const pieces[] = {"(", "!", "-", "A?", "A+(", "A||B&&A==B^C<A+B*("};
    struct pool *pool = pool_new(16 << 20);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct buf text = BUF_INIT(1 << 20);
        struct expr expr;
        struct err err = {""};
        for (int n = 0; n < 5000; n++)
            buf_add(&text, str_of(pieces[i]));
        assert_int_equal(parse(pool, buf_cstr(&text), &expr, &err), -1);
        buf_release(&text);
    }
    pool_free(&pool);
}

static void takes_long_sums(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    buf_add(&text, STR("B"));
    for (int n = 1; n < 5000; n++)
        buf_add(&text, STR(" + B"));
    assert_true(value_of(buf_cstr(&text)) == 5000);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calculates_as_perl_does),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(takes_long_sums),
    };
    return tap_run(tests, NULL, NULL);
}
