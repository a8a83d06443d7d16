#include "journal/schema.h"

#include <stdio.h>
#include <time.h>

#include "base/recipient.h"
#include "journal/db.h"
#include "journal/time_id.h"

/* synchronous = FULL: what is acknowledged was fsync'd, because delivery unlinks upon it. */
const char schema_settings[] = "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -65536;"
                               "PRAGMA wal_autocheckpoint = 4000;"
                               "PRAGMA journal_size_limit = 67108864;"
                               "CREATE TEMP TABLE doomed (id TEXT PRIMARY KEY);";

const char schema_create[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE message ("
    "  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time_us INTEGER NOT NULL,"
    "  client_ip TEXT NOT NULL, client_name TEXT NOT NULL, helo TEXT NOT NULL,"
    "  sender TEXT NOT NULL COLLATE NOCASE, subject TEXT NOT NULL, message_id TEXT NOT NULL,"
    "  size INTEGER NOT NULL, verdict TEXT NOT NULL, global REAL, heuristics REAL, bayes REAL,"
    "  held TEXT NOT NULL, evidence TEXT NOT NULL);"
    "CREATE INDEX message_sender ON message (sender, id);"
    "CREATE INDEX message_client ON message (client_ip, id);"
    /* what is so now */
    "CREATE TABLE recipient ("
    "  id TEXT NOT NULL, idx INTEGER NOT NULL, address TEXT NOT NULL COLLATE NOCASE,"
    "  how TEXT NOT NULL, state INTEGER NOT NULL, time_us INTEGER NOT NULL,"
    "  PRIMARY KEY (id, idx)) WITHOUT ROWID;"
    "CREATE INDEX recipient_address ON recipient (address);"
    "CREATE INDEX recipient_open ON recipient (state) WHERE state IN (0, 1, 3, 4);"
    /* all that was */
    "CREATE TABLE outcome ("
    "  id TEXT NOT NULL, idx INTEGER NOT NULL, time_us INTEGER NOT NULL, state INTEGER NOT NULL,"
    "  relay TEXT NOT NULL, detail TEXT NOT NULL,"
    "  PRIMARY KEY (id, idx, time_us, state)) WITHOUT ROWID;"
    "CREATE TABLE refusal ("
    "  no INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, id TEXT NOT NULL,"
    "  session TEXT NOT NULL, client_ip TEXT NOT NULL, client_name TEXT NOT NULL,"
    "  helo TEXT NOT NULL, sender TEXT NOT NULL COLLATE NOCASE,"
    "  recipient TEXT NOT NULL COLLATE NOCASE, stage TEXT NOT NULL, code INTEGER NOT NULL,"
    "  enhanced TEXT NOT NULL, text TEXT NOT NULL, evidence TEXT NOT NULL);"
    "CREATE UNIQUE INDEX refusal_time ON refusal (time_us, session, stage, recipient);"
    "CREATE INDEX refusal_sender ON refusal (sender, time_us) WHERE sender <> '';"
    "CREATE INDEX refusal_recipient ON refusal (recipient, time_us) WHERE recipient <> '';"
    "CREATE INDEX refusal_client ON refusal (client_ip, time_us);"
    "CREATE INDEX refusal_id ON refusal (id) WHERE id <> '';"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* Counts of a day (days since 1970, UTC), tally.h. In room: the rows that a domain (all of a kind:
 * domain '') has on a day, about how many bytes they take, and how many events found no room. */
#define TALLY_TABLE(NAME, A, B, C, D, E, F, G, H, I)                                               \
    "CREATE TABLE " NAME " (day INTEGER NOT NULL, domain TEXT NOT NULL, " A " TEXT NOT NULL, " B   \
    " TEXT NOT NULL, " C " TEXT NOT NULL, " D " TEXT NOT NULL, " E " TEXT NOT NULL, " F            \
    " TEXT NOT NULL, " G " TEXT NOT NULL, " H " TEXT NOT NULL, " I                                 \
    " TEXT NOT NULL, n INTEGER NOT NULL, last_us INTEGER NOT NULL,"                                \
    " PRIMARY KEY (day, domain, " A ", " B ", " C ", " D ", " E ", " F ", " G ", " H ", " I        \
    ")) WITHOUT ROWID;"
const char schema_tally[] = "BEGIN IMMEDIATE;" TALLY_TABLE("dmarc_seen", "published", "header_from",
                                                           "source_ip", "envelope_from", "spf",
                                                           "dkim", "aligned", "disposition",
                                                           "override")
    TALLY_TABLE(
        "tls_seen", "policy_type", "policy", "mx_hosts", "sending_ip", "receiving_ip",
        "receiving_mx", "receiving_helo", "result",
        "reason") "CREATE TABLE room (day INTEGER NOT NULL, kind INTEGER NOT NULL, domain TEXT NOT "
                  "NULL,"
                  " rows INTEGER NOT NULL, lost INTEGER NOT NULL, bytes INTEGER NOT NULL,"
                  " PRIMARY KEY (day, kind, domain)) WITHOUT ROWID;"
                  "CREATE INDEX room_bytes ON room (day, bytes) WHERE domain = '';"
                  "PRAGMA user_version = 2;"
                  "COMMIT;";

/* DMARC reports that others sent us. */
const char schema_feedback[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE feedback ("
    "  no INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, message TEXT NOT NULL,"
    "  org TEXT NOT NULL, email TEXT NOT NULL, report_id TEXT NOT NULL, digest INTEGER NOT NULL,"
    "  domain TEXT NOT NULL, policy TEXT NOT NULL, begin_s INTEGER NOT NULL,"
    "  end_s INTEGER NOT NULL, bytes INTEGER NOT NULL);"
    "CREATE INDEX feedback_bytes ON feedback (bytes);"
    "CREATE UNIQUE INDEX feedback_id ON feedback (report_id, org);"
    "CREATE INDEX feedback_time ON feedback (begin_s);"
    "CREATE TABLE feedback_row ("
    "  report INTEGER NOT NULL, idx INTEGER NOT NULL, n INTEGER NOT NULL,"
    "  source_ip TEXT NOT NULL, disposition TEXT NOT NULL, dkim TEXT NOT NULL, spf TEXT NOT NULL,"
    "  override TEXT NOT NULL, header_from TEXT NOT NULL, envelope_from TEXT NOT NULL,"
    "  results TEXT NOT NULL, PRIMARY KEY (report, idx)) WITHOUT ROWID;"
    "PRAGMA user_version = 3;"
    "COMMIT;";

/* Who sent each, and TLS reports (kind 2) beside those about DMARC (1). What one sender said is in
 * no other's way. */
const char schema_signers[] =
    "BEGIN IMMEDIATE;"
    "ALTER TABLE feedback ADD COLUMN kind INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE feedback ADD COLUMN signer TEXT NOT NULL DEFAULT '';"
    "DROP INDEX feedback_id;"
    "CREATE UNIQUE INDEX feedback_id ON feedback (report_id, org, kind, signer);"
    "CREATE INDEX feedback_signer ON feedback (signer, bytes);"
    "CREATE TABLE tls_feedback_row ("
    "  report INTEGER NOT NULL, idx INTEGER NOT NULL, n INTEGER NOT NULL, domain TEXT NOT NULL,"
    "  policy_type TEXT NOT NULL, result TEXT NOT NULL, sending_ip TEXT NOT NULL,"
    "  receiving_mx TEXT NOT NULL, receiving_ip TEXT NOT NULL, reason TEXT NOT NULL,"
    "  PRIMARY KEY (report, idx)) WITHOUT ROWID;"
    "PRAGMA user_version = 4;"
    "COMMIT;";

/* What was accepted, from who said 250, and how audits ended. A message of before has no row in
 * `accepted`. */
const char schema_accepted[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE accepted ("
    "  id TEXT PRIMARY KEY, time_us INTEGER NOT NULL, sender TEXT NOT NULL, n INTEGER NOT NULL,"
    "  recipients TEXT NOT NULL, size INTEGER NOT NULL, held INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE audit ("
    "  time_us INTEGER PRIMARY KEY, duration_ms INTEGER NOT NULL, messages INTEGER NOT NULL,"
    "  recipients INTEGER NOT NULL, findings INTEGER NOT NULL, failure TEXT NOT NULL,"
    "  summary TEXT NOT NULL);"
    "PRAGMA user_version = 5;"
    "COMMIT;";

/* What people have said of findings, and up to which id some messages were forgotten: those of
 * before this table existed too, for nobody kept count of them. */
const char schema_closed[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE closed ("
    "  id TEXT NOT NULL, finding TEXT NOT NULL, time_us INTEGER NOT NULL, why TEXT NOT NULL,"
    "  PRIMARY KEY (id, finding)) WITHOUT ROWID;"
    "CREATE TABLE swept (id TEXT NOT NULL);"
    "INSERT INTO swept SELECT coalesce(max(id), '') FROM message;"
    "PRAGMA user_version = 6;"
    "COMMIT;";

/* The states that stand in the SQL below and above, by their numbers */
_Static_assert(RCPT_OWED == 0 && RCPT_DEFERRED == 1 && RCPT_DELIVERED == 2 && RCPT_HELD == 3 &&
                   RCPT_RELEASED == 4 && RCPT_DELETED == 5 && RCPT_FAILED == 6 &&
                   RCPT_REDIRECTED == 7 && RCPT_RETURNING == 8,
               "open are 0, 1, 3, 4, and for a moment 8; final are 2, 5, 6, 7");

#define DMARC_KEY                                                                                  \
    "day = ?1 AND domain = ?2 AND published = ?3 AND header_from = ?4 AND source_ip = ?5"          \
    " AND envelope_from = ?6 AND spf = ?7 AND dkim = ?8 AND aligned = ?9 AND disposition = ?10"    \
    " AND override = ?11"
#define TLS_KEY                                                                                    \
    "day = ?1 AND domain = ?2 AND policy_type = ?3 AND policy = ?4 AND mx_hosts = ?5"              \
    " AND sending_ip = ?6 AND receiving_ip = ?7 AND receiving_mx = ?8 AND receiving_helo = ?9"     \
    " AND result = ?10 AND reason = ?11"
/* If there is room for a row more: ?13 of the kind ?14, ?15 of the domain. */
#define TALLY_ADD                                                                                  \
    "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12 WHERE NOT EXISTS"                 \
    " (SELECT 1 FROM room WHERE day = ?1 AND kind = ?14 AND ((domain = '' AND rows >= ?13)"        \
    " OR (domain = '' AND bytes >= ?16) OR (domain = ?2 AND rows >= ?15)) AND domain IN ('', ?2))"
/* Of the oldest day before ?1: about ?2 rows, whole domains. */
#define OLDEST_DAY(NAME) "(SELECT min(day) FROM " NAME " WHERE day < ?1)"
#define TALLY_DROP(NAME)                                                                           \
    "DELETE FROM " NAME " WHERE day = " OLDEST_DAY(                                                \
        NAME) " AND domain <="                                                                     \
              " (SELECT max(domain) FROM (SELECT domain FROM " NAME                                \
              " WHERE day = " OLDEST_DAY(NAME) " ORDER BY domain LIMIT ?2))"
/* Likewise, of the kind ?3, but for that of all domains */
#define OLDEST_ROOM "(SELECT day FROM room WHERE day < ?1 AND domain <> '' ORDER BY day LIMIT 1)"
#define ROOM_DROP                                                                                  \
    "DELETE FROM room WHERE day = " OLDEST_ROOM " AND kind = ?3 AND domain > '' AND domain <="     \
    " (SELECT max(domain) FROM (SELECT domain FROM room WHERE day = " OLDEST_ROOM                  \
    " AND kind = ?3 AND domain > '' ORDER BY domain LIMIT ?2))"

/* The oldest report, if it came before ?1; or, if there are more than ?2, or all take more than ?3
 * bytes, the oldest of who has the largest share of either: a flood of one sender's pushes out
 * his own. */
#define FEEDBACK_FULL                                                                              \
    "((SELECT count(*) FROM feedback) > ?2 OR (SELECT sum(bytes) FROM feedback) > ?3)"
#define FEEDBACK_MOST                                                                              \
    "(SELECT signer FROM feedback GROUP BY signer"                                                 \
    " ORDER BY max(count(*) * 1.0 / ?2, sum(bytes) * 1.0 / ?3) DESC LIMIT 1)"
#define FEEDBACK_OLDEST                                                                            \
    "(SELECT no FROM feedback WHERE (no = (SELECT min(no) FROM feedback) AND time_us < ?1)"        \
    " OR (" FEEDBACK_FULL " AND no ="                                                              \
    " (SELECT min(no) FROM feedback WHERE signer = " FEEDBACK_MOST ")))"
/* The one that an event belongs to: ?1 maker, ?2 id, ?3 digest, ?4 kind, ?5 signer */
#define FEEDBACK_OF                                                                                \
    " WHERE org = ?1 AND report_id = ?2 AND digest = ?3 AND kind = ?4 AND signer = ?5"

const char *const schema_statements[STORE_STATEMENTS] = {
    [STORE_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_MESSAGE] = "INSERT INTO message VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                      " ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING",
    /* What is final gives way only to what is final, what is later only to what is later still. */
    [STORE_RECIPIENT] =
        "INSERT INTO recipient VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        " ON CONFLICT (id, idx) DO UPDATE SET state = excluded.state, time_us = excluded.time_us"
        " WHERE (excluded.state IN (2, 5, 6, 7), excluded.time_us, excluded.state)"
        " > (state IN (2, 5, 6, 7), time_us, state)",
    [STORE_OUTCOME] = "INSERT INTO outcome VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    [STORE_REFUSED] = "INSERT INTO refusal VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                      " ?11, ?12, ?13) ON CONFLICT DO NOTHING",
    /* Settled messages made before ?1, with no news since ?2, the oldest ?3 of them; those without
     * a row of their own (their first event was lost) too. Recipients that were not tried yet have
     * no row: where some are missing only what was made before ?4 goes. */
    [STORE_DOOM] =
        "INSERT OR IGNORE INTO doomed SELECT id FROM message WHERE id < ?1 AND NOT EXISTS"
        " (SELECT 1 FROM recipient r WHERE r.id = message.id"
        "  AND (r.state NOT IN (2, 5, 6, 7) OR r.time_us >= ?2))"
        " AND (id < ?4 OR " SCHEMA_ALL_TOLD("message") ") ORDER BY id LIMIT ?3",
    [STORE_DOOM_ORPHANS] =
        "INSERT OR IGNORE INTO doomed SELECT DISTINCT id FROM recipient a WHERE id < ?1"
        " AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = a.id) AND NOT EXISTS"
        " (SELECT 1 FROM recipient r WHERE r.id = a.id"
        "  AND (r.state NOT IN (2, 5, 6, 7) OR r.time_us >= ?2))"
        " AND (id < ?4 OR " SCHEMA_ALL_TOLD("a") ") ORDER BY id LIMIT ?3",
    /* Likewise what was accepted and never heard of again: only its age lets go of it. */
    [STORE_DOOM_ACCEPTED] =
        "INSERT OR IGNORE INTO doomed SELECT id FROM accepted a WHERE id < ?1 AND time_us < ?2"
        " AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = a.id)"
        " AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.id = a.id) ORDER BY id LIMIT ?3",
    [STORE_SWEPT] = "UPDATE swept SET id = (SELECT max(id) FROM doomed)"
                    " WHERE id < (SELECT max(id) FROM doomed)",
    [STORE_DROP_ACCEPTED] = "DELETE FROM accepted WHERE id IN (SELECT id FROM doomed)",
    [STORE_DROP_OUTCOMES] = "DELETE FROM outcome WHERE id IN (SELECT id FROM doomed)",
    [STORE_DROP_RECIPIENTS] = "DELETE FROM recipient WHERE id IN (SELECT id FROM doomed)",
    [STORE_DROP_MESSAGES] = "DELETE FROM message WHERE id IN (SELECT id FROM doomed)",
    [STORE_DROP_DOOMED] = "DELETE FROM doomed",
    [STORE_DROP_REFUSALS] =
        "DELETE FROM refusal WHERE no IN"
        " (SELECT no FROM refusal WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
    [STORE_ACCEPTED] =
        "INSERT INTO accepted VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    [STORE_AUDIT] = "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    [STORE_DROP_LATER_AUDITS] = "DELETE FROM audit WHERE time_us > ?1",
    [STORE_DROP_AUDITS] = "DELETE FROM audit WHERE time_us < ?1",
    [STORE_CLOSED] = "INSERT INTO closed VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id, finding)"
                     " DO UPDATE SET time_us = excluded.time_us, why = excluded.why",
    [STORE_REOPENED] = "DELETE FROM closed WHERE id = ?1 AND finding = ?2",
    [STORE_DROP_CLOSED] = "DELETE FROM closed WHERE time_us < ?1",
    [STORE_DMARC_FIND] = "SELECT last_us FROM dmarc_seen WHERE " DMARC_KEY,
    [STORE_DMARC_COUNT] = "UPDATE dmarc_seen SET n = n + 1, last_us = ?12 WHERE " DMARC_KEY,
    [STORE_DMARC_ADD] = "INSERT INTO dmarc_seen " TALLY_ADD,
    [STORE_DMARC_DROP] = TALLY_DROP("dmarc_seen"),
    [STORE_TLS_FIND] = "SELECT last_us FROM tls_seen WHERE " TLS_KEY,
    [STORE_TLS_COUNT] = "UPDATE tls_seen SET n = n + 1, last_us = ?12 WHERE " TLS_KEY,
    [STORE_TLS_ADD] = "INSERT INTO tls_seen " TALLY_ADD,
    [STORE_TLS_DROP] = TALLY_DROP("tls_seen"),
    [STORE_ROOM_USE] = "INSERT INTO room VALUES (?1, ?2, ?3, 1, 0, ?4) ON CONFLICT"
                       " DO UPDATE SET rows = rows + 1, bytes = bytes + ?4",
    [STORE_ROOM_LOST] = "UPDATE room SET lost = lost + 1 WHERE day = ?1 AND kind = ?2"
                        " AND domain IN ('', ?3)",
    [STORE_FEEDBACK] = "INSERT INTO feedback VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                       " ?11, ?12, ?13) ON CONFLICT DO NOTHING",
    [STORE_FEEDBACK_ROW] =
        "INSERT INTO feedback_row SELECT no, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15"
        " FROM feedback" FEEDBACK_OF " ON CONFLICT DO NOTHING",
    [STORE_FEEDBACK_TLS_ROW] =
        "INSERT INTO tls_feedback_row SELECT no, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14"
        " FROM feedback" FEEDBACK_OF " ON CONFLICT DO NOTHING",
    [STORE_FEEDBACK_GROWN] = "UPDATE feedback SET bytes = bytes + ?6" FEEDBACK_OF,
    [STORE_FEEDBACK_DROP_ROWS] = "DELETE FROM feedback_row WHERE report IN " FEEDBACK_OLDEST,
    [STORE_FEEDBACK_DROP_TLS_ROWS] =
        "DELETE FROM tls_feedback_row WHERE report IN " FEEDBACK_OLDEST,
    [STORE_FEEDBACK_DROP] = "DELETE FROM feedback WHERE no IN " FEEDBACK_OLDEST,
    [STORE_ROOM_SUM] = "SELECT sum(bytes), min(day) FROM room WHERE domain = ''",
    [STORE_ROOM_DROP] = ROOM_DROP,
    /* when nothing else is left of the days before ?1: until then they count */
    [STORE_ROOM_DROP_DAY] = "DELETE FROM room WHERE day < ?1 AND domain = '' AND NOT EXISTS"
                            " (SELECT 1 FROM dmarc_seen WHERE day < ?1) AND NOT EXISTS"
                            " (SELECT 1 FROM tls_seen WHERE day < ?1) AND NOT EXISTS"
                            " (SELECT 1 FROM room r WHERE r.day < ?1 AND r.domain <> '')",
    /* What gateway/evidence_content.c says of a message's DMARC; no row where nobody asked for
     * reports, and for our own people's mail. */
    [STORE_EVIDENCE] =
        "SELECT dmarc ->> 'record', dmarc ->> 'published', dmarc ->> 'domain',"
        " spf ->> 'domain', spf ->> 'result', (SELECT group_concat((value ->> 'domain') || ' ' ||"
        " (value ->> 'selector') || ' ' || (value ->> 'result'), char(10)) FROM"
        " json_each(evidence, '$.content.dkim')), dmarc ->> 'spf_aligned',"
        " dmarc ->> 'dkim_aligned', evidence ->> 'verdict', dmarc ->> 'policy',"
        " dmarc ->> 'applied', dmarc ->> 'vouched', dmarc ->> 'result' FROM"
        " (SELECT ?1 AS evidence, ?1 -> '$.content.sender.dmarc' AS dmarc,"
        "  ?1 -> '$.content.sender.spf' AS spf WHERE json_valid(?1))"
        " WHERE evidence ->> 'ours' IS NULL AND dmarc ->> 'published' IS NOT NULL"
        " AND dmarc ->> 'record' <> '' AND dmarc ->> 'domain' <> ''",
};

/* What came before it, a journal that is made now doesn't know: as if it had been swept. */
static int begin_now(sqlite3 *db, struct err *err)
{
    char id[TIME_ID_SIZE], sql[64];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time_id((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, id);
    snprintf(sql, sizeof sql, "UPDATE swept SET id = '%s'", id);
    return db_exec(db, sql, err);
}

int schema_make(sqlite3 *db, const char *path, struct err *err)
{
    int64_t version;
    if (db_number(db, "PRAGMA user_version", &version, err) < 0)
        return -1;
    if (version > JOURNAL_SCHEMA_VERSION)
        return err_set(
            err,
            "%s was written by a newer poterne (schema %lld, this one knows %d): install "
            "that one again, or move the file away",
            path, (long long)version, JOURNAL_SCHEMA_VERSION);
    if (version < 1 && db_exec(db, schema_create, err) < 0)
        return -1;
    if (version < 2 && db_exec(db, schema_tally, err) < 0)
        return -1;
    if (version < 3 && db_exec(db, schema_feedback, err) < 0)
        return -1;
    if (version < 4 && db_exec(db, schema_signers, err) < 0)
        return -1;
    if (version < 5 && db_exec(db, schema_accepted, err) < 0)
        return -1;
    if (version < 6 && db_exec(db, schema_closed, err) < 0)
        return -1;
    return version < 1 ? begin_now(db, err) : 0;
}
