"""The `relance` command: each verb is a small module beside this one."""

from __future__ import annotations

import typer

from commands import (
    adopt,
    allow,
    audit,
    certificate,
    check,
    check_upload,
    confirm,
    conformance,
    doctor,
    forget,
    init,
    keys,
    networks,
    normalise,
    quarantine,
    remind,
    replay,
    run,
    sample,
    segments,
    serve,
    status,
    users,
    verify,
    why,
)

app = typer.Typer(
    help="From a CRM to the customer lists that ad networks accept.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for command in (
    sample.sample,
    run.run,
    allow.allow,
    check.check,
    check_upload.check_upload,
    init.init,
    doctor.doctor,
    adopt.adopt,
    status.status,
    quarantine.quarantine,
    networks.networks,
    segments.segments,
    verify.verify,
    conformance.conformance,
    normalise.normalise,
    confirm.confirm,
    confirm.unconfirm,
    forget.forget,
    certificate.certificate,
    serve.serve,
    remind.remind,
    why.why,
    replay.replay,
):
    app.command()(command)

app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(users.app, name="users")
