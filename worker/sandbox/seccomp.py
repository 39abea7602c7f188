"""seccomp: system calls that counting pixels never needs are refused from here on.

The filter is made by libseccomp (every Debian has it: apt needs it), which knows the numbers of
the calls on each architecture.
"""

import ctypes
import errno
import os
from functools import cache
from pathlib import Path

_LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_FAIL_WITH = 0x00050000  # plus the error's number
_NOT_EQUAL, _MASKED_EQUAL = 1, 7
_CLONE_THREAD = 0x00010000  # from <linux/sched.h>

REFUSED = (
    # other programs and processes
    *("execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp"),
    # the network; sockets that are open stay usable
    *("socket", "connect", "bind", "listen", "accept", "accept4"),
    # doors into the kernel that only few programs need
    *("io_uring_setup", "bpf", "userfaultfd", "perf_event_open", "add_key", "keyctl"),
    *("request_key", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot"),
    *("open_by_handle_at", "init_module", "finit_module", "delete_module", "kexec_load"),
    *("mknod", "mknodat", "shmget", "msgget", "semget", "mq_open"),
)


class _Condition(ctypes.Structure):
    """`struct scmp_arg_cmp`: one argument of a call compared with a number."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def is_there() -> bool:
    """Whether the library can be loaded and the kernel takes filters."""
    try:
        load_library()
    except OSError:
        return False
    return Path("/proc/sys/kernel/seccomp").exists()


def restrict() -> None:
    """Refuse the calls with "not permitted"; the process needs `no_new_privs` and one thread.

    Raises:
        OSError: there is no libseccomp, or the kernel refuses the filter.
    """
    library = load_library()
    rules = library.seccomp_init(_ALLOW)
    if not rules:
        raise OSError(errno.ENOMEM, "seccomp_init")
    try:
        for name in REFUSED:
            _refuse(library, rules, name, errno.EPERM)
        # A new process is a clone without this flag; a new thread has it.
        no_thread = _Condition(0, _MASKED_EQUAL, _CLONE_THREAD, 0)
        _refuse(library, rules, "clone", errno.EPERM, no_thread)
        # Its flags lie in memory, where a filter cannot look; the C library falls back to clone.
        _refuse(library, rules, "clone3", errno.ENOSYS)
        _refuse(library, rules, "tgkill", errno.EPERM, _Condition(0, _NOT_EQUAL, os.getpid(), 0))
        _check("seccomp_load", library.seccomp_load(rules))
    finally:
        library.seccomp_release(rules)


@cache
def load_library() -> ctypes.CDLL:
    library = ctypes.CDLL(_LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    library.seccomp_rule_add_array.argtypes = [
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint),
        ctypes.POINTER(_Condition),
    ]
    return library


def _refuse(
    library: ctypes.CDLL, rules: int, name: str, number: int, *conditions: _Condition
) -> None:
    call = library.seccomp_syscall_resolve_name(name.encode())
    if call == -1:
        raise OSError(errno.ENOSYS, f"libseccomp does not know {name}")
    added = library.seccomp_rule_add_array(
        rules,
        _FAIL_WITH | number,
        call,
        len(conditions),
        (_Condition * len(conditions))(*conditions),
    )
    # A call that the architecture does not have cannot be made there.
    if added != -errno.EDOM:
        _check(f"seccomp_rule_add({name})", added)


def _check(call: str, result: int) -> None:
    if result < 0:
        raise OSError(-result, f"{call}: {os.strerror(-result)}")
