#!/usr/bin/python3
"""An HTTPS server of a test: answers out of a file of JSON that it reads anew for each request, and
notes each request as a line of JSON.  usage: https_server.py ADDRESS PORT CERT KEY ANSWERS NOTES

ANSWERS: { "/path" or "host/path": { "status": 200, "type": "text/plain", "body": "...",
"headers": {...}, "delay": seconds, "raw": "bytes in place of HTTP", "fill": bytes of x as the body,
"endless": true (chunks for ever), "cut": bytes fewer than Content-Length says } }
What is not there is 404. The body may hold {"token": answer} under "by_token" for introspection.
"""
import base64
import json
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS, PORT, CERT, KEY, ANSWERS, NOTES = sys.argv[1:7]
LOCK = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, body):
        text = {
            "method": self.command,
            "path": self.path,
            "host": self.headers.get("Host"),
            "headers": {k.lower(): v for k, v in self.headers.items()},
            "body": base64.b64encode(body).decode(),
            "from": self.client_address[1],
        }
        with LOCK, open(NOTES, "a", encoding="utf-8") as notes:
            notes.write(json.dumps(text) + "\n")

    def choose(self, body):
        with open(ANSWERS, encoding="utf-8") as file:
            answers = json.load(file)
        path = self.path.split("?")[0]
        host = (self.headers.get("Host") or "").split(":")[0]
        answer = answers.get(host + path, answers.get(path, {"status": 404, "body": "no such page"}))
        if "by_token" in answer:
            token = urllib.parse.parse_qs(body.decode()).get("token", [""])[0]
            found = answer["by_token"].get(token, {"active": False})
            answer = found if "status" in found or "body" in found or "raw" in found else {
                "type": "application/json",
                "body": json.dumps(found),
            }
        return answer

    def send_chunks(self):
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.note(body)
        answer = self.choose(body)
        time.sleep(answer.get("delay", 0))
        if "raw" in answer:
            self.wfile.write(answer["raw"].encode())
            self.close_connection = True
            return
        content = answer.get("body", "").encode() or b"x" * answer.get("fill", 0)
        self.send_response(answer.get("status", 200))
        self.send_header("Content-Type", answer.get("type", "text/plain"))
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        if answer.get("endless"):
            self.send_chunks()
        self.send_header("Content-Length", str(len(content) + answer.get("cut", 0)))
        self.end_headers()
        self.wfile.write(content)
        if answer.get("cut"):
            self.close_connection = True

    do_GET = answer
    do_POST = answer


class Server(ThreadingHTTPServer):
    daemon_threads = True
    address_family = 2

    def get_request(self):
        plain, address = self.socket.accept()
        plain.settimeout(60)
        return self.tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        pass


server = Server((ADDRESS, int(PORT)), Handler)
server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.tls.load_cert_chain(CERT, KEY)
server.serve_forever()
