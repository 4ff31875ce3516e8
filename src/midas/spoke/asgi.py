"""The spoke's site as an ASGI application; the home is the one that the environment names for this process."""

from django.core.asgi import get_asgi_application

from midas.spoke.bootstrap import configure

configure()
application = get_asgi_application()
