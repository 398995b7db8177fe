"""Two imgsrv nodes on one PostgreSQL and one S3 store, behind an nginx, as sites run them."""
import pathlib
import shutil
import signal
import subprocess
import tempfile

from harness import pair
from harness.client import LOST, Client
from harness.imgsrv import Server
from harness.ports import free_port
from harness.waiting import wait_until

# When a node dies during a request, the balancer has nothing to pass on and tells the client to try again.
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 0; proxy_request_buffering off; proxy_buffering off; proxy_http_version 1.1;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_connect_timeout 2s; proxy_read_timeout 120s;
  upstream nodes {{ {nodes} }}
  server {{
    listen {address};
    location / {{
      proxy_pass http://nodes; proxy_set_header Host $http_host; proxy_set_header Connection "";
      proxy_next_upstream error timeout;
      error_page 502 504 = @away;
    }}
    location @away {{ add_header Retry-After 1 always; return 503; }}
  }}
}}
"""


class Cluster:
    """Looks like one server to clients, who see the balancer. A context manager."""

    def __init__(self, observe):
        self.observe = observe
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-nodes-"))
        self.backends = pair.fresh(self.folder)
        self.nodes = [Server("--set", f"node-name=node{n}", folder=self.folder / f"node{n}", backends=self.backends, start=False)
                      for n in (1, 2)]
        self.address = f"127.0.0.1:{free_port()}"
        self.balancer = None

    def start(self):
        # Both at once: one of them migrates, the other waits for it.
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            if not node.listening():
                raise AssertionError(f"a node ended: {node.log.tail()}")
        nodes = " ".join(f"server {node.address} max_fails=1 fail_timeout=1s;" for node in self.nodes)
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, nodes=nodes, address=self.address))
        self.balancer = subprocess.Popen(["nginx", "-c", self.folder / "nginx.conf", "-p", self.folder],
                                         stderr=subprocess.DEVNULL)
        wait_until(self.answers, "the balancer answers")

    def answers(self):
        try:
            return Client(self, timeout=5).get("/healthz").status == 204
        except LOST:
            return False

    def client(self, token=None, **options):
        return Client(self, token, self.observe, **options)

    def writer_token(self):
        # The node that came first printed the bootstrap token.
        first = wait_until(lambda: next((n for n in self.nodes if n.bootstrap), None), "a node prints the bootstrap token")
        return first.token("content-writer")["plaintext"]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, failed, *_):
        if self.balancer:
            self.balancer.terminate()
            self.balancer.wait()
        for node in self.nodes:
            if node.process:
                node.stop(signal.SIGKILL)
        self.backends.close()
        if failed:
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
