"""The ASGI application that the server's worker process imports: the home comes from `$MIDAS_HUB_HOME`."""

from __future__ import annotations

from midas.web.bootstrap import configure

configure()

from django.core.asgi import get_asgi_application  # noqa: E402 - Django must be configured first

from midas.people.sessions import SessionStore  # noqa: E402
from midas.web import flows, sealer  # noqa: E402
from midas.web.api.upload import WithUploads  # noqa: E402
from midas.web.dicomweb.app import WithDicomweb  # noqa: E402

SessionStore.clear_expired()
flows.start_worker()
sealer.start()
application = WithDicomweb(WithUploads(get_asgi_application()))
