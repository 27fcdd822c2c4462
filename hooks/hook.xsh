# escenv's hook for xonsh. It starts no process while nothing changes.

def __escenv_install():
    import json
    import os
    import subprocess
    import sys
    import time

    xsh = __xonsh__
    program = @ESCENV@
    seen = {}  # what escenv has said to compare: state, file, stamp, ...
    saved = {}  # what variables were before
    registered = set()  # names that xonsh would otherwise give a type
    nearer = []  # where a nearer .escenv would be
    mine = {"pwd": None, "due": None, "warned": False}

    def is_(path, stamp):
        """Whether the file is as escenv has read it, to the nanosecond."""
        try:
            return os.stat(path).st_mtime_ns == int(os.path.basename(stamp))
        except (OSError, ValueError):
            return False

    def fresh():
        if not seen.get("file"):
            return True
        if not is_(seen["file"], seen["stamp"]) or not is_(seen["generation"], seen["generation_stamp"]):
            return False
        # A clock that went back is as good a reason as one that went on.
        return mine["due"] is None or 0 < mine["due"] - time.time() <= int(seen["wait"])

    def look():
        """Looks upward for the nearest .escenv."""
        del nearer[:]
        at = xsh.env.get("PWD", "/").rstrip("/")
        while not os.path.isfile(at + "/.escenv"):
            nearer.append(at + "/.escenv")
            if not at:
                return ""
            at = at.rpartition("/")[0]
        return at + "/.escenv"

    def export(name, value):
        # A name such as X_PATH would be a list to xonsh, with its ~ expanded.
        xsh.env.register(name, type="str", default=value)
        registered.add(name)
        xsh.env[name] = value

    def unset(name):
        if name in registered:
            xsh.env.deregister(name)
            registered.discard(name)
        if name in xsh.env._d:
            del xsh.env[name]

    def restore(name):
        unset(name)
        if name in saved:
            xsh.env[name] = saved.pop(name)

    def apply(change):
        op, name = change["op"], change["name"]
        if op == "set":
            seen[name[len("__escenv_"):]] = change["value"]
        elif op == "export":
            export(name, change["value"])
        elif op == "unset":
            unset(name)
        elif op == "save" and name in xsh.env._d:
            saved[name] = xsh.env._d[name]
        elif op == "restore":
            restore(name)
        elif op == "forget":
            saved.pop(name, None)

    def gone(found):
        """Says once that escenv is not there any more, and leaves no credentials
        in a directory they are not for."""
        if found != seen.get("file", ""):
            names = str(xsh.env.get("ESCENV_VARS", "")).split(":")
            for name in names + ["ESCENV_ENV", "ESCENV_VARS", "ESCENV_EXPIRES", "ESCENV_FILE"]:
                unset(name)
            seen.clear()
        mine["pwd"] = xsh.env.get("PWD")
        if not mine["warned"]:
            mine["warned"] = True
            print("escenv: error: " + program + " is gone", file=sys.stderr)
            print("escenv: hint: install it again, or take its hook out of your .xonshrc", file=sys.stderr)

    def change():
        found = look()
        if found == seen.get("file", "") and (found or "ESCENV_FILE" not in xsh.env) and fresh():
            mine["pwd"] = xsh.env.get("PWD")
            return
        if not os.access(program, os.X_OK):
            gone(found)
            return
        mine["pwd"] = None  # should Ctrl-C end it here, the next prompt tries again
        environ = dict(xsh.env.detype(), __ESCENV_STATE=seen.get("state", ""), __ESCENV_SHELL=str(os.getpid()))
        run = subprocess.run([program, "export", "xonsh"], stdout=subprocess.PIPE, env=environ, check=False)
        if run.returncode < 0 or run.returncode >= 126:  # it was killed
            return
        for line in run.stdout.splitlines():
            apply(json.loads(line))
        mine["due"] = time.time() + int(seen["wait"]) - 1 if seen.get("wait") else None  # rather too early
        mine["pwd"] = xsh.env.get("PWD")
        look()

    def update(**_):
        """Runs at each prompt and after each cd: returns at once if nothing has
        changed since the last look."""
        try:
            if mine["pwd"] != xsh.env.get("PWD") or any(map(os.path.isfile, nearer)) or not fresh():
                change()
        except KeyboardInterrupt:
            pass

    update.__name__ = update.__qualname__ = "__escenv_update"
    if not any(f.__name__ == "__escenv_update" for f in events.on_chdir):
        events.on_pre_prompt_format(update)  # a prompt may show what is loaded
        events.on_chdir(update)
    xsh.env["ESCENV_HOOK"] = "xonsh:" + str(os.getpid())  # so that "escenv status" knows


__escenv_install()
del __escenv_install
