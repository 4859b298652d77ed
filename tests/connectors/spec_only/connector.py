"""Notes, collected by the Collection Profile and nothing beyond it: no message or field that the specification does not have."""

import json
import os
import sys
from datetime import datetime, timedelta, timezone

FIRST = datetime(2026, 1, 1, tzinfo=timezone.utc)


def read():
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class Run:
    def __init__(self, start):
        self.streams = {target["name"]: target for target in start["scope"]["streams"]}
        self.state = (start.get("state") or {}) if start["collection_mode"] == "incremental" else {}
        self.emitted = 0

    def record(self, stream, data, time=None):
        target = self.streams[stream]
        if "resources" in target and data["id"] not in target["resources"]:
            return
        window = target.get("time_range", {})
        if time and (time < window.get("since", "") or time >= window.get("until", "~")):
            return
        if "fields" in target:
            data = {name: value for name, value in data.items() if name in target["fields"]}
        now = datetime.now(timezone.utc).isoformat()
        write({"type": "RECORD", "stream": stream, "key": data["id"], "data": data, "emitted_at": now})
        self.emitted += 1

    def end(self, status, error=None):
        message = {"type": "DONE", "status": status, "records_emitted": self.emitted}
        if error:
            message["error"] = error
        write(message)
        sys.stdin.read()
        sys.exit(0 if status == "succeeded" else 1)


def sign_in(run):
    write({
        "type": "INTERACTION",
        "request_id": "sign_in",
        "kind": "credentials",
        "message": "Sign in to Notes",
        "schema": {
            "type": "object",
            "properties": {"username": {"type": "string"}, "password": {"type": "string", "format": "password"}},
            "required": ["username", "password"],
        },
        "timeout_seconds": 300,
    })
    answer = read()
    if not answer or answer["status"] != "success":
        run.end("failed", {"code": "no_answer", "message": "No sign-in details were given.", "retryable": True})
    if answer["data"]["password"] == "wrong":
        run.end("failed", {
            "code": "password_refused",
            "message": "Notes refused the password.",
            "recovery_hint": "refresh_credentials",
            "retryable": False,
        })
    return answer["data"]["username"]


def collect_notes(run):
    after = run.state.get("notes", {}).get("last", 0)
    count = int(float(os.environ.get("NOTE_COUNT") or 25))
    for number in range(after + 1, count + 1):
        time = (FIRST + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        note = {"id": f"note-{number}", "title": f"Note {number}", "text": "Lorem ipsum. " * (number % 7), "source_updated_at": time}
        run.record("notes", note, time)
        if number % 1000 == 0:
            write({"type": "PROGRESS", "stream": "notes", "message": f"{number} of {count}", "count": number, "total": count})
    write({"type": "STATE", "stream": "notes", "cursor": {"last": max(after, count)}})


def main():
    start = read()
    if not start or start["type"] != "START" or "interactive" not in start["bindings"]:
        print("START with the binding interactive was expected", file=sys.stderr)
        sys.exit(2)
    run = Run(start)
    username = sign_in(run)
    if "profile" in run.streams:
        run.record("profile", {"id": username, "name": username.split("@")[0].title()})
    if "notes" in run.streams:
        collect_notes(run)
    run.end("succeeded")


main()
