#include "rules/eval/absent.h"

#define NETWORK  "it asks a network service, which is not done while a message waits"
#define HASHES   "lists of hashes (HashBL.pm) are not asked"
#define HISTORY  "it keeps a history of senders; poterne has none"
#define MACROS   "macros of office files are for the antivirus engines to find"
#define REDIRECT "it would follow the link over the network"

static const struct {
    const char *name;
    const char *reason;
} absent[] = {
    {"check_access_database",
     "the Berkeley DB of addresses is the directory's matter"}, /* AccessDB */
    {"check_asn", "ASN.pm asks the DNS for the network's number"},
    {"check_authres_result",
     "poterne checks signatures itself and trusts no such field"}, /* AuthRes */
    {"check_dcc", NETWORK},
    {"check_dcc_reputation_range", NETWORK},
    {"check_from_in_auto_welcomelist", HISTORY}, /* AWL */
    {"check_from_in_auto_whitelist", HISTORY},
    {"check_hashbl_attachments", HASHES},
    {"check_hashbl_bodyre", HASHES},
    {"check_hashbl_emails", HASHES},
    {"check_hashbl_tag", HASHES},
    {"check_hashbl_uris", HASHES},
    {"check_microsoft_executable", "AntiVirus.pm; programs are for the antivirus engines"},
    {"check_olemacro", MACROS}, /* OLEVBMacro */
    {"check_olemacro_csv", MACROS},
    {"check_olemacro_download_exe", MACROS},
    {"check_olemacro_encrypted", MACROS},
    {"check_olemacro_malice", MACROS},
    {"check_olemacro_mhtml_uri", MACROS},
    {"check_olemacro_redirect_uri", MACROS},
    {"check_olemacro_renamed", MACROS},
    {"check_olemacro_zip_password", MACROS},
    {"check_oleobject", MACROS},
    {"check_olertfobject", MACROS},
    {"check_phishing", "Phishing.pm reads feeds of links from files; poterne has none"},
    {"check_pyzor", NETWORK},
    {"check_razor2", NETWORK},
    {"check_razor2_range", NETWORK},
    {"check_senders_reputation", HISTORY}, /* TxRep */
    {"check_shortcircuit", "all rules are run, whatever hits first"},
    {"check_suspect_name", "AntiVirus.pm; names of programs are for the antivirus engines"},
    {"check_test_plugin", "it belongs to SpamAssassin's own tests"},
    {"check_uri_local_bl", "URILocalBL.pm needs a database of places"},
    {"html_charset_faraway", "SpamAssassin 4.0.1 never notes the charsets that it would look at"},
    {"short_url_200", REDIRECT}, /* DecodeShortURLs */
    {"short_url_404", REDIRECT},
    {"short_url_chained", REDIRECT},
    {"short_url_code", REDIRECT},
    {"short_url_loop", REDIRECT},
    {"short_url_maxchain", REDIRECT},
    {"short_url_redir", REDIRECT},
    {"short_url_tests", "SpamAssassin itself gave it up"},
};

const char *eval_absent_reason(struct str name)
{
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        if (str_eq(name, str_of(absent[i].name)))
            return absent[i].reason;
    }
    return NULL;
}
