"""S3-compatible servers on loopback, and a proxy that takes one away for a while."""

import itertools
import os
import socket
import subprocess
import sys
import threading
import time

import server as program

KEYS = ("tidegate-test", "tidegate-test-secret")
REGION = "us-east-1"


ports = itertools.count(10_000 + os.getpid() % 400 * 20)


def free_port():
    """One below those that the system hands out by itself, to servers that ask for any and to every
    connection that a client makes: it stays free while nobody listens."""
    for port in ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Store:
    """An S3-compatible server as a process."""

    def __init__(self, name, command, port):
        self.port = port
        self.log_path = os.path.join(program.WORK, f"{name}.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        program.running.add(self.process)
        end = time.monotonic() + program.PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, self.log()
                time.sleep(0.05)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()[-3000:]

    def stop(self):
        self.process.kill()
        self.process.wait(program.PATIENCE_S)
        program.running.discard(self.process)


def moto():
    """Keeps objects in its memory."""
    port = free_port()
    return Store("moto", [sys.executable, __file__, str(port)], port)


def rclone(folder):
    """Keeps objects as files: `folder` has a folder for each bucket."""
    port = free_port()
    binary = os.path.join(os.path.dirname(sys.executable), "rclone")
    command = [binary, "serve", "s3", "--addr", f"127.0.0.1:{port}", folder]
    command += ["--auth-key", ",".join(KEYS), "--config", "/dev/null"]
    return Store("rclone", command, port)


def environment(port):
    """For a Tidegate that uses such a server."""
    return {
        "AWS_ACCESS_KEY_ID": KEYS[0],
        "AWS_SECRET_ACCESS_KEY": KEYS[1],
        "AWS_REGION": REGION,
        "AWS_ENDPOINT": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
    }


def client(port):
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id=KEYS[0],
        aws_secret_access_key=KEYS[1],
    )


class Proxy:
    """Hands bytes on to a port, unless it is down: then nobody listens, and what was connected is
    cut."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.lock = threading.Lock()
        self.listener = None
        self.connections = set()
        self.up()

    def up(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self.listener = listener
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def down(self):
        with self.lock:
            listener, self.listener = self.listener, None
            cut, self.connections = self.connections, set()
        # Without this a thread that waits in accept() would take one more.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in cut:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self, listener):
        while True:
            try:
                here, _ = listener.accept()
                there = socket.create_connection(("127.0.0.1", self.target), 10)
            except OSError:
                return
            there.settimeout(None)
            with self.lock:
                if self.listener is not listener:
                    here.close()
                    there.close()
                    return
                self.connections |= {here, there}
            for source, sink in [(here, there), (there, here)]:
                arguments = (source, sink)
                threading.Thread(target=self.hand_on, args=arguments, daemon=True).start()

    def hand_on(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            self.connections -= {source, sink}


def serve_moto(port):
    """moto's own server, with one thing added: it looks whether an object exists and stores it in
    two steps, and between them a second request could slip through that should be refused."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, run_simple

    application = DomainDispatcherApplication(create_backend_app)
    creating = threading.Lock()

    def one_creates(environ, start_response):
        if environ["REQUEST_METHOD"] != "PUT":
            return application(environ, start_response)
        with creating:
            return list(application(environ, start_response))

    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    WSGIRequestHandler.log_request = lambda *_: None
    run_simple("127.0.0.1", port, one_creates, threaded=True)


if __name__ == "__main__":
    serve_moto(int(sys.argv[1]))
