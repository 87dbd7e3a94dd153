"""The system calls that a box may not make, as a program for the kernel's filter.

    assemble("x86_64")  →  b" \x00\x00\x00\x04\x00\x00\x00…", which bwrap reads from a descriptor

A denied call fails with EPERM, as for a user without rights. The other calls are allowed: the box's programs are
Debian's, and what they may reach is decided by namespaces, capabilities and limits. This list holds what these leave
open.
"""

import errno
import struct
from collections.abc import Iterator
from typing import NamedTuple

# A call's number on x86_64 and on aarch64; -1 where there is none.
DENIED = {
    # The kernel's keys and programs.
    "add_key": (248, 217),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "request_key": (249, 218),
    # Mounts, roots and namespaces.
    "chroot": (161, 51),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "pivot_root": (155, 41),
    "setns": (308, 268),
    "umount2": (166, 39),
    "unshare": (272, 97),
    # Files by handle, and watching a whole file system.
    "fanotify_init": (300, 262),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    # Memory that no file system and no process limit counts.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "msgget": (68, 186),
    "semget": (64, 190),
    "shmget": (29, 194),
    "vmsplice": (278, 75),
    # Large and often broken parts of the kernel.
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "lookup_dcookie": (212, 18),
    "modify_ldt": (154, -1),
    "nfsservctl": (180, 42),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "uselib": (134, -1),
    "userfaultfd": (323, 282),
    # Other processes.
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    # Where memory lies.
    "get_mempolicy": (239, 236),
    "mbind": (237, 235),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "set_mempolicy": (238, 237),
    # The machine.
    "acct": (163, 89),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "init_module": (175, 105),
    "ioperm": (173, -1),
    "iopl": (172, -1),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "vhangup": (153, 58),
}
SPECIAL = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "ioctl": (16, 29),
    "prlimit64": (302, 261),
    "socket": (41, 198),
}

# Unix, IPv4, IPv6 and netlink. Others, such as vsock, are not shut in by a network namespace.
FAMILIES = (1, 2, 10, 16)
# TIOCSTI and TIOCLINUX put characters into a terminal's input.
TERMINAL_INPUT = (0x5412, 0x541C)
# Every CLONE_NEW flag but the time namespace's, which only unshare takes.
NEW_NAMESPACES = 0x7E020000
ANY_NUMBER = 0xFFFFFFFF


class Machine(NamedTuple):
    """A processor as the filter knows it: its audit number, the column of the tables, the bit of a second ABI."""

    audit: int
    column: int
    other_abi: int


MACHINES = {"x86_64": Machine(0xC000003E, 0, 0x40000000), "aarch64": Machine(0xC00000B7, 1, 0)}

# Classic BPF: load a word of the call's data; compare; return.
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
ALLOW, FAIL = 0x7FFF0000, 0x00050000

Instruction = tuple[int, int, int, int]


def assemble(machine: str) -> bytes:
    """The filter's program for a processor, named as by `uname -m`."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in _list_instructions(MACHINES[machine]))


def _list_instructions(machine: Machine) -> Iterator[Instruction]:
    deny, missing = (RETURN, 0, 0, FAIL | errno.EPERM), (RETURN, 0, 0, FAIL | errno.ENOSYS)
    yield LOAD, 0, 0, ARCHITECTURE
    yield EQUAL, 1, 0, machine.audit
    yield deny
    yield LOAD, 0, 0, NUMBER
    if machine.other_abi:
        yield AT_LEAST, 0, 1, machine.other_abi
        yield deny
    for number in sorted(numbers[machine.column] for numbers in DENIED.values()):
        if number >= 0:
            yield EQUAL, 0, 1, number
            yield deny
    # glibc uses clone where clone3, whose flags lie in memory that a filter cannot read, does not exist.
    yield EQUAL, 0, 1, SPECIAL["clone3"][machine.column]
    yield missing
    yield from _check("clone", machine, FIRST_ARGUMENT, [(ANY_BIT, NEW_NAMESPACES)], deny)
    yield from _check("ioctl", machine, SECOND_ARGUMENT, [(EQUAL, value) for value in TERMINAL_INPUT], deny)
    # A process has its own limits by the number 0; by another it would set those of PID 1, whose user is the same.
    yield from _check("prlimit64", machine, FIRST_ARGUMENT, [(ANY_BIT, ANY_NUMBER)], deny)
    yield EQUAL, 0, 2 + len(FAMILIES), SPECIAL["socket"][machine.column]
    yield LOAD, 0, 0, FIRST_ARGUMENT
    for at, family in enumerate(FAMILIES):
        yield EQUAL, len(FAMILIES) - at, 0, family
    yield deny
    yield RETURN, 0, 0, ALLOW


def _check(
    call: str, machine: Machine, argument: int, tests: list[tuple[int, int]], deny: Instruction
) -> Iterator[Instruction]:
    """Deny a call whose argument passes any of the tests."""
    yield EQUAL, 0, 2 + 2 * len(tests), SPECIAL[call][machine.column]
    yield LOAD, 0, 0, argument
    for test, value in tests:
        yield test, 0, 1, value
        yield deny
    yield RETURN, 0, 0, ALLOW
