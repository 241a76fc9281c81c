"""A mail server that keeps what it takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

from schemas.alerts import Email


class Mailbox:
    """Keeps the mails that a server takes."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it so
        self.mails.append(message_from_bytes(bytes(envelope.content or b""), policy=default))
        return "250 OK"


class RudeMailbox(Mailbox):
    """Takes mails, and refuses to part."""

    async def handle_QUIT(self, server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        return "451 not now"


@contextmanager
def mailbox(handler: type[Mailbox] = Mailbox) -> Iterator[Controller]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler(), hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


def email_to(port: int) -> Email:
    return Email(to=("ops@example.com",), sender="relance@example.com", server="127.0.0.1", port=port, security="none")
