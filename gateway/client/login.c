#include "gateway/client/login.h"

void login_read_offers(struct str words, struct login_offers *offers)
{
    struct str word;
    while (str_next(&words, ' ', &word)) {
        offers->plain = offers->plain || str_ieq(word, STR("PLAIN"));
        offers->login = offers->login || str_ieq(word, STR("LOGIN"));
    }
}

static unsigned byte_of(struct str bytes, size_t i)
{
    return i < bytes.n ? (unsigned char)bytes.s[i] : 0;
}

/* RFC 4648 4 */
static void put_base64(struct buf *out, struct str bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.n; i += 3) {
        unsigned three =
            byte_of(bytes, i) << 16 | byte_of(bytes, i + 1) << 8 | byte_of(bytes, i + 2);
        buf_addc(out, letters[three >> 18 & 63]);
        buf_addc(out, letters[three >> 12 & 63]);
        buf_addc(out, i + 1 < bytes.n ? letters[three >> 6 & 63] : '=');
        buf_addc(out, i + 2 < bytes.n ? letters[three & 63] : '=');
    }
}

bool login_begin(const struct login *login, const struct login_offers *offers, struct buf *out)
{
    struct buf message = BUF_INIT(2048);
    if (!offers->plain) {
        buf_addf(out, "AUTH LOGIN\r\n");
        return offers->login;
    }
    buf_addc(&message, '\0');
    buf_add(&message, str_of(login->user));
    buf_addc(&message, '\0');
    buf_add(&message, str_of(login->password));
    buf_addf(out, "AUTH PLAIN ");
    put_base64(out, buf_str(&message));
    buf_addf(out, "\r\n");
    bool ok = buf_ok(&message);
    buf_release(&message);
    return ok;
}

bool login_go_on(const struct login *login, const struct login_offers *offers, unsigned step,
                 struct buf *out)
{
    if (offers->plain || step > 1)
        return false;
    put_base64(out, str_of(step == 0 ? login->user : login->password));
    buf_addf(out, "\r\n");
    return true;
}
