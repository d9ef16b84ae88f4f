"""An FTP server (RFC 959, RFC 3659) of a test's own, on the folder of a test: what fsspec reads over a real wire without a driver."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

PATIENCE = 60.0
MISSING = "550 No such file or directory"


class FtpServer(socketserver.ThreadingTCPServer):
    """Serves a folder to read. It asks for `password` if it is given; the next `cuts` transfers end in the middle, and the connection with
    them; `before` is called before each transfer."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, folder: Path, password: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.folder, self.password = folder, password
        self.cuts, self.retrieved = 0, list[str]()
        self.replaced_by: dict[str, bytes] = {}  # what a file is replaced by once its first bytes were sent

    @property
    def url(self) -> str:
        return f"ftp://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may leave at any time."""


@contextmanager
def serving(folder: Path, password: str = "") -> Iterator[FtpServer]:
    with FtpServer(folder, password) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="ftp")
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Session(socketserver.StreamRequestHandler):
    server: FtpServer

    def handle(self) -> None:
        # What aborts a transfer comes as urgent data.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        self.passive: socket.socket | None = None
        self.offset, self.allowed = 0, not self.server.password
        with suppress(ConnectionError):
            self.say("220 ready")
            while line := self.rfile.readline():
                word, _, value = line.decode().strip().lstrip("\xff\xf4\xf2").partition(" ")
                if word.upper() == "QUIT":
                    self.say("221 bye")
                    break
                self.obey(word.upper(), value)

    def finish(self) -> None:
        if self.passive is not None:
            self.passive.close()
        with suppress(ConnectionError):
            super().finish()

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def obey(self, word: str, value: str) -> None:
        if word == "USER":
            self.say("331 password, please")
        elif word == "PASS":
            self.allowed = self.server.password in ("", value)
            self.say("230 come in" if self.allowed else "530 Login incorrect")
        elif not self.allowed:
            self.say("530 Please log in")
        elif word == "PASV":
            if self.passive is not None:
                self.passive.close()
            self.passive = socket.create_server(("127.0.0.1", 0))
            self.passive.settimeout(PATIENCE)
            port = self.passive.getsockname()[1]
            self.say(f"227 Entering Passive Mode (127,0,0,1,{port >> 8},{port & 255})")
        elif word == "REST":
            self.offset = int(value)
            self.say("350 from there")
        elif word in ("RETR", "MLSD"):
            self.transfer(word, self.server.folder / value.lstrip("/"))
        elif word in ("TYPE", "ABOR", "NOOP"):
            self.say("226 done" if word == "ABOR" else "200 done")
        else:
            self.say("502 not here")

    def transfer(self, word: str, path: Path) -> None:
        offset, self.offset = self.offset, 0
        assert self.passive is not None
        with self.passive as listening:
            self.passive = None
            if not (path.is_dir() if word == "MLSD" else path.is_file()):
                self.say(MISSING)
                return
            self.say("150 here it comes")
            connection, _ = listening.accept()
        with connection:
            data = b"".join(_facts(one) for one in sorted(path.iterdir())) if word == "MLSD" else path.read_bytes()
            if word == "RETR":
                self.server.retrieved.append(path.name)
                if self.server.cuts > 0:
                    self.server.cuts -= 1
                    connection.sendall(data[offset : offset + 10])
                    self.request.shutdown(socket.SHUT_RDWR)
                    return
                if path.name in self.server.replaced_by:
                    path.write_bytes(self.server.replaced_by.pop(path.name))
            try:
                connection.sendall(data[offset:])
            except ConnectionError:
                self.say("426 aborted")
                return
        self.say("226 done")


def _facts(path: Path) -> bytes:
    status = path.stat()
    at = datetime.fromtimestamp(status.st_mtime, UTC).strftime("%Y%m%d%H%M%S")
    kind = "dir" if path.is_dir() else "file"
    return f"type={kind};size={status.st_size};modify={at}; {path.name}\r\n".encode()
