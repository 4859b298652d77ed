"""Signs in to the provider a test plays, says which account that is, and collects its letters."""

import json
import os
import socket
import sys

emitted = 0


def hear():
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def done(status, error=None):
    say({"type": "DONE", "status": status, "records_emitted": emitted, **({"error": error} if error else {})})
    sys.stdin.read()
    sys.exit(0 if status == "succeeded" else 1)


def failed(code, hint, **more):
    done("failed", {"code": code, "message": code, "recovery_hint": hint, "retryable": hint == "retry_by_runtime", **more})


def ask(kind, *fields):
    properties = {field: {"type": "string"} for field in fields}
    schema = {"type": "object", "properties": properties, "required": list(fields)}
    say({"type": "INTERACTION", "request_id": kind, "kind": kind, "message": f"The provider wants: {kind}", "schema": schema})
    answer = hear()
    if not answer or answer["status"] != "success":
        failed("unanswered", "manual_action_required" if kind == "manual_action" else "unknown")
    return answer.get("data") or {}


def main():
    global emitted
    start = hear()
    try:
        provider = socket.create_connection(("127.0.0.1", int(float(os.environ["PROVIDER_PORT"]))), timeout=60).makefile("rw")
    except OSError:
        failed("provider_away", "retry_by_runtime")

    def submit(message):
        provider.write(json.dumps(message) + "\n")
        provider.flush()
        line = provider.readline()
        if not line:
            # The line went dead after the password was out: whether it was taken, nobody knows.
            sys.exit(1)
        return json.loads(line)

    details = ask("credentials", "username", "password")
    answer = submit({"username": details["username"], "password": details["password"]})
    while answer["answer"] in ("code", "challenge"):
        if answer["answer"] == "code":
            answer = submit({"code": ask("otp", "code").get("code")})
        else:
            ask("manual_action")
            answer = submit({"challenge": "done"})
    if answer["answer"] == "refused":
        failed("refused", "refresh_credentials")
    if answer["answer"] == "away":
        failed("away", "retry_by_runtime", **({"retry_after_seconds": answer["wait"]} if answer.get("wait") else {}))

    # The account is said after the first letter, as late as the contract allows: whoever keeps records too early is caught.
    said = False
    for letter in answer["letters"]:
        record = {"id": letter["id"], "text": letter["text"]}
        say({"type": "RECORD", "stream": "letters", "key": letter["id"], "data": record, "emitted_at": "2026-01-01T00:00:00Z"})
        emitted += 1
        if not said:
            say({"type": "PROGRESS", "message": "The first letter is out"})
            said = True
            say({"type": "IDENTITY", "key": answer["account"], "display": answer["account"].title()})
    say({"type": "STATE", "stream": "letters", "cursor": {"seen": emitted}})
    done("succeeded")


main()
