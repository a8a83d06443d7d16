#!/usr/bin/python3
# The mail of an aggregate report on standard input, as Python's email package reads it, unpacked: JSON. A TLS report
# is held against RFC 8460 4.4; what is wrong is in "wrong".
import email
import email.policy
import gzip
import ipaddress
import json
import re
import sys

RESULTS = {
    'starttls-not-supported', 'certificate-host-mismatch', 'certificate-expired', 'certificate-not-trusted',
    'validation-failure', 'tlsa-invalid', 'dnssec-invalid', 'dane-required', 'sts-policy-fetch-error',
    'sts-policy-invalid', 'sts-webpki-invalid',
}
wrong = []


def check(what, condition):
    if not condition:
        wrong.append(what)


def members(where, value, needed, allowed=()):
    if not isinstance(value, dict):
        wrong.append(f'{where}: no object')
        return {}
    for name in needed:
        check(f'{where}: no {name}', name in value)
    for name in value:
        check(f'{where}: there is no {name}', name in needed or name in allowed)
    return value


def is_text(where, value):
    check(f'{where}: no text', isinstance(value, str) and value)


def is_count(where, value):
    check(f'{where}: no count', isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def is_address(where, value):
    try:
        ipaddress.ip_address(value)
    except ValueError:
        wrong.append(f'{where}: no address')


def check_failure(detail):
    detail = members('failure-details', detail,
                     ['result-type', 'failed-session-count'],
                     ['sending-mta-ip', 'receiving-mx-hostname', 'receiving-mx-helo', 'receiving-ip',
                      'additional-information', 'failure-reason-code'])
    check('result-type', detail.get('result-type') in RESULTS)
    is_count('failed-session-count', detail.get('failed-session-count'))
    for name in ('sending-mta-ip', 'receiving-ip'):
        if name in detail:
            is_address(name, detail[name])
    for name in ('receiving-mx-hostname', 'receiving-mx-helo', 'failure-reason-code'):
        if name in detail:
            is_text(name, detail[name])
    return detail.get('failed-session-count', 0)


def check_policy(entry):
    entry = members('policies', entry, ['policy', 'summary'], ['failure-details'])
    policy = members('policy', entry.get('policy'), ['policy-type', 'policy-domain'], ['policy-string', 'mx-host'])
    check('policy-type', policy.get('policy-type') in ('tlsa', 'sts', 'no-policy-found'))
    is_text('policy-domain', policy.get('policy-domain'))
    for name in ('policy-string', 'mx-host'):
        if name in policy:
            check(f'{name}: no list', isinstance(policy[name], list) and policy[name])
            for one in policy[name]:
                is_text(name, one)
    check('policy-string of a policy', policy.get('policy-type') == 'no-policy-found' or 'policy-string' in policy)
    check('mx-host of sts', policy.get('policy-type') != 'sts' or 'mx-host' in policy)
    summary = members('summary', entry.get('summary'), ['total-successful-session-count', 'total-failure-session-count'])
    for name, value in summary.items():
        is_count(name, value)
    failed = sum(check_failure(detail) for detail in entry.get('failure-details', []))
    check('the failures are as many as the summary says', failed == summary.get('total-failure-session-count'))


def check_tls(report):
    report = members('report', report, ['organization-name', 'date-range', 'contact-info', 'report-id', 'policies'])
    for name in ('organization-name', 'contact-info', 'report-id'):
        is_text(name, report.get(name))
    dates = members('date-range', report.get('date-range'), ['start-datetime', 'end-datetime'])
    for name, value in dates.items():
        check(f'{name}: no date of RFC 3339', re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', value))
    check('policies: no list', isinstance(report.get('policies'), list) and report['policies'])
    for entry in report.get('policies', []):
        check_policy(entry)


message = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.SMTP)
parts = list(message.iter_parts())
attached = parts[-1]
text = gzip.decompress(attached.get_payload(decode=True)).decode('utf-8')
if attached.get_content_type() == 'application/tlsrpt+gzip':
    check_tls(json.loads(text))
print(json.dumps({
    'header': {name.lower(): str(value) for name, value in message.items()},
    'type': message.get_content_type(),
    'report_type': message.get_param('report-type'),
    'types': [part.get_content_type() for part in parts],
    'defects': [str(d) for part in [message] + parts for d in part.defects],
    'filename': attached.get_filename(),
    'words': parts[0].get_content(),
    'report': text,
    'wrong': wrong,
}))
