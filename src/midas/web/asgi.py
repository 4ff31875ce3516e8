"""The ASGI application that the server's worker process imports: the home comes from `$MIDAS_HUB_HOME`."""

from __future__ import annotations

from midas.web.bootstrap import configure

configure()

from django.core.asgi import get_asgi_application

from midas.people.sessions import SessionStore
from midas.web import flows, sealer
from midas.web.api.upload import WithUploads
from midas.web.dicomweb.app import WithDicomweb

SessionStore.clear_expired()
flows.start_worker()
sealer.start()
application = WithDicomweb(WithUploads(get_asgi_application()))
