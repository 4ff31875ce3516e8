"""One example of each model that the API takes or gives: what its description shows. All persons and keys are made up."""

from __future__ import annotations

from pydantic import BaseModel

from midas.wire import v1

_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_RELEASE = v1.ReleaseCard(
    dataset="oral-cancer", version="1.0.0", key=_DIGEST, title="Oral cancer", access="controlled", license="CC BY-NC 4.0",
    subjects=120, instances=4800, bytes=2_400_000_000, cut_on="2026-11-22", may_download=False,
)  # fmt: skip
_DATASET = v1.DatasetCard(
    dataset="oral-cancer", title="Oral cancer", summary="Photographs, slides and CT of lesions of the mouth.",
    releases=(_RELEASE,),
)  # fmt: skip
_SIGNED = v1.Signed(payload='{"schema":"midas-seal/1"}', signature="0f" * 64, public_key="a1" * 32)
_TASK = v1.TaskCard(
    task=3, dataset="oral-cancer", name="impressions", title="Clinical impression of a lesion",
    target="clinical-impression", kind="category", level="lesion",
    values=("normal", "variation-from-normal", "opmd", "malignant"), readers_per_item=2, adjudication="third-reader",
    items=40, done=6, dicomweb="/dicomweb/tasks/3",
)  # fmt: skip
_ITEM = v1.ReadingItem(
    task=3, item=7, role="reader", subject="P-7K3QM-2XV9A", study_uids=("2.25.100001",),
    sop_instance_uids=("2.25.1000021",), value="opmd", revision=1,
)  # fmt: skip
_SETTLED = v1.SettlementLine(
    value="opmd", how="adjudicator", agreement=0.0, why="A white patch that cannot be scraped off, no growth."
)

EXAMPLES: dict[type[BaseModel], BaseModel] = {
    type(one): one
    for one in (
        _RELEASE,
        _DATASET,
        _SIGNED,
        v1.DatasetPage(datasets=(_DATASET,), next="oral-cancer"),
        v1.SealAnswer(seal=_SIGNED, salts={"": "5e" * 32, "P-7K3QM-2XV9A": "77" * 32}),
        v1.AccessAnswers(
            dataset="oral-cancer", release="1.0.0", level="controlled", commercial=False, where="anywhere",
            uses=(v1.DuoUse(id="DUO:0000006", label="health or medical or biomedical research"),), median_days=3.5,
            decided=12, twin="https://hub.example/datasets/oral-cancer/releases/1.0.0/twin",
            ask="https://hub.example/datasets/oral-cancer/releases/1.0.0/ask",
            says={"who": "Whoever is given access by an access officer.", "commercial": "Not for commercial use."},
        ),
        v1.AccessTerms(
            release="oral-cancer@1.0.0", sha256=_DIGEST, text="Oral cancer, version 1.0.0 …",
            purposes=(v1.DuoUse(id="DUO:0000006", label="health or medical or biomedical research"),), commercial=False,
        ),
        v1.AccessAsk(purpose="DUO:0000006", words="A classifier of lesions of the mouth, with …", accepted=_DIGEST),
        v1.AccessRequest(
            number=7, release="oral-cancer@1.0.0", purpose="DUO:0000006", words="A classifier of lesions of the mouth",
            terms=_DIGEST, asked_at="2026-11-22T08:30:00+00:00", state="waiting",
        ),
        v1.MyAccess(requests=(), grants=(v1.AccessGrant(
            number=3, release="oral-cancer@1.0.0", purpose="DUO:0000006", terms=_DIGEST,
            given_at="2026-11-24T08:30:00+00:00", until="2027-11-24T08:30:00+00:00", state="stands",
        ),)),
        v1.Missing(sha256=(_DIGEST,)),
        v1.Question(sql="select sex, count(*) as people from subjects group by sex"),
        v1.Rows(columns=("sex", "people"), types=("VARCHAR", "BIGINT"), rows=(("F", 62), ("M", 58))),
        v1.BlobKept(sha256=_DIGEST),
        v1.SubmissionStatus(
            root=_DIGEST, state="refused",
            findings=(v1.FindingLine(
                rule="submission.missing", severity="error", scope="report.json", message="It has not arrived.",
                advice="Send the submission again.",
            ),),
        ),
        _TASK,
        v1.TaskList(tasks=(_TASK,)),
        v1.TaskSent(annotation="impressions", readers=("asha", "ravi"), adjudicators=("meera",)),
        _ITEM,
        v1.ReadingItemPage(items=(_ITEM,), next=7),
        v1.ReadingSent(value="opmd", submit=True),
        v1.ItemSaid(
            task=3, item=7, settlement=_SETTLED,
            readings=(v1.SaidLine(reader="A", value="opmd"), v1.SaidLine(reader="B", value="malignant")),
        ),
        v1.SettlementSent(value="opmd", why="A white patch that cannot be scraped off, no growth."),
        _SETTLED,
        v1.AgreementAnswer(
            task=3, settled=40, pairs=(v1.PairLine(
                first="R-4K7QZ", second="R-M2X9T",
                coefficients=(v1.CoefficientLine(name="κ", value=0.72, low=0.55, high=0.89, items=40),),
            ),),
        ),
        v1.Problem(
            title="Not allowed", status=403, detail="You may not see and download a release here.",
            advice="Ask for access to this release.",
        ),
        v1.AskedPage(asked=(v1.AskedLine(
            number=12, dataset="oral-cancer", asked_at="2026-11-22T08:30:00+00:00", rule="agreement.side", severity="error",
            message="The image shows the other side than the lesion has.", why="Which side is it?",
            subject="P-7K3QM-2XV9A", study_uid="2.25.100001", series_uid="2.25.100002",
        ),), next=None),
        v1.CoverageTotal(
            dataset="oral-cancer", protocol="1.0.0", mine=38, others=120, variables=(v1.CoveredVariable(
                variable="sex", persons={"F": 61, "M": 92}, target={"F": 0.3, "M": 0.7}, unknown=5,
            ),),
        ),
        v1.AnswerSent(kind="words", words="The image is right, the table was wrong."),
        v1.AnswerKept(
            number=12, kind="words", words="The image is right, the table was wrong.", at="2026-11-23T08:30:00+00:00",
        ),
    )
}  # fmt: skip
