"""Limits of memory for the server and of processor time for the attackers, by what the machine has: control groups of
version 2 or 1, systemd, or a watchdog of our own."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

GROUPS = pathlib.Path("/sys/fs/cgroup")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def own_groups() -> dict[str, str]:
    """The control groups of this process: the path by controller; version 2 has the empty name."""
    groups = {}
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def make_group(controller: str) -> tuple[pathlib.Path, int] | None:
    """Makes a child of this process's own group, and returns it with the version; None where that is not possible."""
    with contextlib.suppress(OSError):
        groups = own_groups()
        name = f"verdict-hostile-{os.getpid()}-{controller}"
        if controller in groups:
            parent = GROUPS / controller / groups[controller].lstrip("/")
            version = 1
        elif "" in groups and (GROUPS / "cgroup.controllers").exists():
            parent = GROUPS / groups[""].lstrip("/")
            version = 2
            if controller not in (parent / "cgroup.controllers").read_text().split():
                return None
            if controller not in (parent / "cgroup.subtree_control").read_text().split():
                (parent / "cgroup.subtree_control").write_text(f"+{controller}")
        else:
            return None
        group = parent / name
        group.mkdir()
        return group, version
    return None


def remove_group(group: pathlib.Path) -> None:
    for _ in range(50):
        try:
            group.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.1)


def resident(pid: int) -> int:
    """The resident bytes of a process; 0 if it has ended."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError, ValueError):
        return 0


def processor_seconds(pid: int) -> float:
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    except (OSError, IndexError, ValueError):
        return 0


def told(bytes_: int) -> list[str] | None:
    """The prefix of a command that finds its limit of memory where programs look for it, in `memory.max` of a control
    group of version 2: in a private mount, as in a container. None where such a mount is not possible."""
    script = f'mount -t tmpfs verdict-hostile {GROUPS} && echo {bytes_} >{GROUPS}/memory.max && exec "$@"'
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return None
    tried = subprocess.run([*prefix, "true"], stdin=subprocess.DEVNULL, capture_output=True)
    return prefix if tried.returncode == 0 else None


class MemoryLimit:
    """A limit of memory for one process at a time. `means` names how it is held."""

    def __init__(self, bytes_: int):
        self.bytes = bytes_
        self.group = None
        self.prefix: list[str] = []
        self.watched: subprocess.Popen | None = None
        self.stopped = threading.Event()
        made = make_group("memory")
        if made:
            self.group, self.version = made
            limit, swap = ("memory.max", "memory.swap.max") if self.version == 2 else (
                "memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
            (self.group / limit).write_text(str(bytes_))
            with contextlib.suppress(OSError):
                (self.group / swap).write_text(str(0 if self.version == 2 else bytes_))
            self.means = f"control group, version {self.version}"
        elif os.geteuid() == 0 and shutil.which("systemd-run") and os.path.isdir("/run/systemd/system"):
            self.prefix = ["systemd-run", "--scope", "--quiet", "--collect", "-p", f"MemoryMax={bytes_}",
                           "-p", "MemorySwapMax=0", "--"]
            self.version = 2
            self.means = "systemd-run"
        else:
            self.version = 0
            self.means = "watchdog of the resident size"
            threading.Thread(target=self.watch, daemon=True).start()
        # Whether the process can read its limit where programs look for it.
        self.is_seen_by_the_server = self.version == 2
        if self.version != 2 and (prefix := told(bytes_)):
            self.prefix, self.is_seen_by_the_server = prefix, True

    def enter(self) -> None:
        """Moves the calling process into the group: between fork and exec of the server."""
        if self.group is not None:
            (self.group / "cgroup.procs").write_text(str(os.getpid()))

    def watch(self) -> None:
        while not self.stopped.wait(0.01):
            process = self.watched
            if process is not None and process.poll() is None and resident(process.pid) > self.bytes:
                process.kill()

    def close(self) -> None:
        self.stopped.set()
        if self.group is not None:
            remove_group(self.group)


class ProcessorLimit:
    """A share of one core for a set of processes together: a control group, or pauses by SIGSTOP."""

    def __init__(self, share: float):
        self.share = share
        self.group = None
        self.stopped = threading.Event()
        self.pids: list[int] = []
        made = make_group("cpu")
        if made:
            self.group, version = made
            quota = int(100_000 * share)
            if version == 2:
                (self.group / "cpu.max").write_text(f"{quota} 100000")
            else:
                (self.group / "cpu.cfs_period_us").write_text("100000")
                (self.group / "cpu.cfs_quota_us").write_text(str(quota))
            self.means = f"control group, version {version}"
        else:
            self.means = "pauses"
            threading.Thread(target=self.pace, daemon=True).start()

    def add(self, pid: int) -> None:
        if self.group is not None:
            with contextlib.suppress(OSError):
                (self.group / "cgroup.procs").write_text(str(pid))
        else:
            self.pids.append(pid)

    def remove(self, pid: int) -> None:
        """Lets a process that is about to end run freely."""
        if self.group is None and pid in self.pids:
            self.pids.remove(pid)
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGCONT)

    def pace(self) -> None:
        """Stops all processes while they have had more than their share of the last half second."""
        used, since, paused = 0.0, time.monotonic(), False
        while not self.stopped.wait(0.02):
            now = time.monotonic()
            pids = list(self.pids)
            total = sum(processor_seconds(pid) for pid in pids)
            if not pids or now - since > 0.5 and not paused:
                used, since = total, now
            over = total - used > self.share * max(now - since, 0.1)
            if over != paused:
                for pid in pids:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGSTOP if over else signal.SIGCONT)
                paused = over

    def close(self) -> None:
        self.stopped.set()
        for pid in list(self.pids):
            self.remove(pid)
        if self.group is not None:
            remove_group(self.group)
