#!/usr/bin/python3
# A bounce on standard input, as Python's email package reads it: JSON.
import email
import email.policy
import json
import sys

message = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.SMTPUTF8)
parts = list(message.iter_parts())
text, status = parts[:2]
groups = [dict(group.items()) for group in status.get_payload()]
if status.get_content_type() != 'message/delivery-status':
    # RFC 6533: the package takes it for a message, with the groups behind the first for its body
    body = status.get_payload()[0].get_payload(decode=True).decode('utf-8')
    groups += [
        dict(line.split(': ', 1) for line in group.splitlines())
        for group in body.strip().replace('\r\n', '\n').split('\n\n')
    ]
original = parts[2] if len(parts) > 2 else None
inner = original.get_payload() if original else None
if original is None:
    returned = None
elif isinstance(inner, list):
    returned = {'subject': inner[0]['Subject'], 'body': inner[0].get_content() if not inner[0].is_multipart() else ''}
else:
    returned = {'text': original.get_payload(decode=True).decode('utf-8')}
sys.stdout.buffer.write(json.dumps({
    'header': {name.lower(): str(value) for name, value in message.items()},
    'type': message.get_content_type(),
    'report_type': message.get_param('report-type'),
    'defects': [str(d) for part in [message] + parts for d in part.defects],
    'types': [part.get_content_type() for part in parts],
    'language': text['Content-Language'],
    'text': text.get_content(),
    'message': {name.lower(): value for name, value in groups[0].items()},
    'recipients': [{name.lower(): value for name, value in group.items()} for group in groups[1:]],
    'returned': returned,
}, ensure_ascii=False).encode())
