"""One web process: `python -m toilet_api web FD` serves the listening socket that its parent has opened."""

import gc
import logging
import socket
from types import FrameType

import uvicorn

from toilet_api.app import create_app
from toilet_api.commands.logs import configure_logging
from toilet_api.commands.protocol import Protocol
from toilet_api.exchange.changes.waiting import Watch
from toilet_api.settings import Settings


def serve(descriptor: int) -> None:
    """Serve until SIGTERM. The socket is shared by all web processes of `toilet-api serve`."""
    configure_logging()
    settings = Settings()
    listening = socket.socket(fileno=descriptor)
    app = create_app(settings)
    gc.freeze()  # the app stays to the end: the collector need not look through it while it serves
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=Protocol,
        ws="none",
        log_config=None,
        # Paths and queries may hold names and numbers of persons; the audit trail says who did what.
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=15,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    _Server(config, app.state.change_watch).run(sockets=[listening])


class _Server(uvicorn.Server):
    """When it is asked to stop it lets those go who wait for changes, instead of waiting with them."""

    def __init__(self, config: uvicorn.Config, watch: Watch) -> None:
        super().__init__(config)
        self._watch = watch

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._watch.close()
        super().handle_exit(sig, frame)
