"""The addresses of the hub's pages. Each view behind them declares the act that it needs (`midas.web.guard`)."""

from django.urls import path, re_path

from midas.web.pages import (
    accounts,
    administration,
    curation,
    datasets,
    pictures,
    programs,
    releases,
    signing,
    spokes,
    studies,
    tasks,
    viewer,
    worklist,
)

app_name = "hub"
RELEASE = "datasets/<slug:dataset>/releases/<str:version>"
LISTED = r"(?P<kind>releases|twins|drafts)/(?P<name>[A-Za-z0-9_.@-]+)"
LOOKED_AT = r"(?P<kind>releases|twins|drafts|tasks)/(?P<name>[A-Za-z0-9_.@-]+)"
urlpatterns = [
    path("", datasets.home, name="home"),
    path("datasets", datasets.catalogue, name="catalogue"),
    path("datasets/<slug:dataset>", datasets.dataset_page, name="dataset"),
    path(RELEASE, releases.release_page, name="release"),
    path(f"{RELEASE}/files/<path:path>", releases.file, name="file"),
    path(f"{RELEASE}/papers/<path:path>", releases.paper, name="paper"),
    path(f"{RELEASE}/twin", releases.twin_page, name="twin"),
    path(f"{RELEASE}/twin/files/<path:path>", releases.twin_file, name="twin-file"),
    path(f"{RELEASE}/twin/papers/<path:path>", releases.twin_paper, name="twin-paper"),
    path(f"{RELEASE}/twin/pictures/<str:sha256>", pictures.twin_picture, name="twin-picture"),
    path("pictures/<str:sha256>", pictures.picture, name="picture"),
    re_path(rf"^studies/{LISTED}$", studies.listing, name="studies"),
    re_path(rf"^viewer/{LOOKED_AT}(?:/(?P<rest>[^/]*))?$", viewer.shell, name="viewer"),
    path("hospitals", spokes.spokes, name="spokes"),
    path("hospitals/<slug:slug>", spokes.spoke, name="spoke"),
    path("account", accounts.account, name="account"),
    path("account/keys", accounts.token_create, name="token-create"),
    path("account/keys/<int:number>/revoke", accounts.token_revoke, name="token-revoke"),
    path("curation", curation.curation, name="curation"),
    path("curation/submissions/<str:root>", curation.submission, name="submission"),
    path("curation/drafts", curation.draft_create, name="draft-create"),
    path("curation/drafts/<slug:dataset>/<str:version>", curation.draft, name="draft"),
    path("curation/drafts/<slug:dataset>/<str:version>/progress", curation.cut_progress, name="cut-progress"),
    path("curation/tasks", tasks.tasks, name="tasks"),
    path("curation/tasks/set", tasks.task_set, name="task-set"),
    path("curation/tasks/<int:task>", tasks.task, name="task"),
    path("curation/tasks/<int:task>/end", tasks.task_end, name="task-end"),
    path("readings", worklist.mine, name="readings"),
    path("readings/<int:task>", worklist.task, name="reading-task"),
    path("readings/<int:task>/<int:item>", worklist.item, name="reading-item"),
    path("readings/<int:task>/<int:item>/pictures/<str:sha256>", worklist.picture, name="reading-picture"),
    path("people", administration.administration, name="administration"),
    path("people/add", administration.person_add, name="person-add"),
    path("people/roles/give", administration.role_give, name="role-give"),
    path("people/roles/take", administration.role_take, name="role-take"),
    path("people/hospitals", administration.spoke_add, name="spoke-add"),
    path("programs", programs.programs, name="programs"),
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("preferences", signing.preferences, name="preferences"),
]
