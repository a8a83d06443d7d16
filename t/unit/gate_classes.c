/* From which kind of network a client comes. */
#include "t/unit/tap.h"

#include "base/buf.h"
#include "gateway/gate/classes.h"

static struct conf *conf_of(const char *gate)
{
    struct err err = {""};
    struct buf text = BUF_INIT(2000);
    buf_addf(&text,
             "hostname = mx.uni.example\ndomain uni.example { next_hop = smtp://127.0.0.1:1 }\n"
             "gate { %s }\n",
             gate);
    struct conf *conf = conf_parse(buf_str(&text), "test.conf", &err);
    if (conf == NULL)
        print_error("%s\n", err.text);
    assert_non_null(conf);
    buf_release(&text);
    return conf;
}

static void expect(const char *gate, const char *ip, enum network_class expected)
{
    struct err err = {""};
    struct classes classes;
    struct conf *conf = conf_of(gate);
    assert_int_equal(classes_load(&conf->gate, &classes, &err), 0);
    assert_string_equal(network_class_name(classes_find(&classes, str_of(ip))),
                        network_class_name(expected));
    classes_free(&classes);
    conf_free(&conf);
}

static void each_list_is_a_class(void **data)
{
    const char *gate = "webmail = { 192.0.2.1 }; relays = { 192.0.2.128/25, 2001:db8:2::/48 }\n"
                       "inside = { 198.51.100.0/24, 2001:db8:1::/48 }";
    expect(gate, "192.0.2.1", CLASS_WEBMAIL);
    expect(gate, "192.0.2.200", CLASS_RELAY);
    expect(gate, "2001:db8:2::25", CLASS_RELAY);
    expect(gate, "198.51.100.7", CLASS_INSIDE);
    expect(gate, "2001:db8:1:2::7", CLASS_INSIDE);
    expect(gate, "192.0.2.2", CLASS_OUTSIDE);
    expect(gate, "2001:db8:3::1", CLASS_OUTSIDE);
}

static void the_narrower_word_holds(void **data)
{
    const char *gate = "webmail = { 10.0.0.1 }; relays = { 10.0.1.0/24 }; inside = { 10.0.0.0/8 }";
    expect(gate, "10.0.0.1", CLASS_WEBMAIL);
    expect(gate, "10.0.1.9", CLASS_RELAY);
    expect(gate, "10.0.2.9", CLASS_INSIDE);
    expect("webmail = { 10.0.0.0/8 }; relays = { 10.0.0.0/8 }", "10.0.0.1", CLASS_WEBMAIL);
}

static void whom_nobody_knows_is_outside(void **data)
{
    expect("", "127.0.0.1", CLASS_OUTSIDE);
    expect("inside = { 0.0.0.0/0, ::/0 }", "unknown", CLASS_OUTSIDE);
    expect("inside = { 0.0.0.0/0, ::/0 }", "", CLASS_OUTSIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_list_is_a_class),
        cmocka_unit_test(the_narrower_word_holds),
        cmocka_unit_test(whom_nobody_knows_is_outside),
    };
    return tap_run(tests, NULL, NULL);
}
