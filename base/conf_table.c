#include "base/conf_table.h"

#include <limits.h>

#include "base/conf_rows.h"

/* clang-format off */
const struct conf_setting conf_settings[] = {
{"", "hostname", HOST(hostname), NULL, 0, 0, {0},
 "The name this gateway says of itself in SMTP and in header fields. Default: the machine's name."},
{"", "managers", LIST(CONF_ADDRESSES, managers), "{ }", 0, 1000, {0},
 "Who runs the mail system: only they may retrain the filter."},
{"", "state_dir", PATH(state_dir), "\"" POTERNE_STATEDIR "\"", 1, 0, {0},
 "Folder of what must survive: queue, quarantine, model, journal."},
{"", "run_dir", PATH(run_dir), "\"" POTERNE_RUNDIR "\"", 1, 0, {0},
 "Folder of the sockets between the processes."},
{"", "log_level", WORD(log_level), "info", 0, 0, {"debug", "info", "warning", "error"},
 "The least important events that are logged."},
{"", "user_prefix", NAME(user_prefix), "poterne-", 0, 0, {0},
 "Started by root, the process edge runs as the user of this prefix and `edge`; likewise others."},
{"", "uid_first", COUNT(uid_first), "0", 0, 2000000000, {0},
 "When not 0: the processes run under the numeric users from this one on, without names."},
{"", "group", NAME(group), "poterne", 0, 0, {0},
 "The group that all processes share."},

{"sandbox", "required", BOOL(sandbox_required), "no", 0, 0, {0},
 "Refuse to serve where the kernel lacks Landlock or seccomp; otherwise it is a warning."},

{"directory", "files", LIST(CONF_PATHS, directory_files), "{ \"" POTERNE_SYSCONFDIR "/recipients\" }",
 0, 1000, {0}, "Files of recipients, for the domains that name no source of their own."},
{"directory", "subaddress", TEXT(directory_subaddress), "\"\"", 0, 1, {0},
 "A separator such as +: jean+list@ is then known where jean@ is (RFC 5233)."},
{"directory", "cache_fresh", TIME(cache.fresh), "1h", 1, 7 * DAY, {0},
 "How long a source that was asked for an address is not asked again."},
{"directory", "cache_positive", TIME(cache.positive), "7d", 0, 365 * (uint64_t)DAY, {0},
 "How long an address that was known still is while its source is away."},
{"directory", "cache_negative", TIME(cache.negative), "5min", 0, DAY, {0},
 "How long an address that was not known is refused without asking again."},
{"directory", "cache_entries", COUNT(cache.entries), "200000", 100, 10000000, {0},
 "Addresses that are remembered; the oldest go above it."},
{"directory", "call_ahead_timeout", TIME(call_ahead_timeout), "8s", 1, MINUTE, {0},
 "How long the next hop may take when it is asked for a recipient."},

{"smtp", "listen", LIST(CONF_LISTENS, smtp.listen), "{ 0.0.0.0:25, [::]:25 }", 1, 16, {0},
 "Addresses and ports that mail is taken on."},
{"smtp", "banner", TEXT(smtp.banner), "\"ESMTP poterne\"", 0, 200, {0},
 "What stands behind the host name in the greeting."},
{"smtp", "size_limit", SIZE(smtp.size_limit), "20M", 64 * KIB, GIB, {0},
 "The largest message that is accepted; 552 5.3.4 above it."},
{"smtp", "line_limit", COUNT(smtp.line_limit), "2048", 512, 65536, {0},
 "Bytes in a command line with its end; 500 5.5.2 above it."},
{"smtp", "recipients_limit", COUNT(smtp.recipients_limit), "1000", 100, 10000, {0},
 "Recipients in one message; 452 4.5.3 above it. RFC 5321 asks for at least 100."},
{"smtp", "errors_limit", COUNT(smtp.errors_limit), "20", 1, 100000, {0},
 "5xx answers in a session before it is ended with 421."},
{"smtp", "commands_limit", COUNT(smtp.commands_limit), "1000", 10, 1000000, {0},
 "Commands without an accepted message before the session is ended with 421."},
{"smtp", "messages_limit", COUNT(smtp.messages_limit), "1000", 1, 1000000, {0},
 "Messages in one session."},
{"smtp", "sessions_limit", COUNT(smtp.sessions_limit), "12000", 1, 1000000, {0},
 "Open sessions; 421 above it."},
{"smtp", "client_sessions_limit", COUNT(smtp.client_sessions_limit), "100", 1, 1000000, {0},
 "Open sessions from one address; 421 above it."},
{"smtp", "command_timeout", TIME(smtp.command_timeout), "5min", 1, HOUR, {0},
 "How long a client may take for a command."},
{"smtp", "data_timeout", TIME(smtp.data_timeout), "3min", 1, HOUR, {0},
 "How long a client may take between two blocks of a message."},
{"smtp", "session_timeout", TIME(smtp.session_timeout), "1h", 1, DAY, {0},
 "How long a whole session may last."},
{"smtp", "mend_newlines", BOOL(smtp.mend_newlines), "yes", 0, 0, {0},
 "A message with bare CR or LF gets CR LF in their place, NUL bytes are taken out. With no it is "
 "refused: 550 5.6.0. Neither ever ends a message."},
{"smtp", "headers_hops_limit", COUNT(smtp.headers_hops_limit), "50", 5, 1000, {0},
 "Received fields in a message; 554 5.4.6 above it, since it is in a loop."},
{"smtp", "tls_certificate", PATH(smtp.tls_certificate), "\"\"", 0, 0, {0},
 "PEM file with the certificate and its chain. Without one STARTTLS is not offered. When it or its "
 "key changes, new connections get the new one."},
{"smtp", "tls_key", PATH(smtp.tls_key), "\"\"", 0, 0, {0},
 "PEM file with the certificate's private key."},
{"smtp", "commit_threads", COUNT(smtp.commit_threads), "16", 1, 256, {0},
 "Messages that are brought safely to disk at once."},
{"smtp", "scans_limit", COUNT(smtp.scans_limit), "0", 0, 10000, {0},
 "Messages in scanning at once, but for those that wait for the DNS; 0 is two for each worker."},
{"smtp", "scan_wait_limit", COUNT(smtp.scan_wait_limit), "200", 0, 100000, {0},
 "Messages that wait for a scanner; 451 4.3.2 above it."},
{"smtp", "scan_timeout", TIME(smtp.scan_timeout), "1min", 1, 10 * MINUTE, {0},
 "How long waiting and scanning may take; 451 4.3.2 after it."},
{"smtp", "lists_refuse", SCORE(smtp.lists_refuse), "0", 0, 1000, {0},
 "A client is refused when the weights of the sections list that have it reach this; 0 is never."},

{"submission", "listen", LIST(CONF_LISTENS, submission.listen), "{ }", 0, 8, {0},
 "Addresses and ports (587) where our own people send their mail: STARTTLS, then AUTH, then a sender "
 "address that is the account's, and any recipient."},
{"submission", "listen_tls", LIST(CONF_LISTENS, submission.listen_tls), "{ }", 0, 8, {0},
 "The same (465) with TLS from the first byte on."},
{"submission", "domain", HOST(submission.domain), NULL, 0, 0, {0},
 "The domain of a user name without one. Default: the first section domain by name."},
{"submission", "failures_limit", COUNT(submission.failures_limit), "3", 1, 100, {0},
 "Failed logins in a session before it is ended with 421."},
{"submission", "failure_delay", TIME(submission.failure_delay), "2s", 0, 10, {0},
 "How long the answer to a failed login takes: once, twice, three times as long."},
{"submission", "guesses_network", COUNT(submission.guesses_network), "60", 0, 60000, {0},
 "Failed logins from one network (IPv4 /24, IPv6 /64) in guesses_window, over all sessions, from which "
 "on no password from there is asked about (454); 0 is no limit."},
{"submission", "guesses_account", COUNT(submission.guesses_account), "30", 0, 60000, {0},
 "Likewise of one user name, from wherever; not where it has logged in within the last 35 days, whose "
 "own failures count there."},
{"submission", "guesses_window", TIME(submission.guesses_window), "15min", MINUTE, HOUR, {0},
 "How long a failed login counts."},
{"submission", "renew_url", TEXT(submission.renew_url), "\"\"", 0, 200, {0},
 "Where a password is renewed: told to who logs in with one that has expired or soon will."},
{"submission", "from", CONF_CHOICE, AT(submission.from, unsigned), "own", 0, 0, {"any", "domain", "own"},
 "Whose addresses may stand in From and Sender: anybody's, all in our domains, or the account's own. A "
 "display name that shows an address counts as one."},
{"submission", "foreign_senders", BOOL(submission.foreign_senders), "no", 0, 0, {0},
 "Whether an account may send from those of its addresses that lie outside our domains."},
{"submission", "inside", BOOL(submission.inside), "yes", 0, 0, {0},
 "Whether clients of gate.inside may log in on the ports of smtp.listen, too, over TLS."},
{"submission", "locked_told", BOOL(submission.locked_told), "yes", 0, 0, {0},
 "Whether a locked account is answered as such. Directories say so without a look at the password, so "
 "that it is told to who guesses, too; with no it is answered as a wrong password."},
{"submission", "second_factor", LIST(CONF_WORDS, submission.second_factor), "{ }", 0, 2,
 {"app_password", "totp"}, "What is asked of who logs in from the classes of second_factor_from beside or instead of "
 "the password: one made for a mail program, or the number of a token behind the password. Any of them will do; "
 "without one the password is enough."},
{"submission", "second_factor_from", LIST(CONF_WORDS, submission.second_factor_from), "{ outside }", 0, 4,
 {"webmail", "relay", "inside", "outside"}, "From which class of networks (section gate) it is asked."},
{"submission", "second_factor_file", PATH(submission.second_factor_file), "\"\"", 0, 0, {0},
 "File with the application passwords and tokens of accounts."},
{"submission", "second_factor_missing", CONF_CHOICE, AT(submission.second_factor_missing, unsigned), "refuse", 0, 0,
 {"refuse", "pass"}, "What becomes of an account that has none of them: it can't log in from there, or the "
 "password is enough."},

{"oauth", "introspection", TEXT(oauth.introspection), "\"\"", 0, 2000, {0},
 "URL (https) of the server that says whose a token is (RFC 7662). Without one nobody logs in by token."},
{"oauth", "client_id", TEXT(oauth.client_id), "\"\"", 0, 200, {0},
 "Who we are there (HTTP Basic); without one we say nothing."},
{"oauth", "client_secret_file", PATH(oauth.client_secret_file), "\"\"", 0, 0, {0},
 "File with the password that goes with it. No other process than poterne-fetch knows it."},
{"oauth", "trusted", PATH(oauth.trusted), "\"\"", 0, 0, {0},
 "PEM file of the authorities that this server's certificate is checked by; without one fetch.trusted."},
{"oauth", "account", TEXT(oauth.account), "username", 1, 100, {0},
 "The member of the answer that names the user, such as username, email or sub: a full address or its local part."},
{"oauth", "scope", TEXT(oauth.scope), "\"\"", 0, 500, {0},
 "Words that a token's scope must hold, with blanks between them; without one any scope will do."},
{"oauth", "audience", TEXT(oauth.audience), "\"\"", 0, 500, {0},
 "Whom a token must be meant for (aud); without one it may be meant for anybody."},
{"oauth", "issuer", TEXT(oauth.issuer), "\"\"", 0, 500, {0},
 "Who must have issued it (iss), where the answer is to say so; without one it is not looked at."},
{"oauth", "configuration", TEXT(oauth.configuration), "\"\"", 0, 500, {0},
 "URL that a client is told when its token is refused: where it learns how to get another "
 "(openid-configuration, RFC 7628 3.2.2)."},
{"oauth", "remember", TIME(oauth.remember), "1min", 0, HOUR, {0},
 "How long the server is not asked again about a token that was good; a token that is revoked serves so "
 "long, and none serves beyond its own end. 0 is not at all."},
{"oauth", "timeout", TIME(oauth.timeout), "5s", 1, 30, {0},
 "How long its answer may take; then the login gets 454."},

{"gate", "proxy_from", LIST(CONF_NETWORKS, gate.proxy_from), "{ }", 0, 1000, {0},
 "Networks of load balancers: each of their connections must begin with a PROXY header (version 1 or "
 "2) that says whose it is. From anybody else such a header is an error. LOCAL is the balancer itself; "
 "of UNKNOWN nothing is known: nothing is counted, and no list, SPF or greylisting looks at it."},
{"gate", "xclient_from", LIST(CONF_NETWORKS, gate.xclient_from), "{ }", 0, 1000, {0},
 "Networks of mail servers that may say whose session they pass on (XCLIENT). The HELO that they tell "
 "is looked at as one that is typed; ADDR=[UNAVAILABLE] is a client of which nothing is known."},
{"gate", "inside", LIST(CONF_NETWORKS, gate.inside), "{ }", 0, 1000, {0},
 "Networks from which nobody sends but our own people and servers."},
{"gate", "webmail", LIST(CONF_NETWORKS, gate.webmail), "{ }", 0, 1000, {0},
 "Networks of webmail servers: their class is webmail, also where inside holds them."},
{"gate", "relays", LIST(CONF_NETWORKS, gate.relays), "{ }", 0, 1000, {0},
 "Networks of private relays, servers that pass on the mail of a department: their class is relay, "
 "also where inside holds them."},
{"gate", "early_talker", TIME(gate.early_talker), "0", 0, MINUTE, {0},
 "How long a client that is not known from the last days waits for the greeting; who speaks before "
 "it is no mail server and gets 554. 0 is no wait: then the journal says so and no more."},
{"gate", "helo_refuse", LIST(CONF_WORDS, gate.helo_refuse), "{ own }", 0, 3,
 {"own", "address", "unqualified"}, "Names in HELO and EHLO that get 550: ours (own), which no other "
 "machine has; an address without brackets; a name without a dot, as badly set up servers say, too."},
{"gate", "tarpit", TIME(gate.tarpit), "1s", 0, 10, {0},
 "How long each 5xx answer takes, from half of smtp.errors_limit on."},
{"gate", "harvest_limit", COUNT(gate.harvest_limit), "100", 0, 1000000, {0},
 "Unknown recipients from one network (IPv4 /24, IPv6 /64) from which on its recipients get 451, where "
 "known ones were fewer; from half of it on each answer takes longer. 0 is no limit."},
{"gate", "harvest_window", TIME(gate.harvest_window), "1h", MINUTE, DAY, {0},
 "How long an unknown recipient counts."},
{"gate", "harvest_pause", TIME(gate.harvest_pause), "1h", MINUTE, 7 * DAY, {0},
 "How long recipients get 451 then."},
{"gate", "greylist", BOOL(gate.greylist), "no", 0, 0, {0},
 "Whether the first mail of a sender to a recipient from a network gets 451: a mail server tries again. "
 "Spared are domains whose mail from that network, or from where SPF lets them send, was lately right "
 "more often than spam, and clients that a section list with action = allow holds. Where SPF passes (not "
 "by +all, exists, or a network above /12), any server of the domain may bring the second try, and it "
 "lets in all of them."},
{"gate", "greylist_delay", TIME(gate.greylist_delay), "5min", 1, DAY, {0},
 "How long the second try has to wait."},
{"gate", "greylist_window", TIME(gate.greylist_window), "1d", MINUTE, 30 * DAY, {0},
 "How long the second try is waited for."},
{"gate", "greylist_lifetime", TIME(gate.greylist_lifetime), "35d", HOUR, 365 * DAY, {0},
 "How long a network or domain whose second try came, or whose mail was right, is not asked for "
 "another, from its last mail on."},

{"limits", "shared", LIST(CONF_NETWORKS, limits.shared), "{ }", 0, 1000, {0},
 "Networks whose addresses stand for many people (NAT): who has logged in from there is counted by "
 "account alone."},
{"limits", "freeze_hits", COUNT(limits.freeze_hits), "100", 0, 60000, {0},
 "An account that reaches its limits so often within an hour may send nothing more until a manager "
 "lets it. 0 is never."},
{"limits", "freeze_virus", BOOL(limits.freeze_virus), "yes", 0, 0, {0},
 "Likewise an account that sends a virus."},
{"limits", "freeze_bounces", COUNT(limits.freeze_bounces), "100", 0, 60000, {0},
 "Likewise an account of whose mail within an hour so many recipients are refused for good by servers of "
 "others, or have a domain that takes no mail. 0 is never."},
{"limits", "freeze_bounces_percent", COUNT(limits.freeze_bounces_percent), "30", 0, 100, {0},
 "Only where these are so many of 100 recipients there that it sent to."},

{"limits_webmail", "recipients_per_message", COUNT(limits.webmail.recipients_per_message), "50", 0, 60000, {0},
 "Recipients in one message through a webmail server; 452 4.5.3 above it. 0 is no limit."},
{"limits_webmail", "messages_per_hour", COUNT(limits.webmail.messages_per_hour), "100", 0, 60000, {0},
 "Messages in an hour through a webmail server. 0 is no limit."},
{"limits_webmail", "recipients_per_15min", COUNT(limits.webmail.recipients_per_15min), "500", 0, 60000, {0},
 "Recipients in a quarter of an hour through a webmail server. 0 is no limit."},
{"limits_webmail", "recipients_per_hour", COUNT(limits.webmail.recipients_per_hour), "1000", 0, 60000, {0},
 "Recipients in an hour through a webmail server. 0 is no limit."},

{"limits_relay", "recipients_per_message", COUNT(limits.relay.recipients_per_message), "50", 0, 60000, {0},
 "Recipients in one message from a private relay; 452 4.5.3 above it. 0 is no limit."},
{"limits_relay", "messages_per_hour", COUNT(limits.relay.messages_per_hour), "100", 0, 60000, {0},
 "Messages in an hour from a private relay. 0 is no limit."},
{"limits_relay", "recipients_per_15min", COUNT(limits.relay.recipients_per_15min), "0", 0, 60000, {0},
 "Recipients in a quarter of an hour from a private relay. 0 is no limit."},
{"limits_relay", "recipients_per_hour", COUNT(limits.relay.recipients_per_hour), "0", 0, 60000, {0},
 "Recipients in an hour from a private relay. 0 is no limit."},

{"limits_inside", "recipients_per_message", COUNT(limits.inside.recipients_per_message), "100", 0, 60000, {0},
 "Recipients in one message from inside; 452 4.5.3 above it. 0 is no limit."},
{"limits_inside", "messages_per_hour", COUNT(limits.inside.messages_per_hour), "200", 0, 60000, {0},
 "Messages in an hour from inside. 0 is no limit."},
{"limits_inside", "recipients_per_15min", COUNT(limits.inside.recipients_per_15min), "500", 0, 60000, {0},
 "Recipients in a quarter of an hour from inside. 0 is no limit."},
{"limits_inside", "recipients_per_hour", COUNT(limits.inside.recipients_per_hour), "1000", 0, 60000, {0},
 "Recipients in an hour from inside. 0 is no limit."},

{"limits_outside", "recipients_per_message", COUNT(limits.outside.recipients_per_message), "50", 0, 60000, {0},
 "Recipients in one message from outside; 452 4.5.3 above it. 0 is no limit."},
{"limits_outside", "messages_per_hour", COUNT(limits.outside.messages_per_hour), "50", 0, 60000, {0},
 "Messages in an hour from outside. 0 is no limit."},
{"limits_outside", "recipients_per_15min", COUNT(limits.outside.recipients_per_15min), "250", 0, 60000, {0},
 "Recipients in a quarter of an hour from outside. 0 is no limit."},
{"limits_outside", "recipients_per_hour", COUNT(limits.outside.recipients_per_hour), "500", 0, 60000, {0},
 "Recipients in an hour from outside. 0 is no limit."},

{"limits_account", "messages_per_hour", COUNT(limits.account.messages_per_hour), "200", 0, 60000, {0},
 "Messages in an hour by one account, from wherever it sends. 0 is no limit."},
{"limits_account", "recipients_per_15min", COUNT(limits.account.recipients_per_15min), "500", 0, 60000, {0},
 "Recipients in a quarter of an hour by one account, from wherever it sends. 0 is no limit."},
{"limits_account", "recipients_per_hour", COUNT(limits.account.recipients_per_hour), "1000", 0, 60000, {0},
 "Recipients in an hour by one account, from wherever it sends. 0 is no limit."},

{"spam", "subject_tag", TEXT(spam.subject_tag), "\"[SPAM] \"", 0, 60, {0},
 "What is put before the Subject of spam."},
{"spam", "required", SCORE(spam.required), "5.0", 0, 1000, {0},
 "Sum of rule scores from which on pass 1 alone would say spam."},
{"spam", "rules", LIST(CONF_PATHS, spam.rules), "{ \"" POTERNE_DATADIR "/rules\" }", 0, 100, {0},
 "Files, or folders of files *.cf, with rules, read in this order; /var/lib/spamassassin stands "
 "for the newest version that sa-update has put there."},
{"spam", "reports", ADDRESS(spam.reports), "\"\"", 0, 0, {0},
 "The address that misjudged messages are forwarded to: each is learned as the opposite of our "
 "verdict."},

{"reports", "spam", ADDRESS(reports.spam), "\"\"", 0, 0, {0},
 "The address that spam is forwarded to which was not tagged."},
{"reports", "ham", ADDRESS(reports.ham), "\"\"", 0, 0, {0},
 "The address that mail is forwarded to which was tagged wrongly."},
{"reports", "dmarc", ADDRESS(reports.dmarc), "\"\"", 0, 0, {0},
 "The address that other mail systems send DMARC aggregate reports about our domains to: they are "
 "read into the journal."},
{"reports", "tls", ADDRESS(reports.tls), "\"\"", 0, 0, {0},
 "The address that other mail systems send reports about TLS with our servers to (RFC 8460): they "
 "are read into the journal."},
{"reports", "trusted", LIST(CONF_NETWORKS, reports.trusted), "{ }", 0, 1000, {0},
 "Networks whose clients are believed when they say who the sender is: a manager's report from "
 "there is learned at once, without a signature."},
{"reports", "lifetime", TIME(reports.lifetime), "30d", HOUR, 3650 * (uint64_t)DAY, {0},
 "How long a report waits for a manager's word."},
{"reports", "keep", TIME(reports.keep), "365d", DAY, 3650 * (uint64_t)DAY, {0},
 "How long what was decided is remembered: from that comes each reporter's record."},
{"reports", "waiting_limit", COUNT(reports.waiting_limit), "10000", 1, 1000000, {0},
 "Reported messages that wait for a manager's word. Above it who filled it most gives way first."},
{"reports", "reporter_limit", COUNT(reports.reporter_limit), "200", 1, 100000, {0},
 "Messages that one reporter may propose in a day."},
{"reports", "size_limit", SIZE(reports.size_limit), "2G", 32 * MIB, 1024 * GIB, {0},
 "Bytes of all messages that were reported and are kept."},
{"reports", "digest", BOOL(reports.digest), "yes", 0, 0, {0},
 "Whether the managers get a mail once a day that lists what waits."},
{"reports", "digest_hour", COUNT(reports.digest_hour), "7", 0, 23, {0},
 "The hour of that mail, in the machine's own time."},
{"reports", "answer", PATH(reports.answer), "\"\"", 0, 0, {0},
 "File with the words that are sent to who forwards a message inline, so that nothing can be "
 "learned from it. Without one they are ours."},
{"reports", "dmarc_send", BOOL(reports.dmarc_send), "no", 0, 0, {0},
 "Whether domains whose DMARC record asks for it get a report once a day about mail that said to be "
 "from them."},
{"reports", "tls_send", BOOL(reports.tls_send), "no", 0, 0, {0},
 "Whether domains whose TLSRPT record asks for it get a report once a day about TLS with their "
 "servers."},
{"reports", "sender", ADDRESS(reports.sender), "\"\"", 0, 0, {0},
 "The address that these reports are from and that questions about them go to; of one of our "
 "domains, whose mail is signed."},
{"reports", "organization", TEXT(reports.organization), "\"\"", 0, 200, {0},
 "The name that these reports give as who made them. Without one it is the hostname."},
{"reports", "workers", COUNT(reports.workers), "2", 1, 16, {0},
 "Processes that read reports."},
{"reports", "timeout", TIME(reports.timeout), "1min", 1, 10 * MINUTE, {0},
 "How long one report may take; it is tried once more, then it is held."},

{"antivirus", "engines", LIST(CONF_ENGINES, antivirus.engines), "{ clamav, yara, files }", 0, 8,
 {"clamav", "yara", "files"}, "The engines that look at each message, in this order: ours, and the names of "
 "sections scanner."},
{"antivirus", "clamav_databases", PATH(antivirus.clamav_databases), "/var/lib/clamav", 0, 0, {0},
 "Folder of ClamAV's signatures, as freshclam keeps it."},
{"antivirus", "yara_rules", PATH(antivirus.yara_rules), "\"" POTERNE_SYSCONFDIR "/yara\"", 0, 0, {0},
 "File, or folder of files *.yar, with YARA rules."},
{"antivirus", "file_policy", PATH(antivirus.file_policy), "\"" POTERNE_SYSCONFDIR "/file-policy\"", 0, 0,
 {0}, "File of rules about attached files, for the engine files; see the page poterne-files."},
{"antivirus", "found", ACTION(antivirus.found), "quarantine", 0, 0, {"quarantine", "reject"},
 "What happens to an infected message. In quarantine neither sender nor recipient is told."},
{"antivirus", "unavailable", ACTION(antivirus.unavailable), "defer", 0, 0, {"defer", "pass"},
 "When an engine can't do its work: the sender tries again later, or the others decide."},
{"antivirus", "unscannable", ACTION(antivirus.unscannable), "deliver-marked", 0, 0,
 {"deliver-marked", "quarantine", "defer"},
 "A message that could not be looked at wholly: encrypted, too deep, too large."},
{"antivirus", "scan_size_limit", SIZE(antivirus.scan_size_limit), "100M", MIB, 4 * GIB, {0},
 "Bytes that are looked at in one message, unpacked."},
{"antivirus", "recursion_limit", COUNT(antivirus.recursion_limit), "17", 1, 100, {0},
 "Archives within archives."},
{"antivirus", "files_limit", COUNT(antivirus.files_limit), "10000", 1, 1000000, {0},
 "Files in one message, unpacked."},
{"antivirus", "timeout", TIME(antivirus.timeout), "30s", 1, 10 * MINUTE, {0},
 "How long the engines may take for one message."},
{"antivirus", "workers", COUNT(antivirus.workers), "0", 0, 256, {0},
 "Antivirus processes; 0 is two a processor, and four at least."},
{"antivirus", "memory_limit", SIZE(antivirus.memory_limit), "0", 0, 1024 * GIB, {0},
 "Memory for the signatures of all generations together; 0 is three quarters of the machine's. Where "
 "new ones don't fit beside the old, scans wait while they are exchanged."},
{"antivirus", "eicar_known_by", LIST(CONF_WORDS, antivirus.eicar_known_by), "{ }", 0, 8,
 {"clamav", "yara"},
 "Engines that must find the EICAR test file before new signatures serve. The clamav engine always "
 "must where freshclam's own database (daily) is loaded."},
{"antivirus", "signature_age_warning", TIME(antivirus.signature_age_warning), "3d", 0, 365 * (uint64_t)DAY,
 {0}, "Signatures of the clamav engine older than this are warned of in the log, once a day; 0 is never."},
{"antivirus", "notify_socket", PATH(antivirus.notify_socket), "\"\"", 0, 0, {0},
 "Unix socket that understands what freshclam's NotifyClamd says (RELOAD, PING, VERSION). Without "
 "one the folders are watched all the same."},

{"content", "workers", COUNT(content.workers), "0", 0, 1000, {0},
 "Processes that analyse mail; 0 is two a processor."},
{"content", "timeout", TIME(content.timeout), "20s", 1, 10 * MINUTE, {0},
 "How long the analysis of one message may take."},

{"bayes", "enabled", BOOL(bayes.enabled), "yes", 0, 0, {0},
 "Whether pass 2 (what was learned) takes part in the score."},
{"bayes", "publish_delay", TIME(bayes.publish_delay), "2s", 0, HOUR, {0},
 "From a learned message to the new model that knows it."},
{"bayes", "token_lifetime", COUNT(bayes.token_lifetime), "0", 0, 36500, {0},
 "Days after which what was not met again is forgotten; 0 is never."},
{"bayes", "reporter_share", COUNT(bayes.reporter_share), "25", 0, 100, {0},
 "Percent of the learned messages of a class that one reporter's reports may be; 0 is no cap."},
{"bayes", "day_share", COUNT(bayes.day_share), "10", 0, 100, {0},
 "Percent of the learned messages of a class that the reports of one day may be; 0 is no cap."},
{"bayes", "campaign_share", COUNT(bayes.campaign_share), "5", 0, 100, {0},
 "Percent of the learned messages of a class that near-identical ones may be; 0 is no cap."},
{"bayes", "hold_out", COUNT(bayes.hold_out), "10", 0, 1000, {0},
 "One in so many messages is not learned but held out, to compare models by; 0 is none."},

{"sender", "keys", PATH(sender.keys), "\"\"", 0, 0, {0},
 "File of records (lines NAME TXT TEXT, NAME A ADDRESS and so on) that is asked instead of the DNS "
 "about senders."},
{"sender", "spf", BOOL(sender.spf), "yes", 0, 0, {0},
 "Whether SPF is checked: may the client send for the sender's domain."},
{"sender", "dkim", BOOL(sender.dkim), "yes", 0, 0, {0}, "Whether DKIM signatures are checked."},
{"sender", "dmarc", BOOL(sender.dmarc), "yes", 0, 0, {0},
 "Whether DMARC is checked, which takes both: does the domain that readers see stand behind the "
 "message."},
{"sender", "arc", BOOL(sender.arc), "yes", 0, 0, {0},
 "Whether ARC chains are checked: what those saw who handed the message on."},
{"sender", "trusted_sealers", LIST(CONF_HOSTS, sender.trusted_sealers), "{ }", 0, 1000, {0},
 "Domains that are believed when their seal (ARC) says that DMARC passed where they took the message: "
 "mailing lists and forwarders that change it. A fail here is then not acted on."},

{"dkim", "keys", PATH(dkim.keys), "\"\"", 0, 0, {0},
 "Folder of the private keys that sign our own mail, DOMAIN/SELECTOR.key, as poterne dkim keygen makes "
 "them; without one it is dkim in state_dir."},
{"dkim", "expire", TIME(dkim.expire), "0", 0, 365 * (uint64_t)DAY, {0},
 "How long a signature holds (x=); 0 is without an end. Mail that waits longer somewhere counts as not signed."},
{"dkim", "subdomains", BOOL(dkim.subdomains), "no", 0, 0, {0},
 "Whether a domain's keys sign for all that lies below it, too, but for what has keys of its own."},
{"dkim", "unable", CONF_CHOICE, AT(dkim.unable, unsigned), "defer", 0, 0, {"defer", "send"},
 "What becomes of mail of a domain whose keys can't be read: it waits, which log and queue tell, or it "
 "goes without a signature."},

{"resolver", "enabled", BOOL(resolver.enabled), "yes", 0, 0, {0},
 "Whether the DNS is asked. Without it nothing is known of senders, and no list is asked."},
{"resolver", "servers", LIST(CONF_SERVERS, resolver.servers), "{ }", 0, 16, {0},
 "Name servers that are asked, as address or address:port. Without one names are resolved from the "
 "root on."},
{"resolver", "root_hints", PATH(resolver.root_hints), "\"\"", 0, 0, {0},
 "File with the name servers of the root, where no servers are named; without one the well-known "
 "ones, which the library knows."},
{"resolver", "trust_anchor", PATH(resolver.trust_anchor), "/usr/share/dns/root.key", 0, 0, {0},
 "File with the keys of the root zone (or another) that DNSSEC is checked with; without one it is "
 "not (Debian has it in the package dns-root-data; where it is missing the log says so). Servers that "
 "are asked must hand DNSSEC's records on."},
{"resolver", "queries_per_message", COUNT(resolver.queries_per_message), "300", 1, 10000, {0},
 "Questions to the DNS for one message; those above it get no answer."},
{"resolver", "time_per_message", TIME(resolver.time_per_message), "5s", 1, MINUTE, {0},
 "How long one message waits for the DNS in all, and no longer than half of smtp.scan_timeout; what was "
 "not answered then is not known."},
{"resolver", "time_per_client", TIME(resolver.time_per_client), "3s", 1, MINUTE, {0},
 "How long the answer to the first RCPT waits for what the DNS says of a client: its name, and the "
 "sections list."},
{"resolver", "cache_size", SIZE(resolver.cache_size), "64M", MIB, 16 * GIB, {0},
 "Memory for answers of the DNS."},

{"fetch", "trusted", PATH(fetch.trusted), "/etc/ssl/certs/ca-certificates.crt", 0, 0, {0},
 "PEM file of the authorities that HTTPS servers' certificates are checked by (Debian has it in the package "
 "ca-certificates). Where it is missing nobody is trusted, which the log says."},
{"fetch", "port", COUNT(fetch.port), "443", 1, 65535, {0},
 "Port of the HTTPS servers that the DNS names; another one is for laboratories."},

{"queue", "retry_first", TIME(queue.retry_first), "1min", 1, DAY, {0},
 "From a delivery that failed for now to the next try; doubled each time."},
{"queue", "retry_max", TIME(queue.retry_max), "4h", 1, 7 * DAY, {0},
 "The longest pause between two tries."},
{"queue", "lifetime", TIME(queue.lifetime), "5d", 1, 30 * DAY, {0},
 "How long delivery is tried; then the sender is told, or the message is held as undeliverable."},
{"queue", "connections_limit", COUNT(queue.connections_limit), "20", 1, 1000, {0},
 "Connections to one destination."},
{"queue", "connect_timeout", TIME(queue.connect_timeout), "30s", 1, HOUR, {0},
 "How long the next hop may take to answer a connection."},
{"queue", "reply_timeout", TIME(queue.reply_timeout), "5min", 1, HOUR, {0},
 "How long the next hop may take to answer a command."},
{"queue", "free_space_min", SIZE(queue.free_space_min), "100M", 0, 1024 * GIB, {0},
 "Below this much free space, what MAIL announces included, nothing is accepted: 452 4.3.1. It is kept for what is "
 "already here: deliveries, bounces, the journal. Messages under way are stopped at half of it."},
{"queue", "free_files_min", COUNT(queue.free_files_min), "1000", 0, 100000000, {0},
 "The same for the number of files that the disk has room for (inodes), where it has such a limit."},

{"bounces", "language", CONF_CHOICE, AT(bounces.language, unsigned), "en", 0, 0, {"en", "fr", "de"},
 "The language of bounces to senders whose message and domain name none: English, French, German."},
{"bounces", "original_limit", SIZE(bounces.original_limit), "64K", KIB, MIB, {0},
 "A message of that size at most goes back whole, of a larger one its header."},
{"bounces", "offer", CONF_CHOICE, AT(bounces.offer, unsigned), "ours", 0, 0, {"nobody", "ours", "everybody"},
 "Who may say what he wants to be told of (the extension DSN): nobody, our own people, or everybody."},
{"bounces", "delay_warning", TIME(bounces.delay_warning), "4h", 0, 30 * DAY, {0},
 "How long our own people's mail waits before they are told that it does; 0 is never."},

{"outside", "next_hop", CONF_RELAYS, AT(outside.next_hop, struct conf_hops), "{ }", 0,
 CONF_HOPS_MAX, {0},
 "The server that takes all mail for other domains than ours: smtp://address:port or smtp://name:port. Of "
 "several the first that is there is taken. Without one the DNS says which servers they are (MX)."},
{"outside", "never_to", LIST(CONF_NETWORKS, outside.never_to),
 "{ 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16, "
 "224.0.0.0/3, ::/127, fc00::/7, fe80::/10, ff00::/8 }", 0, 1000, {0},
 "Networks that are not gone to, whatever the DNS says: those in which no server of somebody else can be."},
{"outside", "connections_limit", COUNT(outside.connections_limit), "500", 1, 10000, {0},
 "Connections at once to all servers that the DNS names; mail that finds none free waits for its turn."},
{"outside", "port", COUNT(outside.port), "25", 1, 65535, {0},
 "Port of the servers that the DNS names; another one is for laboratories."},
{"outside", "tls", CONF_CHOICE, AT(outside.way.tls, unsigned), "may", 0, 0, {"none", "may", "must", "verify"},
 "Encrypt by STARTTLS: never, where it is offered and works, always, or only to a server whose certificate is valid for "
 "its name; mail that finds no such server waits. What a domain has published (dane) goes further."},
{"outside", "dane", BOOL(outside.dane), "yes", 0, 0, {0},
 "Whether servers with TLSA records, proved by DNSSEC, are only sent to over TLS with a key that the records name (RFC "
 "7672). With tls none they are not."},
{"outside", "mta_sts", BOOL(outside.mta_sts), "yes", 0, 0, {0},
 "Whether domains' MTA-STS policies are fetched, and hold (RFC 8461). With tls none they are not."},
{"outside", "trusted", PATH(outside.trusted), "\"/etc/ssl/certs/ca-certificates.crt\"", 0, 0, {0},
 "PEM file of the authorities whose certificates are believed."},
{"outside", "tls_name", HOST(outside.way.tls_name), NULL, 0, 0, {0},
 "The name that the certificate of next_hop is for; with tls verify, or a login, it must be given where "
 "next_hop is an address."},
{"outside", "login", TEXT(outside.way.login), "\"\"", 0, 200, {0},
 "The user that we are at next_hop; it is said over TLS only. Without one nobody logs in."},
{"outside", "password_file", PATH(outside.way.password_file), "\"\"", 0, 0, {0},
 "File whose first line is the password of login."},
{"outside", "source", LIST(CONF_SERVERS, outside.way.source), "{ }", 0, 2, {0},
 "Addresses of this machine that connections to servers of other domains come from, one of IPv4 and one of IPv6."},
{"outside", "helo", HOST(outside.way.helo), NULL, 0, 0, {0},
 "The name that is said in EHLO to servers of other domains. Default: hostname."},

{"quarantine", "keep_virus", TIME(quarantine.keep_virus), "30d", 0, 3650 * (uint64_t)DAY, {0},
 "How long an infected message is held before it is deleted; 0 is until somebody decides."},
{"quarantine", "keep_banned", TIME(quarantine.keep_banned), "30d", 0, 3650 * (uint64_t)DAY, {0},
 "The same for a message with a file that the file policy forbids."},
{"quarantine", "keep_unscannable", TIME(quarantine.keep_unscannable), "30d", 0, 3650 * (uint64_t)DAY, {0},
 "The same for a message that could not be looked at wholly."},
{"quarantine", "keep_policy", TIME(quarantine.keep_policy), "30d", 0, 3650 * (uint64_t)DAY, {0},
 "The same for what is held for any other reason when it comes in."},
{"quarantine", "keep_undeliverable", TIME(quarantine.keep_undeliverable), "30d", 0, 3650 * (uint64_t)DAY, {0},
 "The same for what the next hop refused, or could not be brought there in time."},
{"quarantine", "export_password", TEXT(quarantine.export_password), "infected", 1, 200, {0},
 "The password of the zip files that `poterne quarantine export` writes."},
{"quarantine", "keep_originals", TIME(quarantine.keep_originals), "0", 0, 365 * (uint64_t)DAY, {0},
 "How long delivered messages are kept, so that `poterne rescan` tells who received what is known "
 "as bad only now; 0 is not at all."},
{"quarantine", "originals_size_limit", SIZE(quarantine.originals_size_limit), "10G", MIB,
 1024 * 1024 * GIB, {0},
 "Bytes of all delivered messages that are kept; the oldest goes earlier above it."},

{"journal", "keep", TIME(journal.keep), "90d", DAY, 3650 * (uint64_t)DAY, {0},
 "How long the evidence of a message is kept after its last event."},
{"journal", "size_limit", SIZE(journal.size_limit), "10G", 10 * MIB, 1024 * GIB, {0},
 "Above this size of the journal the oldest evidence goes earlier."},
{"journal", "audit", BOOL(journal.audit), "yes", 0, 0, {0},
 "Whether poterne audit is done once a day, in the hour before reports.digest_hour."},

{"backup", "folder", PATH(backup.folder), "\"\"", 0, 0, {0},
 "Folder of the generations that `poterne backup` makes; without one, backups in state_dir."},
{"backup", "keep", COUNT(backup.keep), "30", 1, 3650, {0},
 "Days of which the last generation is kept; of the newest day all are."},
{"backup", "at", TEXT(backup.at), "\"02:30\"", 0, 5, {0},
 "When poterned makes one each day: hour and minute, local time; empty is never."},

};
/* clang-format on */

const size_t conf_n_settings = sizeof conf_settings / sizeof conf_settings[0];

const struct conf_setting *conf_rows(const char *section, size_t *n)
{
    const struct conf_titled *titled = conf_titled_find(section);
    *n = titled ? titled->n_rows : conf_n_settings;
    return titled ? titled->rows : conf_settings;
}

const struct conf_setting *conf_setting_find(const char *section, const char *name)
{
    size_t n;
    const struct conf_setting *rows = conf_rows(section, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0 && strcmp(rows[i].section, section) == 0)
            return &rows[i];
    return NULL;
}

bool conf_section_known(const char *section)
{
    for (size_t i = 0; i < conf_n_settings; i++)
        if (strcmp(conf_settings[i].section, section) == 0)
            return true;
    return conf_titled_find(section) != NULL;
}

bool conf_engine_ours(const char *name)
{
    const struct conf_setting *setting = conf_setting_find("antivirus", "engines");
    for (size_t i = 0; i < CONF_CHOICES_MAX && setting->words[i]; i++)
        if (strcmp(setting->words[i], name) == 0)
            return true;
    return false;
}
