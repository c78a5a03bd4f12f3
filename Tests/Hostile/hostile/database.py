"""A private PostgreSQL outside of the server's limit of memory."""

import os
import pathlib
import pwd
import subprocess


def binaries() -> pathlib.Path:
    if own := os.environ.get("PG_BINDIR"):
        return pathlib.Path(own)
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))
    if not found:
        raise SystemExit("PostgreSQL's server binaries are missing: install postgresql")
    return found[-1]


class Cluster:
    """A PostgreSQL on a Unix socket below a directory. Commits are durable, as in production."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory / "postgresql"
        self.directory.mkdir()
        self.bin = binaries()
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(self.directory, account.pw_uid, account.pw_gid)
        self.run("initdb", "-D", f"{self.directory}/data", "-U", "postgres", "-A", "trust", "--no-sync")
        settings = {
            "listen_addresses": "''", "unix_socket_directories": f"'{self.directory}'", "shared_buffers": "256MB",
            "max_wal_size": "4GB", "checkpoint_timeout": "30min",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self.run("pg_ctl", "-D", f"{self.directory}/data", "-w", "-l", f"{self.directory}/log", "-o", options, "start")

    def run(self, program: str, *arguments: str) -> None:
        command = [str(self.bin / program), *arguments]
        if self.user:
            command = ["runuser", "-u", self.user, "--", *command]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, cwd="/tmp")
        if done.returncode != 0:
            raise SystemExit(f"{program} failed:\n{done.stderr[-2000:]}")

    @property
    def url(self) -> str:
        return f"host={self.directory} user=postgres dbname=postgres"

    def stop(self) -> None:
        self.run("pg_ctl", "-D", f"{self.directory}/data", "-w", "-m", "immediate", "stop")
