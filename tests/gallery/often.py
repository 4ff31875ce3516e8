"""The pages that are looked at often, by who may see them: one list for their queries, their time and their weight."""

RELEASE = "/datasets/oral-cancer/releases/1.1.0"
OFTEN: dict[str, tuple[str, ...]] = {
    "": ("/", "/datasets", "/datasets/oral-cancer", RELEASE, f"{RELEASE}/twin", "/hospitals", "/hospitals/spdc-wardha",
         "/programs", "/ledger/head", "/credit/hospitals/spdc-wardha", "/sign-in"),
    "researcher": ("/datasets/oral-cancer", RELEASE, "/access", "/account", "/account/noted"),
    "curator": ("/curation", RELEASE, "/hospitals/spdc-wardha", "/curation/tasks", "/datasets/oral-cancer/people",
                "/curation/quality", "/curation/quality/queue", "/datasets/oral-cancer/coverage", "/grading", "/grading/1",
                "/grading/rubric", "/grading/delphi"),
    "nodal": ("/grading", "/grading/1", "/grading/delphi"),
    "admin": ("/people", "/institutions"),
    "access-officer": ("/grants",),
    "auditor": ("/ledger",),
}  # fmt: skip
"""Who → addresses; "" has not signed in. `/grading/1` is the first assessment: who fills a hub opens one."""
