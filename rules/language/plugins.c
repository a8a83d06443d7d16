#include "rules/language/plugins.h"

#define PREFIX "Mail::SpamAssassin::"

enum state {
    ON,    /* SpamAssassin's own *.pre files load it */
    KNOWN, /* once a loadplugin line asks for it */
    ABSENT,
};

static const struct {
    const char *name;
    enum state state;
    const char *why; /* ABSENT: the reason */
} plugins[] = {
    {"AskDNS", ON, NULL},
    {"AutoLearnThreshold", ON, NULL},
    {"Bayes", ON, NULL},
    {"BodyEval", ON, NULL},
    {"Check", ON, NULL},
    {"DKIM", ON, NULL},
    {"DMARC", ON, NULL},
    {"DNSEval", ON, NULL},
    {"FreeMail", ON, NULL},
    {"HTMLEval", ON, NULL},
    {"HTTPSMismatch", ON, NULL},
    {"HashBL", ON, NULL},
    {"HeaderEval", ON, NULL},
    {"ImageInfo", ON, NULL},
    {"MIMEEval", ON, NULL},
    {"MIMEHeader", ON, NULL},
    {"RelayEval", ON, NULL},
    {"ReplaceTags", ON, NULL},
    {"SPF", ON, NULL},
    {"URIDNSBL", ON, NULL},
    {"URIDetail", ON, NULL},
    {"URIEval", ON, NULL},
    {"VBounce", ON, NULL},
    {"WLBLEval", ON, NULL},
    {"WelcomeListSubject", ON, NULL},
    {"FromNameSpoof", KNOWN, NULL},
    {"PDFInfo", KNOWN, NULL},
    {"TextCat", KNOWN, NULL},
    {"AWL", ABSENT, "an address reputation over time; poterne judges a message by itself"},
    {"ASN", ABSENT, "asks a network service for the number of an autonomous system"},
    {"AccessDB", ABSENT, "reads a database of the mail server"},
    {"AntiVirus", ABSENT, "scanning is done by poterne's own antivirus engines"},
    {"AuthRes", ABSENT,
     "trusts headers that others wrote; poterne does SPF, DKIM and DMARC itself"},
    {"DCC", ABSENT, "sends checksums of mail to a network service"},
    {"DecodeShortURLs", ABSENT, "follows links over the network"},
    {"ExtractText", ABSENT, "runs other programs"},
    {"OLEVBMacro", ABSENT, "macros are looked for by the antivirus engines"},
    {"OneLineBodyRuleType", ABSENT, "changes what body rules see"},
    {"P595Body", ABSENT, "changes what body rules see"},
    {"PhishTag", ABSENT, "changes the body of messages"},
    {"Phishing", ABSENT, "reads lists of links from files that it downloads"},
    {"Pyzor", ABSENT, "sends checksums of mail to a network service"},
    {"Razor2", ABSENT, "sends checksums of mail to a network service"},
    {"RelayCountry", ABSENT, "needs a database of countries, which poterne has not"},
    {"ResourceLimits", ABSENT, "limits are poterne's own"},
    {"Reuse", ABSENT, "for mass-check only"},
    {"Rule2XSBody", ABSENT, "compiles C at run time"},
    {"Shortcircuit", ABSENT, "every rule is run: a verdict names all its reasons"},
    {"SpamCop", ABSENT, "reports mail to a network service"},
    {"Test", ABSENT, "an example"},
    {"TxRep", ABSENT, "a sender reputation over time; poterne judges a message by itself"},
    {"URILocalBL", ABSENT, "needs a database of countries, which poterne has not"},
};

#define PLUGINS (sizeof plugins / sizeof *plugins)
_Static_assert(PLUGINS <= PLUGINS_MAX, "struct plugins has room for all");

/* Names that SpamAssassin takes for others. */
static const struct {
    const char *name, *now;
} renamed[] = {
    {"Dmarc", "DMARC"},
    {"WhiteListSubject", "WelcomeListSubject"},
};

/* What SpamAssassin says of itself, and plugins of themselves. */
static const struct {
    const char *module, *feature;
} features[] = {
    {"Conf", "compat_welcomelist_blocklist"},
    {"Conf", "feature_bayes_auto_learn_on_error"},
    {"Conf", "feature_bayes_stopwords"},
    {"Conf", "feature_blocklist_welcomelist"},
    {"Conf", "feature_bug6558_free"},
    {"Conf", "feature_capture_rules"},
    {"Conf", "feature_compile_regexp"},
    {"Conf", "feature_dns_block_rule"},
    {"Conf", "feature_dns_local_ports_permit_avoid"},
    {"Conf", "feature_dns_query_restriction"},
    {"Conf", "feature_edns"},
    {"Conf", "feature_geodb"},
    {"Conf", "feature_get_host"},
    {"Conf", "feature_header_address_parser"},
    {"Conf", "feature_header_first_last"},
    {"Conf", "feature_header_match_many"},
    {"Conf", "feature_local_tests_only"},
    {"Conf", "feature_meta_rules_matching"},
    {"Conf", "feature_originating_ip_headers"},
    {"Conf", "feature_poterne"}, /* no SpamAssassin says so: for lines of poterne alone */
    {"Conf", "feature_registryboundaries"},
    {"Conf", "feature_subjprefix"},
    {"Conf", "feature_uri_host_listed"},
    {"Conf", "feature_welcomelist_blocklist"},
    {"Conf", "feature_yesno_takes_args"},
    {"Conf", "has_tflags_nolog"},
    {"Conf", "has_tflags_nosubject"},
    {"Conf", "perl_min_version_5010000"},
    {"AskDNS", "has_tag_header"},
    {"BodyEval", "has_check_body_length"},
    {"BodyEval", "has_plaintext_body_sig_ratio"},
    {"DKIM", "has_arc"},
    {"DNSEval", "has_tflags_domains_only"},
    {"DNSEval", "has_tflags_ips_only"},
    {"HashBL", "has_hashbl_attachments"},
    {"HashBL", "has_hashbl_bodyre"},
    {"HashBL", "has_hashbl_bodyre_num"},
    {"HashBL", "has_hashbl_email_domain"},
    {"HashBL", "has_hashbl_email_domain_alias"},
    {"HashBL", "has_hashbl_email_regex"},
    {"HashBL", "has_hashbl_email_welcomelist"},
    {"HashBL", "has_hashbl_email_whitelist"},
    {"HashBL", "has_hashbl_emails"},
    {"HashBL", "has_hashbl_ignore"},
    {"HashBL", "has_hashbl_sha256"},
    {"HashBL", "has_hashbl_tag"},
    {"HashBL", "has_hashbl_uris"},
    {"MIMEEval", "has_check_abundant_unicode_ratio"},
    {"MIMEEval", "has_check_for_ascii_text_illegal"},
    {"MIMEEval", "has_check_qp_ratio"},
    {"MIMEHeader", "has_all_header"},
    {"MIMEHeader", "has_capture_rules"},
    {"MIMEHeader", "has_tflags_concat"},
    {"MIMEHeader", "has_tflags_multiple"},
    {"MIMEHeader", "has_tflags_range"},
    {"SPF", "has_check_for_spf_errors"},
    {"SPF", "has_check_spf_skipped_noenvfrom"},
    {"URIDNSBL", "has_subtest_for_ranges"},
    {"URIDNSBL", "has_tflags_domains_only"},
    {"URIDNSBL", "has_tflags_notrim"},
    {"URIDNSBL", "has_uridnsbl_a_ns"},
    {"URIDNSBL", "has_uridnsbl_for_a"},
    {"URIDNSBL", "has_uridnsbl_skip_mailto"},
    {"URIDetail", "has_host_key"},
};

/* Of "Mail::SpamAssassin::Plugin::X" the "X"; .s NULL: another's plugin. */
static struct str short_name(struct str name)
{
    const struct str prefix = STR(PREFIX "Plugin::");
    if (!str_starts(name, prefix))
        return STR_EMPTY;
    name = str_from(name, prefix.n);
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++) {
        if (str_eq(name, str_of(renamed[i].name)))
            return str_of(renamed[i].now);
    }
    return name;
}

static size_t find(struct str name)
{
    size_t i = 0;
    while (i < PLUGINS && !str_eq(name, str_of(plugins[i].name)))
        i++;
    return i;
}

void plugins_init(struct plugins *p)
{
    *p = (struct plugins){{false}};
    for (size_t i = 0; i < PLUGINS; i++)
        p->on[i] = plugins[i].state == ON;
}

bool plugins_has(const struct plugins *p, struct str name)
{
    /* Gone from SpamAssassin, which still says yes, since its rules were kept. */
    if (str_eq(name, STR(PREFIX "Plugin::RaciallyCharged")))
        return true;
    size_t i = find(short_name(name));
    return i < PLUGINS && p->on[i];
}

bool plugins_can(const struct plugins *p, struct str feature)
{
    const struct str conf = STR(PREFIX "Conf::");
    size_t colons = str_rchr(feature, ':');
    if (colons == STR_NONE || colons < 2)
        return false;
    struct str module = str_sub(feature, 0, colons - 1);
    struct str name = str_from(feature, colons + 1);
    bool is_conf = str_starts(feature, conf) && feature.n == conf.n + name.n;
    if (!is_conf && !plugins_has(p, module))
        return false;
    module = is_conf ? STR("Conf") : short_name(module);
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (str_eq(name, str_of(features[i].feature)) && str_eq(module, str_of(features[i].module)))
            return true;
    }
    return false;
}

const char *plugins_load(struct plugins *p, struct str name)
{
    size_t i = find(short_name(name));
    if (i == PLUGINS)
        return "poterne does not know it, and loads no code";
    if (plugins[i].state == ABSENT)
        return plugins[i].why;
    p->on[i] = true;
    return NULL;
}
