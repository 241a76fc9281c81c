"""`relance serve`: the marketer's page."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from commands.context import ERRORS, OUT, ConfigOption, HomeOption, config_folder, home_at, told


def serve(
    config: ConfigOption = None,
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
) -> None:
    """Serve the marketer's page: what to upload today, the files, and what was done with them."""
    import uvicorn

    from catalog.store import open_catalog
    from catalog.users import add_first_admin
    from portal.app import create_app
    from schemas.config import read_settings

    with told():
        settings = read_settings(config_folder(config))
        place = home_at(home)
        with open_catalog(place) as catalog:
            app = create_app(place, settings, catalog)
            with closing(app.state.relance.overview):
                password = add_first_admin(catalog) if settings.portal.login == "password" else None
                if password is not None:
                    ERRORS.print(f"First user: admin, one-time password: {password}", style="yellow", soft_wrap=True)
                OUT.print(f"The page: http://{host}:{port} (Ctrl-C ends it)")
                # Who asked for what is in the audit log; an access log would be a second one, with links in it.
                uvicorn.run(app, host=host, port=port, access_log=False, log_level="warning", server_header=False)
