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

EXAMPLES: dict[type[BaseModel], BaseModel] = {
    type(one): one
    for one in (
        _RELEASE,
        _DATASET,
        _SIGNED,
        v1.DatasetPage(datasets=(_DATASET,), next="oral-cancer"),
        v1.SealAnswer(seal=_SIGNED, salts={"": "5e" * 32, "P-7K3QM-2XV9A": "77" * 32}),
        v1.Missing(sha256=(_DIGEST,)),
        v1.BlobKept(sha256=_DIGEST),
        v1.SubmissionStatus(
            root=_DIGEST, state="refused",
            findings=(v1.FindingLine(
                rule="submission.missing", severity="error", scope="report.json", message="It has not arrived.",
                advice="Send the submission again.",
            ),),
        ),
        v1.Problem(
            title="Not allowed", status=403, detail="You may not see and download a release here.",
            advice="Ask for access to this release.",
        ),
    )
}  # fmt: skip
