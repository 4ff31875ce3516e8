"""Routes of the API. Each view names the act it needs (`midas.web.guard.needs`)."""

from __future__ import annotations

from django.urls import path

from midas.web.api import access, asked, asking, description, reading, sending, tasks

RELEASE = "releases/<slug:dataset>@<str:version>"

urlpatterns = [
    path("openapi.json", description.openapi_json, name="openapi"),
    path("datasets", reading.datasets),
    path("datasets/<slug:dataset>", reading.dataset),
    path("datasets/<slug:dataset>/coverage", asked.coverage),
    path("datasets/<slug:dataset>/access", access.dataset_access),
    path("access", access.my_access),
    path(RELEASE, reading.release),
    path(f"{RELEASE}/terms", access.terms),
    path(f"{RELEASE}/requests", access.request_access),
    path(f"{RELEASE}/seal", reading.seal),
    path(f"{RELEASE}/tree", reading.tree),
    path(f"{RELEASE}/question", asking.question),
    path(f"{RELEASE}/files/<path:name>", reading.file),
    path("datasets/<slug:dataset>/tasks", tasks.set_one),
    path("tasks", tasks.mine),
    path("tasks/<int:task>", tasks.card),
    path("tasks/<int:task>/agreement", tasks.agreement),
    path("tasks/<int:task>/items", tasks.items),
    path("tasks/<int:task>/items/<int:item>", tasks.item),
    path("tasks/<int:task>/items/<int:item>/reading", tasks.read),
    path("tasks/<int:task>/items/<int:item>/readings", tasks.said),
    path("tasks/<int:task>/items/<int:item>/settlement", tasks.settle_one),
    path("asked", asked.asked),
    path("asked/<int:number>/answer", asked.answer),
    path("blobs/missing", sending.missing),
    path("blobs/<str:sha256>", sending.put_blob),
    path("submissions", sending.submit),
    path("submissions/<str:root>", sending.submission),
]
