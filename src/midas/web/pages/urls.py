"""The addresses of the hub's pages. Each view behind them declares the act that it needs (`midas.web.guard`)."""

from django.urls import path

from midas.web.pages import (
    accounts,
    administration,
    curation,
    datasets,
    institutions,
    pictures,
    releases,
    spokes,
)

app_name = "hub"
RELEASE = "datasets/<slug:dataset>/releases/<str:version>"
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
    path("hospitals", spokes.spokes, name="spokes"),
    path("hospitals/<slug:slug>", spokes.spoke, name="spoke"),
    path("account", accounts.account, name="account"),
    path("account/credit", accounts.credit, name="credit"),
    path("account/sessions/end", accounts.sessions_end, name="sessions-end"),
    path("account/keys", accounts.token_create, name="token-create"),
    path("account/keys/<int:number>/revoke", accounts.token_revoke, name="token-revoke"),
    path("curation", curation.curation, name="curation"),
    path("curation/submissions/<str:root>", curation.submission, name="submission"),
    path("curation/drafts", curation.draft_create, name="draft-create"),
    path("curation/drafts/<slug:dataset>/<str:version>", curation.draft, name="draft"),
    path("curation/drafts/<slug:dataset>/<str:version>/progress", curation.cut_progress, name="cut-progress"),
    path("people", administration.administration, name="administration"),
    path("people/invite", administration.person_invite, name="person-invite"),
    path("people/add", administration.person_add, name="person-add"),
    path("people/roles/give", administration.role_give, name="role-give"),
    path("people/roles/take", administration.role_take, name="role-take"),
    path("people/<str:name>/account", administration.person, name="person"),
    path("people/<str:name>/place", administration.person_place, name="person-place"),
    path("people/<str:name>/state", administration.person_state, name="person-state"),
    path("people/<str:name>/reset", administration.person_reset, name="person-reset"),
    path("people/<str:name>/factors", administration.person_factors, name="person-factors"),
    path("people/<str:name>/keys", administration.person_keys, name="person-keys"),
    path("institutions", institutions.institutions, name="institutions"),
    path("institutions/add", institutions.institution_add, name="spoke-add"),
    path("institutions/<slug:slug>", institutions.institution, name="institution"),
    path("institutions/<slug:slug>/token", institutions.institution_token, name="institution-token"),
    path("preferences", accounts.preferences, name="preferences"),
]
