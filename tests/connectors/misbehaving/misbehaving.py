"""A connector that commits one sin, named by the variable SIN. Every sin is bounded, so that it is safe even uncontained."""

import json
import os
import signal
import socket
import sys

OUT = sys.stdout.buffer
records = 0
scope = set()


def say(message):
    OUT.write(json.dumps(message).encode() + b"\n")
    OUT.flush()


def hear():
    line = sys.stdin.buffer.readline()
    return json.loads(line) if line else None


def record(stream, key, data):
    global records
    records += 1
    say({"type": "RECORD", "stream": stream, "key": key, "data": data, "emitted_at": "2026-01-01T00:00:00Z"})


def item(number):
    record("items", str(number), {"id": str(number), "n": number})


def probe(name, attempt):
    try:
        detail = attempt()
        record("probes", name, {"id": name, "outcome": "reached", "detail": str(detail)[:200]})
    except OSError as error:
        record("probes", name, {"id": name, "outcome": "refused", "detail": error.strerror or str(error)})


def identity(key="tester"):
    say({"type": "IDENTITY", "key": key, "display": key.title()})


def ask(number, kind="credentials"):
    schema = {"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"]}
    say({"type": "INTERACTION", "request_id": f"q{number}", "kind": kind, "message": "Token?", "schema": schema})


def done(status="succeeded", count=None, error=None):
    message = {"type": "DONE", "status": status, "records_emitted": records if count is None else count}
    if error:
        message["error"] = error
    say(message)


def wait_forever():
    while True:
        signal.pause()


def finish(code=0):
    done()
    while sys.stdin.buffer.readline():
        pass
    sys.exit(code)


def behave():
    identity()
    if "items" in scope:
        for number in range(1, 4):
            item(number)
        say({"type": "STATE", "stream": "items", "cursor": {"last": 3}})
    finish()


def garbage():
    item(1)
    OUT.write(b"Traceback (most recent call last): this is no JSON\n")
    OUT.flush()
    finish()


def not_utf8():
    OUT.write(b'{"type":"PROGRESS","message":"\xff\xfe"}\n')
    OUT.flush()
    finish()


def long_line():
    OUT.write(b'{"type":"PROGRESS","message":"')
    for _ in range(100):
        OUT.write(b"x" * (1 << 20))
    OUT.write(b'"}\n')
    OUT.flush()
    finish()


def half_line():
    OUT.write(b'{"type":"DONE","status":"succeeded","records_emitted":0}')
    OUT.flush()
    sys.exit(0)


def done_twice():
    identity()
    done()
    finish()


def after_done():
    identity()
    done()
    item(1)
    finish()


def wrong_count():
    identity()
    item(1)
    done(count=7)
    while sys.stdin.buffer.readline():
        pass


def out_of_scope():
    identity()
    item(1)
    record("secrets", "1", {"id": "1", "n": 1})
    record("items", "2", {"id": "2", "n": "not a number"})
    record("items", "3", {"id": "4", "n": 3})
    record("items", "5", {"id": "5", "n": 5, "extra": True})
    finish()


def interaction_storm():
    for number in range(10_000):
        ask(number, "otp")
    finish()


def speaks_while_waiting():
    # A code, which only the owner can give: sign-in details could be answered before the next line is read.
    ask(1, "otp")
    say({"type": "PROGRESS", "message": "still here"})
    hear()
    finish()


def credentials_twice():
    ask(1)
    hear()
    ask(2)
    hear()
    error = {"code": "asked_twice", "message": "the second answer came", "retryable": False}
    done("failed", error=error)
    while sys.stdin.buffer.readline():
        pass
    sys.exit(1)


def leak_secret():
    ask(1)
    token = ((hear() or {}).get("data") or {}).get("token", "")
    print(f"debug: the token is {token}", file=sys.stderr, flush=True)
    identity()
    finish()


def fork_bomb():
    made = 0
    for _ in range(500):
        try:
            child = os.fork()
        except OSError:
            break
        if child == 0:
            # Each child ends by itself after 30 seconds, contained or not.
            signal.alarm(30)
            wait_forever()
        made += 1
    say({"type": "PROGRESS", "message": f"made {made} processes", "count": made})
    wait_forever()


def grandchild():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.alarm(60)
            wait_forever()
        os._exit(0)
    os.wait()
    say({"type": "PROGRESS", "message": "left a grandchild"})
    finish()


def read_others():
    identity()
    for path in os.environ.get("PROBE_PATHS", "").splitlines():
        probe(f"read {path}", lambda path=path: os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(64))
    others = [entry for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != os.getpid()] if os.path.isdir("/proc") else []
    for pid in others[:64]:
        probe(f"environ {pid}", lambda pid=pid: len(open(f"/proc/{pid}/environ", "rb").read()))
    probe("write beside the program", lambda: open("planted", "w").close())
    record("probes", "variables", {"id": "variables", "outcome": "reached", "detail": " ".join(sorted(os.environ))})
    finish()


def find_server():
    identity()

    def connect(family, address):
        with socket.socket(family, socket.SOCK_STREAM) as attempt:
            attempt.settimeout(5)
            attempt.connect(address)
        return "connected"

    for path in os.environ.get("PROBE_PATHS", "").splitlines():
        probe(f"socket {path}", lambda path=path: connect(socket.AF_UNIX, path))
    port = int(os.environ.get("PROBE_PORT") or 1)
    probe("port", lambda: connect(socket.AF_INET, ("127.0.0.1", port)))
    finish()


def ignore_sigterm():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    say({"type": "PROGRESS", "message": "deaf"})
    wait_forever()


def stays_after_done():
    identity()
    done()
    wait_forever()


def crash():
    identity()
    item(1)
    say({"type": "STATE", "stream": "items", "cursor": {"last": 1}})
    raise RuntimeError("as it was told to")


def state_before_identity():
    say({"type": "STATE", "stream": "items", "cursor": {"last": 3}})
    identity()
    finish()


def other_identity():
    identity("somebody else")
    item(1)
    finish()


def no_identity():
    item(1)
    finish()


def eat_memory():
    kept = []
    for step in range(1, 33):
        kept.append(bytearray(os.urandom(1 << 20)) * 32)
        say({"type": "PROGRESS", "message": "eating", "count": step * 32, "total": 1024})
    identity()
    finish()


def fill_disk():
    with open(os.path.join(os.environ.get("TMPDIR", "/tmp"), "filler"), "wb") as filler:
        for _ in range(256):
            filler.write(b"x" * (1 << 20))
    identity()
    finish()


def flood():
    line = b'{"type":"PROGRESS","message":"' + b"x" * 4000 + b'"}\n'
    for _ in range(500_000):
        OUT.write(line)
    finish()


SINS = {
    "none": behave,
    "silence": wait_forever,
    "wrong_exit": lambda: (identity(), finish(3)),
    "exit_early": lambda: sys.exit(0),
}

if __name__ == "__main__":
    start = hear()
    if not start or start.get("type") != "START":
        sys.exit(2)
    scope.update(target["name"] for target in start["scope"]["streams"])
    sin = os.environ.get("SIN") or "none"
    (SINS.get(sin) or globals()[sin])()
