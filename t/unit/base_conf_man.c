/* poterne.conf(5) tells of every setting there is: its name in its section, what the table says of
 * it, and its default. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/conf_table.h"
#include "base/fsio.h"

#define PAGE     TOP_SRCDIR "/man/poterne.conf.5"
#define PAGE_MAX (256 * 1024)

/* One blank between words, so that line breaks in the page do not matter. */
static void squeeze(struct str text, struct buf *out)
{
    bool blank = false;
    for (size_t i = 0; i < text.n; i++) {
        bool space = text.s[i] == ' ' || text.s[i] == '\n';
        if (!space && blank)
            buf_addc(out, ' ');
        if (!space)
            buf_addc(out, text.s[i]);
        blank = space;
    }
}

/* The page says where Debian puts things; this build may have other folders. */
static void put_default(const char *fallback, struct buf *out)
{
    static const char *const places[][2] = {{POTERNE_STATEDIR, "/var/lib/poterne"},
                                            {POTERNE_RUNDIR, "/var/run/poterne"},
                                            {POTERNE_DATADIR, "/usr/share/poterne"},
                                            {POTERNE_SYSCONFDIR, "/etc/poterne"}};
    struct str rest = str_of(fallback);
    for (size_t i = 0; i < 4; i++) {
        size_t at = str_find(rest, str_of(places[i][0]));
        if (at == STR_NONE)
            continue;
        for (size_t k = 0; k < at; k++)
            if (rest.s[k] != '"')
                buf_addc(out, rest.s[k]);
        buf_addf(out, "%s", places[i][1]);
        rest = str_from(rest, at + strlen(places[i][0]));
        for (size_t k = 0; k < rest.n; k++)
            if (rest.s[k] != '"')
                buf_addc(out, rest.s[k]);
        return;
    }
    if (str_eq(rest, STR("\"\"")) || str_eq(rest, STR("{ }")))
        rest = STR("none");
    buf_add(out, rest);
}

static struct str section_of(struct str page, const char *section)
{
    struct buf title = BUF_INIT(100);
    if (*section)
        buf_addf(&title, ".Ss Section %s", section);
    else
        buf_add(&title, STR(".Ss Outside of all sections"));
    size_t at = str_find(page, buf_str(&title));
    if (at == STR_NONE)
        print_error("the page has no `%s`\n", buf_cstr(&title));
    assert_true(at != STR_NONE);
    buf_release(&title);
    struct str rest = str_from(page, at);
    return str_sub(rest, 0, str_find(rest, STR(" .El")));
}

static void expect(struct str text, const struct conf_setting *setting, struct buf *words)
{
    assert_true(buf_ok(words));
    if (str_find(text, buf_str(words)) == STR_NONE)
        print_error("poterne.conf(5), %s of section %s: not found: %s\n", setting->name,
                    setting->section, buf_cstr(words));
    assert_true(str_find(text, buf_str(words)) != STR_NONE);
    buf_release(words);
}

static void check_setting(struct str page, const struct conf_setting *setting)
{
    struct buf words = BUF_INIT(2000);
    struct str text = section_of(page, setting->section);
    buf_addf(&words, ".It Ic %s No =", setting->name);
    expect(text, setting, &words);
    struct buf item = BUF_INIT(200);
    buf_addf(&item, ".It Ic %s No =", setting->name);
    text = str_from(text, str_find(text, buf_str(&item)) + item.n);
    text = str_sub(text, 0, str_find(text, STR(" .It ")));
    buf_release(&item);
    squeeze(str_of(setting->help), &words);
    expect(text, setting, &words);
    if (setting->fallback == NULL || strcmp(setting->section, "domain") == 0)
        return;
    buf_add(&words, STR("Default: "));
    put_default(setting->fallback, &words);
    expect(text, setting, &words);
}

static void every_setting_is_in_the_manual(void **state)
{
    struct buf file = BUF_INIT(PAGE_MAX), page = BUF_INIT(PAGE_MAX);
    struct err err = {""};
    if (fsio_read_file(PAGE, &file, &err) < 0)
        fail_msg("%s", err.text);
    squeeze(buf_str(&file), &page);
    for (size_t i = 0; i < conf_n_settings; i++)
        check_setting(buf_str(&page), &conf_settings[i]);
    for (size_t k = 0; k < TITLED_KINDS; k++)
        for (size_t i = 0; i < conf_titled[k].n_rows; i++)
            check_setting(buf_str(&page), &conf_titled[k].rows[i]);
    buf_release(&file);
    buf_release(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_setting_is_in_the_manual)};
    return tap_run(tests, NULL, NULL);
}
