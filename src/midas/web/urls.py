"""All routes of the hub: the API under /api/v1, the pages under /."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("midas.web.api.urls")),
    path("", include("midas.web.identity.urls")),
    path("", include("midas.web.pages.urls")),
]
handler400 = "midas.web.api.errors.bad_request"
handler403 = "midas.web.api.errors.forbidden"
handler404 = "midas.web.api.errors.not_found"
handler500 = "midas.web.api.errors.server_error"
