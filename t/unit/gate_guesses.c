/* Who tries passwords: per network and per user name, and nobody is locked out where he is known.
 */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "gateway/gate/guesses.h"

#define START  1700000000
#define MINUTE 60
#define DAY    86400

static char state[] = "/tmp/poterne-guesses-XXXXXX";

static int make_state(void **data)
{
    return mkdtemp(state) ? 0 : -1;
}

static int remove_state(void **data)
{
    struct err err;
    return fsio_empty_dir(state, &err) == 0 ? rmdir(state) : -1;
}

struct world {
    struct conf *conf;
    struct guesses guesses;
};

static void world_open(struct world *world, const char *settings)
{
    struct err err = {""};
    struct buf text = BUF_INIT(2000);
    fsio_empty_dir(state, &err);
    buf_addf(&text,
             "hostname = mx.uni.example\nstate_dir = %s\n"
             "domain uni.example { next_hop = smtp://127.0.0.1:1 }\nsubmission { %s }\n",
             state, settings);
    world->conf = conf_parse(buf_str(&text), "test.conf", &err);
    if (world->conf == NULL)
        print_error("%s\n", err.text);
    assert_non_null(world->conf);
    assert_int_equal(guesses_open(&world->guesses, world->conf, &err), 0);
    buf_release(&text);
}

static void world_close(struct world *world)
{
    guesses_close(&world->guesses);
    conf_free(&world->conf);
}

static unsigned begin(struct world *world, const char *user, const char *ip, enum network_class of,
                      int64_t now, struct guess *guess)
{
    struct gate_key network;
    unsigned seconds;
    bool known = gate_network(str_of(ip), &network);
    enum guess_turn turn = guesses_begin(&world->guesses, str_of(user), known ? &network : NULL, of,
                                         now, guess, &seconds);
    return turn == GUESS_ASK ? 0 : seconds;
}

/* Seconds to wait, or 0: it was asked about, and came out so. */
static unsigned try(struct world *world, const char *user, const char *ip, int64_t now,
                    enum guess_result result)
{
    struct guess guess;
    unsigned wait = begin(world, user, ip, CLASS_OUTSIDE, now, &guess);
    if (wait == 0)
        guesses_end(&world->guesses, &guess, result, now);
    return wait;
}

/* How many of 1000 wrong passwords are looked at. */
static unsigned looked_at(struct world *world, const char *user, const char *ip, int64_t now)
{
    unsigned n = 0;
    for (int i = 0; i < 1000; i++)
        n += try(world, user, ip, now, GUESS_WRONG) == 0;
    return n;
}

static void the_defaults(void **data)
{
    struct world world;
    char user[32];
    unsigned n = 0;
    world_open(&world, "");
    assert_int_equal(looked_at(&world, "jean", "192.0.2.1", START), 30);
    for (int i = 0; i < 1000; i++) {
        snprintf(user, sizeof user, "user%d", i);
        n += try(&world, user, "192.0.2.200", START, GUESS_WRONG) == 0;
    }
    assert_int_equal(n, 30); /* 60 of the network, with jean's */
    world_close(&world);
}

static enum guess_turn token(struct world *world, const char *user, const char *ip,
                             enum network_class of, struct guess *guess)
{
    struct gate_key network;
    unsigned seconds;
    bool known = gate_network(str_of(ip), &network);
    return guesses_begin_token(&world->guesses, str_of(user), known ? &network : NULL, of, START,
                               guess, &seconds);
}

static enum guess_turn wrong_token(struct world *world, const char *user, const char *ip)
{
    struct guess guess;
    enum guess_turn turn = token(world, user, ip, CLASS_OUTSIDE, &guess);
    if (turn == GUESS_ASK)
        guesses_end(&world->guesses, &guess, GUESS_WRONG, START);
    return turn;
}

static void wrong_tokens_count_for_their_network(void **data)
{
    struct world world;
    struct guess guess;
    (void)data;
    world_open(&world, "guesses_network = 4; guesses_account = 3");
    /* jean has logged in by one, from there */
    assert_int_equal(token(&world, "jean", "192.0.2.1", CLASS_OUTSIDE, &guess), GUESS_ASK);
    guesses_end(&world.guesses, &guess, GUESS_RIGHT, START);
    for (int i = 0; i < 4; i++)
        assert_int_equal(wrong_token(&world, i % 2 ? "anne" : "", "192.0.2.1"), GUESS_ASK);
    assert_int_equal(wrong_token(&world, "anne", "192.0.2.200"), GUESS_LATER);
    assert_int_equal(wrong_token(&world, "", "192.0.2.200"), GUESS_LATER);
    assert_true(try(&world, "anne", "192.0.2.1", START, GUESS_WRONG) > 0); /* passwords, too */
    /* whose name it is, and who is known there, hear nothing of it */
    assert_int_equal(try(&world, "anne", "198.51.100.1", START, GUESS_WRONG), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wrong_token(&world, "jean", "192.0.2.1"), GUESS_ASK);
    assert_int_equal(wrong_token(&world, "jean", "192.0.2.1"), GUESS_LATER);
    /* neither webmail nor an unknown network is counted */
    assert_int_equal(token(&world, "anne", "192.0.2.1", CLASS_WEBMAIL, &guess), GUESS_ASK);
    assert_int_equal(guess.n, 0);
    assert_int_equal(token(&world, "anne", "unknown", CLASS_OUTSIDE, &guess), GUESS_ASK);
    assert_int_equal(guess.n, 0);
    world_close(&world);
}

static void a_name_counts_from_wherever(void **data)
{
    struct world world;
    char ip[32];
    unsigned n = 0;
    world_open(&world, "guesses_account = 5");
    for (int i = 0; i < 200; i++) {
        snprintf(ip, sizeof ip, "10.%d.0.1", i);
        n += try(&world, i % 2 ? "Jean" : "jean@uni.example", ip, START, GUESS_WRONG) == 0;
    }
    assert_int_equal(n, 5);
    assert_int_equal(try(&world, "anne", "10.1.0.1", START, GUESS_RIGHT), 0);
    unsigned wait = try(&world, "jean", "192.0.2.1", START + 60, GUESS_RIGHT);
    assert_true(wait > 0 && wait <= 16 * MINUTE);
    assert_int_equal(try(&world, "jean", "192.0.2.1", START + 60 + wait, GUESS_RIGHT), 0);
    world_close(&world);
}

static void the_owner_is_not_locked_out_where_he_is_known(void **data)
{
    struct world world;
    world_open(&world, "guesses_account = 5; guesses_network = 8");
    assert_int_equal(try(&world, "jean", "192.0.2.1", START - 30 * DAY, GUESS_RIGHT), 0);
    assert_int_equal(looked_at(&world, "jean", "198.51.100.1", START), 5);
    assert_int_equal(looked_at(&world, "anne", "192.0.2.7", START), 5);
    assert_int_equal(looked_at(&world, "paul", "192.0.2.7", START), 3); /* his network is full */
    for (int i = 0; i < 100; i++)
        assert_int_equal(try(&world, "jean", "192.0.2.9", START, GUESS_RIGHT), 0);
    assert_int_not_equal(try(&world, "jean", "203.0.113.1", START, GUESS_RIGHT), 0);
    /* nobody guesses without an end there either */
    assert_int_equal(looked_at(&world, "jean", "192.0.2.1", START), 5);
    assert_int_not_equal(try(&world, "jean", "192.0.2.1", START, GUESS_RIGHT), 0);
    world_close(&world);
}

static void who_was_long_away_is_not_known(void **data)
{
    struct world world;
    world_open(&world, "guesses_account = 5");
    assert_int_equal(try(&world, "jean", "192.0.2.1", START - 36 * DAY, GUESS_RIGHT), 0);
    assert_int_equal(looked_at(&world, "jean", "198.51.100.1", START), 5);
    assert_int_not_equal(try(&world, "jean", "192.0.2.1", START, GUESS_RIGHT), 0);
    world_close(&world);
}

/* He logged in at what is still to come. */
static void a_clock_set_back_locks_no_owner_out(void **data)
{
    struct world world;
    world_open(&world, "guesses_account = 5");
    assert_int_equal(try(&world, "jean", "192.0.2.1", START + 2 * DAY, GUESS_RIGHT), 0);
    assert_int_equal(looked_at(&world, "jean", "198.51.100.1", START), 5);
    assert_int_equal(try(&world, "jean", "192.0.2.1", START, GUESS_RIGHT), 0);
    world_close(&world);
}

static enum guess_turn turn_of(struct world *world, const char *user, const char *ip,
                               struct guess *guess)
{
    struct gate_key network;
    unsigned seconds;
    assert_true(gate_network(str_of(ip), &network));
    return guesses_begin(&world->guesses, str_of(user), &network, CLASS_OUTSIDE, START, guess,
                         &seconds);
}

/* Those that nobody has answered yet count, and what was right counts for nothing. */
static void at_once_is_no_way_round(void **data)
{
    struct world world;
    struct guess guesses[5], more;
    world_open(&world, "guesses_account = 5; guesses_network = 7");
    for (int i = 0; i < 5; i++)
        assert_int_equal(turn_of(&world, "jean", "192.0.2.1", &guesses[i]), GUESS_ASK);
    assert_int_equal(turn_of(&world, "jean", "192.0.2.1", &more), GUESS_WAIT);
    assert_int_equal(turn_of(&world, "jean", "198.51.100.1", &more), GUESS_WAIT);
    /* from the middle, the newest, the oldest, and the rest */
    guesses_end(&world.guesses, &guesses[2], GUESS_NEITHER, START + 70);
    guesses_end(&world.guesses, &guesses[4], GUESS_NEITHER, START + 70);
    guesses_end(&world.guesses, &guesses[0], GUESS_WRONG, START + 70);
    guesses_end(&world.guesses, &guesses[1], GUESS_NEITHER, START + 70);
    guesses_end(&world.guesses, &guesses[3], GUESS_NEITHER, START + 70);
    assert_null(world.guesses.open);
    assert_int_equal(looked_at(&world, "jean", "192.0.2.1", START + 70), 4);
    world_close(&world);
}

/* Who is at a limit waits only for what could free a place of that limit. */
static void what_was_wrong_is_not_waited_for(void **data)
{
    struct world world;
    struct guess own, others, more;
    world_open(&world, "guesses_account = 2; guesses_network = 4");
    assert_int_equal(turn_of(&world, "jean", "192.0.2.1", &own), GUESS_ASK);
    assert_int_equal(try(&world, "jean", "192.0.2.1", START, GUESS_WRONG), 0);
    assert_int_equal(turn_of(&world, "anne", "192.0.2.1", &others), GUESS_ASK);
    assert_int_equal(turn_of(&world, "jean", "192.0.2.1", &more), GUESS_WAIT);
    guesses_end(&world.guesses, &own, GUESS_WRONG, START);
    assert_int_equal(turn_of(&world, "jean", "192.0.2.1", &more), GUESS_LATER);
    assert_int_equal(turn_of(&world, "jean", "198.51.100.1", &more), GUESS_LATER);
    assert_int_equal(try(&world, "paul", "192.0.2.1", START, GUESS_WRONG), 0);
    assert_int_equal(turn_of(&world, "paul", "192.0.2.1", &more), GUESS_WAIT); /* for anne's */
    guesses_end(&world.guesses, &others, GUESS_NEITHER, START);
    assert_int_equal(turn_of(&world, "paul", "192.0.2.1", &more), GUESS_ASK);
    guesses_end(&world.guesses, &more, GUESS_RIGHT, START);
    world_close(&world);
}

/* Is it told how the password of that name of jean's was? */
static bool told(struct world *world, const char *user, const char *ip, enum guess_result result)
{
    struct guess guess;
    unsigned seconds = 0;
    assert_int_equal(begin(world, user, ip, CLASS_OUTSIDE, START, &guess), 0);
    bool is =
        guesses_account(&world->guesses, &guess, STR("jean@uni.example"), result, START, &seconds);
    guesses_end(&world->guesses, &guess, is ? result : GUESS_WRONG, START);
    assert_true(is || seconds > 1);
    return is;
}

static void all_names_of_an_account_have_its_limit(void **data)
{
    struct world world;
    char alias[32], ip[32];
    unsigned n = 0;
    world_open(&world, "guesses_account = 5; guesses_network = 100");
    for (int i = 0; i < 20; i++) {
        snprintf(alias, sizeof alias, "alias%d", i);
        snprintf(ip, sizeof ip, "198.51.%d.1", i);
        n += told(&world, alias, ip, GUESS_WRONG);
    }
    assert_int_equal(n, 5);
    assert_false(told(&world, "alias20", "198.51.20.1", GUESS_RIGHT));
    assert_false(told(&world, "alias21", "198.51.20.1", GUESS_NEITHER)); /* right, and expired */
    assert_int_not_equal(try(&world, "jean", "198.51.20.1", START, GUESS_WRONG), 0);
    world_close(&world);
}

static void who_is_known_there_has_a_limit_of_his_own_by_any_name(void **data)
{
    struct world world;
    world_open(&world, "guesses_account = 5; guesses_network = 100");
    assert_true(told(&world, "jtoto", "192.0.2.1", GUESS_RIGHT));
    for (int i = 0; i < 5; i++)
        assert_true(told(&world, "jean", "198.51.100.1", GUESS_WRONG));
    assert_int_not_equal(try(&world, "jean", "198.51.100.1", START, GUESS_WRONG), 0);
    /* known by his alias, so by his address, and by another alias */
    assert_true(told(&world, "jean", "192.0.2.1", GUESS_RIGHT));
    assert_true(told(&world, "jean2", "192.0.2.1", GUESS_RIGHT));
    /* where his failures count together, too */
    assert_true(told(&world, "jean", "192.0.2.1", GUESS_WRONG));
    for (int i = 0; i < 4; i++)
        assert_true(told(&world, i % 2 ? "jtoto" : "jean2", "192.0.2.1", GUESS_WRONG));
    assert_false(told(&world, "jtoto", "192.0.2.1", GUESS_WRONG));
    assert_false(told(&world, "jean3", "192.0.2.1", GUESS_RIGHT));
    world_close(&world);
}

static void webmail_is_no_network_of_guessers(void **data)
{
    struct world world;
    struct guess guesses[103];
    char user[32];
    world_open(&world, "guesses_network = 5; guesses_account = 3");
    for (int i = 0; i < 100; i++) {
        snprintf(user, sizeof user, "user%d", i);
        assert_int_equal(begin(&world, user, "10.0.0.1", CLASS_WEBMAIL, START, &guesses[i]), 0);
    }
    for (int i = 100; i < 102; i++)
        assert_int_equal(begin(&world, "user1", "10.0.0.1", CLASS_WEBMAIL, START, &guesses[i]), 0);
    assert_int_not_equal(begin(&world, "user1", "10.0.0.1", CLASS_WEBMAIL, START, &guesses[102]),
                         0);
    world_close(&world);
}

static void without_limits_all_are_looked_at(void **data)
{
    struct world world;
    world_open(&world, "guesses_network = 0; guesses_account = 0");
    assert_int_equal(looked_at(&world, "jean", "192.0.2.1", START), 1000);
    assert_int_equal(looked_at(&world, "jean", "unknown", START), 1000);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults),
        cmocka_unit_test(wrong_tokens_count_for_their_network),
        cmocka_unit_test(a_name_counts_from_wherever),
        cmocka_unit_test(the_owner_is_not_locked_out_where_he_is_known),
        cmocka_unit_test(who_was_long_away_is_not_known),
        cmocka_unit_test(a_clock_set_back_locks_no_owner_out),
        cmocka_unit_test(at_once_is_no_way_round),
        cmocka_unit_test(what_was_wrong_is_not_waited_for),
        cmocka_unit_test(all_names_of_an_account_have_its_limit),
        cmocka_unit_test(who_is_known_there_has_a_limit_of_his_own_by_any_name),
        cmocka_unit_test(webmail_is_no_network_of_guessers),
        cmocka_unit_test(without_limits_all_are_looked_at),
    };
    return tap_run(tests, make_state, remove_state);
}
