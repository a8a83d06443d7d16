#include "gateway/fetch/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>

#define HTTPS_PORT 443

/* One part of it, empty where there is none; false: it can't be had. */
static bool part_of(CURLU *u, CURLUPart what, unsigned flags, char *out, size_t size)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(u, what, &text, flags);
    bool fits = code == CURLUE_OK ? str_copy(str_of(text), out, size)
                                  : code == CURLUE_NO_PORT || code == CURLUE_NO_USER ||
                                        code == CURLUE_NO_PASSWORD || code == CURLUE_NO_FRAGMENT;
    if (code != CURLUE_OK)
        out[0] = '\0';
    curl_free(text);
    return fits;
}

/* libcurl has undone %xx in it: what the DNS would be asked, and a certificate compared with, must
 * be a host name all the same. */
static bool is_name(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        char c = str_lower_char(host.s[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return dns_name_ok(host) && !str_ends(host, STR("."));
}

static int read_host(CURLU *u, struct place *place, struct err *err)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    char text[DNS_NAME_MAX + 1];
    if (!part_of(u, CURLUPART_HOST, 0, text, sizeof text))
        return err_set(err, "the host is too long");
    struct str host = str_of(text);
    place->is_address = str_starts(host, STR("["));
    if (place->is_address)
        host = str_sub(host, 1, host.n - 1);
    for (size_t i = 0; i < host.n; i++)
        place->host[i] = str_lower_char(host.s[i]);
    place->host[host.n] = '\0';
    if (place->is_address)
        return inet_pton(AF_INET6, place->host, bytes) == 1 ? 0 : err_set(err, "no IPv6 address");
    place->is_address = inet_pton(AF_INET, place->host, bytes) == 1;
    bool named = place->is_address || is_name(host);
    return named ? 0 : err_set(err, "the host is no name");
}

/* `port`: where the URL names none. */
static int read_rest(CURLU *u, uint16_t port, struct place *place, struct err *err)
{
    char text[16];
    uint64_t number = port;
    if (!part_of(u, CURLUPART_SCHEME, 0, text, sizeof text) || strcmp(text, "https") != 0)
        return err_set(err, "it is not https");
    if (!part_of(u, CURLUPART_USER, 0, text, sizeof text) || text[0] ||
        !part_of(u, CURLUPART_PASSWORD, 0, text, sizeof text) || text[0])
        return err_set(err, "it names a user");
    if (!part_of(u, CURLUPART_PORT, 0, text, sizeof text) ||
        (text[0] && (!str_to_u64(str_of(text), UINT16_MAX, &number) || number == 0)))
        return err_set(err, "no such port");
    place->port = (uint16_t)number;
    snprintf(text, sizeof text, "%u", place->port);
    if (curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
        curl_url_set(u, CURLUPART_PORT, text, 0) != CURLUE_OK ||
        !part_of(u, CURLUPART_URL, CURLU_NO_DEFAULT_PORT, place->url, sizeof place->url))
        return err_set(err, "it is too long");
    return read_host(u, place, err);
}

static int url_read(struct str url, uint16_t port, struct place *place, struct err *err)
{
    char text[FETCH_URL_MAX + 1];
    memset(place, 0, sizeof *place);
    if (!str_copy(url, text, sizeof text))
        return err_set(err, "it is too long");
    for (size_t i = 0; i < url.n; i++)
        if (url.s[i] <= ' ' || url.s[i] > '~') /* RFC 3986 2: libcurl would let some pass */
            return err_set(err, "it has a byte that no URL has");
    CURLU *u = curl_url();
    if (u == NULL)
        return err_set(err, "out of memory");
    CURLUcode code = curl_url_set(u, CURLUPART_URL, text, 0);
    int result = code == CURLUE_OK ? read_rest(u, port, place, err)
                                   : err_set(err, "%s", curl_url_strerror(code));
    curl_url_cleanup(u);
    return result;
}

int url_read_own(struct str url, struct place *place, struct err *err)
{
    return url_read(url, HTTPS_PORT, place, err);
}

int url_read_stranger(struct str url, uint16_t port, struct place *place, struct err *err)
{
    if (url_read(url, port, place, err) < 0)
        return -1;
    /* read once more: what stood behind %xx may be an address in one of its other forms */
    struct place again;
    bool same = url_read(str_of(place->url), port, &again, err) == 0 && !again.is_address &&
                strcmp(again.host, place->host) == 0;
    if (place->is_address || !same || strchr(place->host, '.') == NULL)
        return err_set(err, "the host is no domain name");
    if (place->port != port)
        return err_set(err, "its port is not %u", port);
    return 0;
}
