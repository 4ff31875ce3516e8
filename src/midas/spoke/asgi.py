"""The spoke's site as an ASGI application; the home is the one that the environment names for this process.

What was decided before and is not cleaned yet is taken up as soon as the site starts.
"""

from django.core.asgi import get_asgi_application

from midas.spoke.bootstrap import configure

configure()
application = get_asgi_application()

from midas.spoke.site import hands  # noqa: E402 - the settings come first

hands.poke()
