"""The first code that runs in a sandbox: closes it from within, then runs the source it was given.

Handed by `sandbox` as text to a fresh `python -I -S -B -c`, with a JSON object of settings and the
source to run as its two arguments. Knows nothing of liftmap: inside there is no liftmap. For
`unshare` it makes the namespaces and the new root first; for `bubblewrap` they are there already.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from typing import Any

NEW_MOUNTS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEW_USER, NEW_PIDS, NEW_NET = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
SET_PARENT_DEATH_SIGNAL, SET_DUMPABLE, SET_SECCOMP, SET_NO_NEW_PRIVILEGES = 1, 4, 22, 38
# Free for a mount of our own; the first that holds nothing that the sandbox needs.
PLACES = ("/mnt", "/media", "/srv", "/tmp")

# System calls that no answer to a question needs, refused as a second wall: (x86_64, aarch64).
REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsmount": (432, 432), "mount_setattr": (442, 442), "open_by_handle_at": (304, 265),
    "unshare": (272, 97), "setns": (308, 268), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "init_module": (175, 105), "finit_module": (313, 273),
    "kexec_load": (246, 104), "syslog": (103, 116), "reboot": (169, 142),
    # Memory that the limit on a process's address space does not count.
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
}  # fmt: skip
# (AUDIT_ARCH, column of REFUSED, clone, clone3, socket)
MACHINES = {
    "x86_64": (0xC000003E, 0, 56, 435, 41),
    "aarch64": (0xC00000B7, 1, 220, 435, 198),
}


def main() -> None:
    """Enters the sandbox and runs the source in it."""
    settings, source = json.loads(sys.argv[1]), sys.argv[2]
    sys.argv = [""]
    if settings["how"] == "unshare":
        enter_namespaces(settings)
    set_limits(settings["limits"])
    if settings["how"] != "none":
        give_up_privileges(settings["uid"])
        filter_system_calls()
    os.write(1, settings["started"].encode())
    exec(compile(source, "<inside>", "exec", dont_inherit=True), {"__name__": "__main__"})


def call(function: str, *arguments: Any) -> None:
    """A function of the C library that returns -1 on failure; raises OSError then."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, function)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def process_control(option: int, value: Any, more: Any = 0) -> None:
    """The prctl system call."""
    long = ctypes.c_ulong
    call("prctl", option, long(value), more or long(0), long(0), long(0))


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """The mount system call."""
    words = [word.encode() for word in (source, target, kind)]
    try:
        call("mount", *words, ctypes.c_ulong(flags), data.encode())
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} ({target})") from None


def enter_namespaces(settings: dict[str, Any]) -> None:
    """Returns as process 1 of new namespaces, with a root of its own; the caller waits outside."""
    process_control(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    flags = NEW_MOUNTS | NEW_CGROUP | NEW_UTS | NEW_IPC | NEW_PIDS | NEW_NET
    if os.getuid() == 0:
        call("unshare", flags)
    else:
        user, group = os.getuid(), os.getgid()
        call("unshare", flags | NEW_USER)
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"65534 {user} 1"),
            ("gid_map", f"65534 {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)
    process_control(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    enter_root(settings)


def enter_root(settings: dict[str, Any]) -> None:
    """Makes a root that holds what Python needs, read-only, and a small /tmp; goes into it."""
    shown, links, devices = settings["shown"], settings["links"], settings["devices"]
    inside = [*shown, *devices]
    root = next(
        p
        for p in PLACES
        if os.path.isdir(p) and not any(f"{s}/".startswith(f"{p}/") for s in inside)
    )
    with open("/proc/self/mountinfo") as file:
        points = [line.split()[4].encode().decode("unicode_escape") for line in file]
    mount("none", "/", "", RECURSIVE | PRIVATE)
    mount("root", root, "tmpfs", NO_SUID | NO_DEVICES, "size=1m,nr_inodes=1k,mode=755")
    os.mkdir(f"{root}/tmp")
    small = f"size={settings['limits']['tmp']},nr_inodes=4k,mode=1777"
    mount("tmp", f"{root}/tmp", "tmpfs", NO_SUID | NO_DEVICES, small)
    for path, target in links.items():
        os.symlink(target, root + path)
    for path in inside:
        place = root + path
        if os.path.isdir(path):
            os.makedirs(place, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w"):
                pass
        mount(path, place, "", BIND | RECURSIVE)
        for point in {path, *(p for p in points if p.startswith(f"{path}/"))}:
            # Flags that an outer user namespace has locked must be said again.
            kept = os.statvfs(root + point).f_flag & (NO_SUID | NO_DEVICES | NO_EXEC)
            closed = 0 if path in devices else NO_DEVICES
            flags = BIND | REMOUNT | READ_ONLY | NO_SUID | closed | kept
            mount("none", root + point, "", flags)
    for path in settings["hidden"]:
        mount("none", root + path, "tmpfs", READ_ONLY | NO_SUID | NO_DEVICES, "size=4k")
    mount("none", root, "", BIND | REMOUNT | READ_ONLY | NO_SUID | NO_DEVICES)
    os.chroot(root)
    os.chdir("/tmp")


def set_limits(limits: dict[str, Any]) -> None:
    """Limits of each process; the number of processes is one of the user in this sandbox."""
    for name, value in (
        ("AS", limits["memory"]),
        ("CPU", limits["cpu"]),
        ("FSIZE", limits["file"]),
        ("NPROC", limits["processes"]),
        ("NOFILE", limits["files"]),
        ("CORE", 0),
        ("MEMLOCK", 0),
        ("MSGQUEUE", 0),
        ("SIGPENDING", 64),
    ):
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is None:
            continue
        most = resource.getrlimit(kind)[1]
        bound = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(kind, (bound, bound))


def give_up_privileges(uid: int) -> None:
    """Becomes a user without privileges for good, whom no process inside may look into."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    else:
        # The creator of a user namespace has all capabilities in it; version 3, empty sets.
        call("capset", struct.pack("Ii", 0x20080522, 0), bytes(24))
    process_control(SET_NO_NEW_PRIVILEGES, 1)
    process_control(SET_DUMPABLE, 0)
    process_control(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def filter_system_calls() -> None:
    """Refuses what no answer needs; on machines of another kind the first wall stands alone."""
    machine = os.uname().machine
    if machine not in MACHINES:
        return
    audit, column, clone, clone3, socket = MACHINES[machine]
    load, equal, above, any_bit, end = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse, unknown = 0x7FFF0000, 0x50001, 0x50026
    # Instructions of classic BPF: code, jump if true, jump if false, operand.
    program = [(load, 0, 0, 4), (equal, 1, 0, audit), (end, 0, 0, refuse), (load, 0, 0, 0)]
    # The x32 interface of x86_64 has the same calls under other numbers.
    program += [(above, 0, 1, 0x40000000), (end, 0, 0, refuse)]
    program += [(equal, 0, 1, clone3), (end, 0, 0, unknown)]
    for numbers in REFUSED.values():
        program += [(equal, 0, 1, numbers[column]), (end, 0, 0, refuse)]
    spaces = NEW_MOUNTS | NEW_CGROUP | NEW_UTS | NEW_IPC | NEW_USER | NEW_PIDS | NEW_NET
    program += [
        (equal, 0, 3, clone),
        (load, 0, 0, 16),
        (any_bit, 0, 5, spaces),
        (end, 0, 0, refuse),
    ]
    # Only sockets of the Unix family: others, as a virtual machine's way to its host, may
    # not be bound to a network namespace.
    program += [(equal, 0, 3, socket), (load, 0, 0, 16), (equal, 1, 0, 1), (end, 0, 0, refuse)]
    program += [(end, 0, 0, allow)]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    held = ctypes.create_string_buffer(code)
    filters = struct.pack("HxxxxxxP", len(program), ctypes.addressof(held))
    process_control(SET_SECCOMP, 2, ctypes.create_string_buffer(filters))


if __name__ == "__main__":
    main()
