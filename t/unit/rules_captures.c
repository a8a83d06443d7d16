/* what one rule captures and another asks for: "(?<NAME>…)" and "%{NAME}" */
#include "t/unit/rules_world.h"

static const char mail[] = "From: Jean <jean@shop.example>\n"
                           "To: A.B+c@t.example, other@t.example\n"
                           "Subject: for a.b+C@t.example (1|2) only\n"
                           "X-Dot: axb+c@t.example\n"
                           "Return-Path: <bounce@list.example>\n"
                           "\n"
                           "Hello, Marie\n"
                           "Hello, Paul and marie\n"
                           "\n"
                           "see http://www.example/x#a.b+c@t.example now\n";

static void open_world(struct world *w, const char *rules, struct str raw)
{
    world_open(w, rules, 0);
    world_set_mail(w, raw);
    w->input.sub_rules = true;
}

static bool limited(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->result.n_limited; i++) {
        if (strcmp(w->result.limited[i], name) == 0)
            return true;
    }
    return false;
}

/* Each rule whose name begins with Y must hit, and none whose name begins with N may. */
static void check_mail(const char *rules, struct str raw)
{
    struct world w;
    open_world(&w, rules, raw);
    for (int again = 0; again < 2; again++) { /* nothing stays of the message before */
        world_run(&w);
        assert_int_equal(w.result.n_limited, 0);
        for (size_t i = 0; i < w.set->n; i++) {
            const char *name = w.set->rules[i].name.s;
            if ((name[0] == 'Y' && !world_hit(&w, name)) || (name[0] == 'N' && world_hit(&w, name)))
                fail_msg("%s", name);
        }
    }
    assert_int_equal(w.mistakes, 0);
    world_close(&w);
}

static void check(const char *rules)
{
    check_mail(rules, str_of(mail));
}

static void a_text_is_asked_for(void **state)
{
    check("header __CAP To:addr =~ /(?<GB_TO>.*)/\n"
          "uri Y1 m|^http://www\\.example/.*\\#%{GB_TO}$|i\n"
          "uri N1 m|^http://www\\.example/.*\\#%{GB_TO}$|\n" /* case counts */
          "header Y2 Subject =~ /%{GB_TO} \\(1/i\n"
          "header N2 X-Dot =~ /%{GB_TO}/i\n" /* quoted: "." and "+" stand for themselves */
          "body Y3 /^for %{GB_TO}/i\n"
          "rawbody Y4 /\\#%{GB_TO} now/i\n"
          "full Y5 /^To: %{GB_TO}, other/m\n"
          "header Y6 X-Dot !~ /%{GB_TO}/i\n"
          "header N3 Subject !~ /%{GB_TO}/i\n"
          "header Y7 X-Missing =~ /^%{GB_TO}$/i [if-unset: a.b+c@T.example]\n"
          "header Y8 Subject =~ / ( %{GB_TO} ) \\x20 /xi\n");
}

static void all_kinds_capture(void **state)
{
    check("body __B /^Hello, (?<NAME_B>\\w+)/m\n"
          "tflags __B multiple\n"
          "rawbody __R /see (?P<NAME_R>http)/\n"
          "uri __U m|www\\.(?'NAME_U'\\w+)/|\n"
          "full __F /^From: (?<NAME_F>\\w+)/\n"
          "body Y1 /and %{NAME_B}/i\n"
          "rawbody Y2 /see %{NAME_R}/\n"
          "header Y3 From:addr =~ /@shop\\.%{NAME_U}$/\n"
          "header Y4 From:addr =~ /^%{NAME_F}@/i\n"
          "header N1 From:addr =~ /^%{NAME_F}@/\n"
          "header Y5 From =~ /%{NAME_F} <%{NAME_F}@shop.%{NAME_U}/i\n");
}

/* As in SpamAssassin, a rule that asks for what is not there is not run, whatever it says. */
static void what_nobody_captured(void **state)
{
    struct world w;
    check("header __CAP X-Missing =~ /(?<GB_TO>.+)/\n"
          "header __EMPTY X-Missing =~ /(?<GB_EMPTY>.*)/\n"
          "header __HALF Subject =~ /^for|(?<GB_HALF>z)/\n"
          "header N1 Subject =~ /%{GB_TO}|for/\n"
          "header N2 Subject !~ /%{GB_TO}/\n"
          "header N3 Subject !~ /%{GB_EMPTY}/\n"
          "header N4 Subject !~ /%{GB_HALF}/\n"
          "meta Y1 !N1\n");
    open_world(&w, "header A Subject =~ /%{NOBODY_KNOWS}/\n", str_of(mail));
    assert_int_equal(w.notices, 1);
    world_close(&w);
}

static void marks_that_are_none(void **state)
{
    static const char raw[] = "Subject: 50%{A_B} %{a} %{A__B} %{A_}\n\n\n";
    check_mail("header Y1 Subject =~ /\\%{A_B}/\n"
               "header Y2 Subject =~ /%\\{A_B\\}/\n"
               "header Y3 Subject =~ /%{a} %{A__B} %{A_}/\n"
               "header __LOW Subject =~ /(?<a>\\d)/\n"
               "header Y4 Subject =~ /(?<dup>5)|(?<dup>6)/\n",
               str_of(raw));
}

/* What captures is run first, wherever it stands; a priority puts it elsewhere. */
static void the_order(void **state)
{
    check("header Y1 Subject =~ /%{CAP}/i\n"
          "full __CAP /^To: (?<CAP>[^,]+)/m\n");
    check("header N1 Subject =~ /%{CAP}/i\n"
          "header __CAP To =~ /(?<CAP>[^,]+)/\n"
          "priority __CAP 10\n");
    check("header Y1 Subject =~ /%{CAP}/i\n"
          "header __CAP To =~ /(?<CAP>[^,]+)/\n"
          "priority __CAP 10\n"
          "priority Y1 11\n");
    /* one asks for what it takes to capture another; the later one's text holds */
    check("header __1 From:addr =~ /(?<HOST>shop)/\n"
          "uri __2 /(?<HOST>%{HOST}|www)/\n"
          "uri Y1 m|//%{HOST}\\.|\n"
          "header N1 From:addr =~ /%{HOST}/\n");
}

static void names_that_stand_for_headers(void **state)
{
    check("header Y1 ALL =~ /%{HEADER(From:addr)}>/\n"
          "header Y2 EnvelopeFrom:addr =~ /\\@%{SENDERDOMAIN}$/\n"
          "header Y3 From:addr =~ /\\@%{AUTHORDOMAIN}$/\n"
          "header N1 Subject !~ /%{HEADER(X-None)}/\n");
}

static void mistakes(void **state)
{
    static const char *const rules[] = {
        "header A Subject =~ /[%{NAME}]/\n",
        "header A Subject =~ /(%{NAME}/\n",
        "header A Subject =~ /%{HEADER(:bad:)}/\n",
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct world w;
        open_world(&w, rules[i], str_of(mail));
        assert_int_equal(w.mistakes, 1);
        world_run(&w);
        assert_int_equal(w.result.n_hits, 0);
        world_close(&w);
    }
}

static struct str hostile_mail(struct buf *raw, size_t n, size_t length)
{
    buf_add(raw, STR("Subject: x\n\n"));
    for (size_t i = 0; i < n; i++) {
        buf_addf(raw, "K%zu", i);
        for (size_t j = 0; j < length; j++)
            buf_addc(raw, (char)"()[]*+?\\.|{}^$#"[(i + j) % 15]);
        buf_addc(raw, '\n');
    }
    buf_add(raw, STR("end\n"));
    assert_true(buf_ok(raw));
    return buf_str(raw);
}

/* What a message can do: a text that is too long, too many, too much together. */
static void too_much_is_not_no_match(void **state)
{
    static const struct {
        size_t n, length;
        bool known;
    } cases[] = {
        {1, 900, true}, {1, 1100, false}, {90, 20, true}, {110, 20, false}, {90, 900, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf raw = BUF_INIT(1 << 20);
        struct world w;
        open_world(&w,
                   "rawbody __CAP /^(?<LINE>K.*)$/m\n"
                   "tflags __CAP multiple\n"
                   "rawbody FOUND /%{LINE}\\nend/\n"
                   "rawbody OTHER /%{LINE}never/\n",
                   hostile_mail(&raw, cases[i].n, cases[i].length));
        world_run(&w);
        assert_int_equal(world_hit(&w, "FOUND") != NULL, cases[i].known);
        assert_int_equal(limited(&w, "FOUND"), !cases[i].known);
        assert_null(world_hit(&w, "OTHER"));
        world_close(&w);
        buf_release(&raw);
    }
}

static void a_score_for_each_hit(void **state)
{
    struct world w;
    open_world(&w,
               "header __CAP From:addr =~ /^(?<WHO>\\w+)/\n"
               "full MANY /%{WHO}/i\n"
               "score MANY 0.5\n"
               "tflags MANY multiple maxhits=7\n"
               "header UNSCORED From =~ /(?<NOT_ASKED>J)/\n"
               "score UNSCORED 0\n",
               str_of(mail));
    assert_int_equal(w.set->n, 2);
    world_run(&w);
    assert_true(w.result.total == 1.0);
    world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_asked_for),
        cmocka_unit_test(all_kinds_capture),
        cmocka_unit_test(what_nobody_captured),
        cmocka_unit_test(marks_that_are_none),
        cmocka_unit_test(the_order),
        cmocka_unit_test(names_that_stand_for_headers),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(too_much_is_not_no_match),
        cmocka_unit_test(a_score_for_each_hit),
    };
    return tap_run(tests, NULL, NULL);
}
