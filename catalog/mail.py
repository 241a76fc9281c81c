"""Sending a plain text mail."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr

from pydantic import SecretStr

from schemas.alerts import Email

#: Seconds to wait for a server that does not answer.
_TIMEOUT = 10


def send_mail(email: Email, password: SecretStr | None, to: Iterable[str], subject: str, text: str) -> str | None:
    """Send the text through the mail server of the settings. The failure in a clause, if any."""
    if email.user is not None and password is None:
        return "RELANCE_ALERT_EMAIL_PASSWORD is not set"
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = email.sender, ", ".join(to), subject
    host = parseaddr(email.sender)[1].rpartition("@")[2]
    mail["Date"], mail["Message-ID"] = formatdate(localtime=True), make_msgid(domain=host or "localhost")
    mail.set_content(text)
    trusted, is_taken = ssl.create_default_context(), False
    try:
        if email.security == "tls":
            server = smtplib.SMTP_SSL(email.server, email.used_port, timeout=_TIMEOUT, context=trusted)
        else:
            server = smtplib.SMTP(email.server, email.used_port, timeout=_TIMEOUT)
        with server:
            if email.security == "starttls":
                server.starttls(context=trusted)
            if email.user is not None and password is not None:
                server.login(email.user, password.get_secret_value())
            server.send_message(mail)
            is_taken = True
    # Of a server whose name is no host's, the sockets say it with a ValueError.
    except (OSError, smtplib.SMTPException, ValueError) as error:
        # A farewell that fails comes after the mail was taken: sent again, it would arrive twice.
        return None if is_taken else f"the mail server {email.server} did not take it ({type(error).__name__})"
    return None
