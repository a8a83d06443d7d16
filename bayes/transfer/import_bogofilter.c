/* bogofilter's `bogoutil -d`: lines "TOKEN SPAM HAM YYYYMMDD"; .MSG_COUNT holds the messages. */
#include "bayes/features/tokens.h"
#include "bayes/transfer/import_table.h"

#define TOKENS_OF_ONE 64

struct place_of_theirs {
    const char *theirs; /* with its colon */
    const char *ours;
};

/* The body's words have no place. */
static const struct place_of_theirs places[] = {
    {"subj:", "subject"},     {"from:", "from"},     {"to:", "to"},
    {"rtrn:", "return-path"}, {"rcvd:", "received"}, {"url:", "u"},
};

struct bogofilter_line {
    struct str token;
    struct model_counts counts;
    uint32_t day;
};

/* Takes the number behind the last blank off the end. */
static bool number_off(struct str *line, uint32_t *number)
{
    uint64_t wide;
    size_t blank = str_rchr(*line, ' ');
    if (blank == STR_NONE || !str_to_u64(str_from(*line, blank + 1), UINT32_MAX, &wide))
        return false;
    *number = (uint32_t)wide;
    *line = str_sub(*line, 0, blank);
    return true;
}

/* Days since 1970 (H. Hinnant's days_from_civil); 0 for what is no date, as bogofilter writes when
 * it keeps none. */
static uint32_t day_of(uint32_t date)
{
    uint32_t year = date / 10000, month = date / 100 % 100, day = date % 100;
    if (year < 1970 || year > 3000 || month < 1 || month > 12 || day < 1 || day > 31)
        return 0;
    uint32_t y = year - (month <= 2);
    uint32_t era = y / 400, of_era = y % 400;
    uint32_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool line_read(struct str text, struct bogofilter_line *line)
{
    uint32_t date;
    if (!number_off(&text, &date) || !number_off(&text, &line->counts.ham) ||
        !number_off(&text, &line->counts.spam))
        return false;
    line->token = text;
    line->day = day_of(date);
    return text.n != 0;
}

/* Takes the place off the token; false when we have no such place. */
static bool place_off(struct str *token, struct str *place)
{
    *place = STR_EMPTY;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct str theirs = str_of(places[i].theirs);
        if (!str_starts(*token, theirs))
            continue;
        *token = str_from(*token, theirs.n);
        *place = str_of(places[i].ours);
        return true;
    }
    return !str_starts(*token, STR("head:")) && !str_starts(*token, STR("mime:"));
}

/* A name with a dot is one of a host where hosts are looked for: in links, and in fields. */
static void host_add(struct tokens *tokens, struct str place, struct str token)
{
    char lower[TOKEN_TEXT_MAX];
    if (str_chr(token, '.') == STR_NONE || token.n > sizeof lower)
        return;
    for (size_t i = 0; i < token.n; i++)
        lower[i] = str_lower_char(token.s[i]);
    tokens_add(tokens, place.n ? place : STR("u"), str_n(lower, token.n));
}

static int token_take(struct import *import, const struct bogofilter_line *line, struct err *err)
{
    struct tokens tokens;
    struct str token = line->token, place;
    if (!place_off(&token, &place)) {
        import->summary.dropped++;
        return 0;
    }
    pool_reset(import->pool);
    tokens_init(&tokens, import->pool);
    tokens_allow(&tokens, TOKENS_OF_ONE);
    tokens_words(&tokens, place, token);
    host_add(&tokens, place, token);
    if (tokens.failed)
        return err_set(err, "out of memory for one token");
    for (size_t i = 0; i < tokens.n; i++)
        if (import_table_add(&import->table, tokens.list[i].hash, line->counts, line->day, err) < 0)
            return -1;
    if (tokens.n)
        import->summary.tokens++;
    else
        import->summary.dropped++;
    return 0;
}

static int line_take(struct import *import, struct str text, struct err *err)
{
    struct bogofilter_line line;
    if (!line_read(text, &line))
        return lines_err(&import->lines, "expected TOKEN SPAM HAM DATE", err);
    if (str_eq(line.token, STR(".MSG_COUNT"))) {
        import->summary.spam = line.counts.spam;
        import->summary.ham = line.counts.ham;
        return 0;
    }
    /* .ENCODING, .WORDLIST_VERSION, .ROBX: of bogofilter's own */
    return str_starts(line.token, STR(".")) ? 0 : token_take(import, &line, err);
}

int import_bogofilter(struct import *import, struct str first, struct err *err)
{
    struct str line = first;
    int got = 1;
    for (; got > 0; got = lines_next(&import->lines, &line, err))
        if (line_take(import, line, err) < 0)
            return -1;
    if (got == 0 && import->summary.spam == 0 && import->summary.ham == 0)
        return lines_err(&import->lines, "there is no .MSG_COUNT: how many messages is not said",
                         err);
    return got;
}
