#!/usr/bin/env python3
"""@DISPLAY_NAME@: standard output belongs to the protocol, one JSON object a line. Logs go to standard error, without secrets."""

import json
import os
import sys
from datetime import datetime, timezone

emitted = 0


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def receive():
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def ask_for_token():
    """Asks once a run. Freehold answers from the vault; a second question would mean that the token was refused."""
    schema = {"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"]}
    send({"type": "INTERACTION", "request_id": "token", "kind": "credentials", "message": "Access token", "schema": schema})
    answer = receive()
    if not answer or answer["status"] != "success":
        finish("failed", {"code": "no_token", "message": "No token was given.", "retryable": True})
    return answer["data"]["token"]


def fetch_items(server, token, after):
    """Replace this with the provider's API: items newer than `after`, oldest first."""
    items = [
        {"id": "1", "title": "First", "source_updated_at": "2026-01-01T00:00:00Z"},
        {"id": "2", "title": "Second", "source_updated_at": "2026-01-02T00:00:00Z"},
    ]
    return [item for item in items if item["source_updated_at"] > after]


def in_scope(target, item):
    time = datetime.fromisoformat(item["source_updated_at"].replace("Z", "+00:00"))
    window = {name: datetime.fromisoformat(bound.replace("Z", "+00:00")) for name, bound in target.get("time_range", {}).items()}
    window = {name: bound if bound.tzinfo else bound.replace(tzinfo=timezone.utc) for name, bound in window.items()}
    return (
        item["id"] in target.get("resources", [item["id"]])
        and window.get("since", time) <= time
        and ("until" not in window or time < window["until"])
    )


def collect(target, cursor, token):
    global emitted
    last = cursor.get("last", "")
    for item in fetch_items(os.environ["SERVER"], token, last):
        last = item["source_updated_at"]
        if not in_scope(target, item):
            continue
        fields = target.get("fields", item.keys())
        data = {name: value for name, value in item.items() if name in fields}
        now = datetime.now(timezone.utc).isoformat()
        send({"type": "RECORD", "stream": "items", "key": item["id"], "data": data, "emitted_at": now})
        emitted += 1
    send({"type": "STATE", "stream": "items", "cursor": {"last": last}})


def finish(status, error=None):
    """Sends DONE, waits until everything is durable (end of input), and exits with 0 only for success."""
    message = {"type": "DONE", "status": status, "records_emitted": emitted}
    if error:
        message["error"] = error
    send(message)
    sys.stdin.read()
    sys.exit(0 if status == "succeeded" else 1)


def main():
    start = receive()
    if not start or start.get("type") != "START":
        sys.exit("START was expected")
    token = ask_for_token()
    # For a refused token: finish("failed", {…, "recovery_hint": "refresh_credentials", "retryable": False})
    # For a provider that is down: finish("failed", {…, "recovery_hint": "retry_by_runtime", "retryable": True})
    send({"type": "IDENTITY", "key": "account-1", "display": "Account 1"})
    incremental = start["collection_mode"] == "incremental"
    for target in start["scope"]["streams"]:
        cursor = ((start.get("state") or {}).get(target["name"]) or {}) if incremental else {}
        collect(target, cursor, token)
    finish("succeeded")


main()
