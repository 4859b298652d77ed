"""A real SMTP server (Debian's python3-aiosmtpd) in one of several moods: says its port, then each message as a line of JSON."""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mood, *certificate_and_key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
if certificate_and_key:
    context.load_cert_chain(*certificate_and_key)


def say(**line):
    print(json.dumps(line), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if mood == "unknown_address":
            return "550 5.1.1 no such mailbox"
        if mood == "busy":
            return "451 4.7.1 greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        say(
            encrypted=server.transport.get_extra_info("ssl_object") is not None,
            authenticated=session.authenticated,
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            text=envelope.content.decode(),
        )
        return "250 2.0.0 taken over as ABC123"


def authenticate(server, session, envelope, mechanism, data):
    right = data.login == b"maria" and data.password == b"right-canary"
    # Some servers repeat what they were given.
    return AuthResult(success=right, handled=right, message=None if right else f"535 5.7.8 {data.password.decode()} is wrong")


def made():
    signs_in = mood != "open"
    starttls = mood not in ("implicit", "open", "plain")
    return SMTP(
        Handler(),
        hostname="stand-in",
        tls_context=context if starttls else None,
        require_starttls=starttls,
        auth_required=signs_in,
        auth_require_tls=mood not in ("implicit", "plain"),
        authenticator=authenticate if signs_in else None,
    )


async def main():
    implicit = context if mood == "implicit" else None
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=implicit)
    say(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
