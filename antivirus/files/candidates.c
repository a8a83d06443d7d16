#include "antivirus/files/candidates.h"

/* The word for "password" and what stands for it, in lower case where a script has one. */
static const char *const keywords[] = {
    "password",    "passwort", "passwd",     "passcode",   "pass",       "pwd",      "kennwort",
    "passe",       "mdp",      "mp",         "contraseña", "contrasena", "clave",    "senha",
    "parola",      "parolă",   "wachtwoord", "hasło",      "haslo",      "lösenord", "adgangskode",
    "salasana",    "heslo",    "jelszó",     "jelszo",     "şifre",      "sifre",    "parool",
    "slaptažodis", "lozinka",  "geslo",      "пароль",     "паролем",    "парола",   "код",
    "κωδικός",     "סיסמה",    "كلمة",       "密码",       "密碼",       "口令",     "パスワード",
    "비밀번호",    "암호",     "code",       "pin",        "key",
};

/* What many agree on: malware is passed around under some of these. */
static const char *const usual[] = {"infected", "malware", "virus", "password", "1234",
                                    "12345",    "123456",  "123",   "0000",     "1111",
                                    "2024",     "2025",    "2026",  "test",     "admin"};

#define WORDS_BEHIND 6  /* a keyword */
#define LINE_OF_ONE  48 /* bytes of a line that may be nothing but the password */

static void add(struct candidates *c, struct str word)
{
    if (c->n == CANDIDATES_MAX || word.n == 0 || word.n > CANDIDATE_SIZE_MAX ||
        str_chr(word, 0) != STR_NONE)
        return;
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(str_of(c->items[i]), word))
            return;
    char *copy = pool_cstr(c->pool, word);
    if (copy)
        c->items[c->n++] = copy;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool next_word(struct str *rest, struct str *word)
{
    size_t from = 0;
    while (from < rest->n && is_space(rest->s[from]))
        from++;
    size_t to = from;
    while (to < rest->n && !is_space(rest->s[to]))
        to++;
    *word = str_sub(*rest, from, to);
    *rest = str_from(*rest, to);
    return word->n > 0;
}

/* Without the marks that a sentence puts around a word; those in UTF-8, too. */
static struct str bare(struct str word)
{
    static const char *const marks[] = {"\"", "'",  "`",  "(",  ")",  "[",  "]", "{", "}",
                                        "<",  ">",  ",",  ".",  ";",  ":",  "!", "?", "*",
                                        "=",  "“",  "”",  "„",  "«",  "»",  "‘", "’", "‹",
                                        "›",  "「", "」", "：", "。", "，", "、"};
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
            struct str mark = str_of(marks[i]);
            if (str_starts(word, mark)) {
                word = str_from(word, mark.n);
                again = true;
            }
            if (str_ends(word, mark)) {
                word = str_sub(word, 0, word.n - mark.n);
                again = true;
            }
        }
    }
    return word;
}

static bool is_print_ascii(char c)
{
    return c > ' ' && c < 0x7f;
}

/* The word as it stands, without marks around it, and the ASCII in it: scripts without blanks
 * write a password into the middle of a sentence. */
static void add_word(struct candidates *c, struct str word)
{
    struct str plain = bare(word);
    add(c, plain);
    add(c, word);
    /* "password:secret" */
    size_t colon = str_chr(plain, ':');
    if (colon == STR_NONE)
        colon = str_chr(plain, '=');
    if (colon != STR_NONE)
        add(c, bare(str_from(plain, colon + 1)));
    if (str_is_ascii(word))
        return;
    for (size_t i = 0; i < word.n;) {
        size_t from = i;
        while (i < word.n && is_print_ascii(word.s[i]))
            i++;
        if (i > from)
            add(c, bare(str_sub(word, from, i)));
        i += i == from;
    }
}

/* ASCII in either case; other scripts as the list has them. In a script without blanks the keyword
 * stands anywhere in a "word". */
static bool is_keyword(struct str word)
{
    struct str plain = bare(word);
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        struct str keyword = str_of(keywords[i]);
        bool inside = !str_is_ascii(keyword) && str_find(plain, keyword) != STR_NONE;
        if (inside || str_ieq(plain, keyword) ||
            (str_istarts(plain, keyword) && plain.n > keyword.n &&
             strchr(":=", plain.s[keyword.n]) != NULL))
            return true;
    }
    return false;
}

struct search {
    const struct str *texts;
    size_t n;
    size_t from; /* texts to look at: [from, n) */
};

/* Words behind each keyword, also in the text that follows: "The password is:" ends a line. */
static void add_behind_keywords(struct candidates *c, const struct search *search)
{
    unsigned wanted = 0;
    for (size_t i = search->from; i < search->n; i++) {
        struct str rest = search->texts[i], word;
        while (next_word(&rest, &word)) {
            if (is_keyword(word)) {
                wanted = WORDS_BEHIND + 1;
                add_word(c, word); /* "password:secret" in one */
            } else if (wanted > 0) {
                add_word(c, word);
            }
            wanted -= wanted > 0;
        }
    }
}

static void add_quoted_in(struct candidates *c, struct str text)
{
    static const char *const pairs[][2] = {{"\"", "\""}, {"“", "”"}, {"„", "“"},  {"«", "»"},
                                           {"‘", "’"},   {"`", "`"}, {"「", "」"}};
    for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++) {
        struct str open = str_of(pairs[p][0]), close = str_of(pairs[p][1]);
        struct str rest = text;
        for (size_t at; (at = str_find(rest, open)) != STR_NONE;) {
            struct str inside = str_from(rest, at + open.n);
            size_t end = str_find(inside, close);
            if (end == STR_NONE)
                break;
            add(c, str_trim(str_sub(inside, 0, end)));
            rest = str_from(inside, end + close.n);
        }
    }
}

static bool has_digit(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (word.s[i] >= '0' && word.s[i] <= '9')
            return true;
    return false;
}

static void add_words(struct candidates *c, struct str text, bool only_with_digits)
{
    struct str word;
    while (next_word(&text, &word))
        if (!only_with_digits || has_digit(word))
            add_word(c, word);
}

static void add_file_name(struct candidates *c, struct str name)
{
    struct str stem = str_sub(name, 0, str_rchr(name, '.'));
    add(c, stem);
    for (size_t from = 0, i = 0; i <= stem.n; i++)
        if (i == stem.n || strchr(" _-.()[]", stem.s[i]) != NULL) {
            add(c, str_sub(stem, from, i));
            from = i + 1;
        }
}

static void add_lines_of_one(struct candidates *c, struct str text)
{
    struct str line;
    while (str_next_line(&text, &line)) {
        line = str_trim(line);
        if (line.n > 0 && line.n <= LINE_OF_ONE && str_chr(line, ' ') == STR_NONE)
            add_word(c, line);
    }
}

void candidates_make(struct candidates *candidates, struct pool *pool, const struct str *texts,
                     size_t n_texts, struct str file_name)
{
    *candidates = (struct candidates){.pool = pool};
    struct search search = {texts, 0, 0};
    for (size_t bytes = 0; search.n < n_texts && bytes < CANDIDATES_TEXT; search.n++)
        bytes += texts[search.n].n;
    add_behind_keywords(candidates, &search);
    for (size_t i = 0; i < search.n; i++)
        add_quoted_in(candidates, texts[i]);
    for (size_t i = 0; i < search.n; i++)
        add_lines_of_one(candidates, texts[i]);
    if (search.n > 0)
        add_words(candidates, texts[0], false);
    add_file_name(candidates, file_name);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        add(candidates, str_of(usual[i]));
    for (size_t i = 0; i < search.n; i++)
        add_words(candidates, texts[i], true);
    for (size_t i = 0; i < search.n; i++)
        add_words(candidates, texts[i], false);
}
