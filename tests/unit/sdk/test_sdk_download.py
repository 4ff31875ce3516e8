"""Downloads against a server that breaks off, lies and withdraws."""

import pytest

import midas
from midas.kernel import BrokenPromise, Conflict, Forbidden, NotFound, Unavailable, sha256_bytes
from midas.manifest import Answer, sign, verify_folder
from midas.sdk.client import Client, Patience
from midas.sdk.download import PARTS, download, inside

NAME = "oral-cancer@1.0.0"
HASTY = Patience(attempts=3, first_pause_s=0.001)


def client(hub, **more) -> Client:
    return Client(hub.address, hub.token, patience=more.pop("patience", HASTY), **more)


def files_asked(hub) -> list[str]:
    return [
        path.split("/files/")[1] for method, path, _ in hub.asked if method == "GET" and "/files/" in path
    ]


def test_a_download_is_whole_and_verifies_offline(hub, tmp_path):
    done = download(client(hub), NAME, folder=tmp_path / "got")
    verdict = verify_folder(tmp_path / "got")
    assert verdict.ok
    assert verdict.key == done.key
    assert (done.fetched, done.kept, done.removed) == (len(hub.tree.entries), 0, 0)


def test_a_second_run_fetches_only_what_is_not_right(hub, tmp_path):
    got = tmp_path / "got"
    download(client(hub), NAME, folder=got)
    (got / "README.md").write_text("changed by hand\n")
    next(got.glob("data/*/*/*/*.dcm")).unlink()
    hub.asked.clear()
    done = download(client(hub), NAME, folder=got)
    assert done.fetched == len(files_asked(hub)) == 2
    assert verify_folder(got).ok


def test_a_broken_stream_goes_on_where_it_stopped(hub, tmp_path):
    hub.cut_after["protocol.yaml"] = 5000
    done = download(client(hub), NAME, folder=tmp_path / "got", jobs=1)
    ranges = [asked[2] for asked in hub.asked if asked[1].endswith("protocol.yaml")]
    assert ranges == ["", "bytes=5000-"]
    assert verify_folder(done.folder).ok
    assert not (done.folder / PARTS).exists()


def test_a_run_cut_short_leaves_nothing_half_written_and_is_taken_up_again(hub, tmp_path):
    got = tmp_path / "got"
    hub.cut_after["protocol.yaml"] = 5000
    with pytest.raises(Unavailable):
        download(client(hub, patience=Patience(attempts=1)), NAME, folder=got, jobs=1)
    assert not (got / "protocol.yaml").exists()
    hub.asked.clear()
    download(client(hub), NAME, folder=got)
    assert [asked[2] for asked in hub.asked if asked[1].endswith("protocol.yaml")] == ["bytes=5000-"]
    assert verify_folder(got).ok


def test_bytes_that_are_not_the_sealed_ones_never_arrive(hub, tmp_path):
    hub.lie["README.md"] = b"An exbmple.\n"
    with pytest.raises(BrokenPromise, match=r"README\.md"):
        download(client(hub), NAME, folder=tmp_path / "got")
    assert not (tmp_path / "got" / "README.md").exists()


def test_a_stream_longer_than_sealed_is_cut_off(hub, tmp_path):
    hub.lie["README.md"] = b"x" * 10_000
    with pytest.raises(BrokenPromise, match="longer"):
        download(client(hub), NAME, folder=tmp_path / "got")


def test_a_withdrawal_is_applied_and_the_key_stays(hub, tmp_path):
    got = tmp_path / "got"
    before = download(client(hub), NAME, folder=got)
    (got / "my notes.txt").write_text("mine")
    hub.withdraw("P-00000-00001")
    after = download(client(hub), NAME, folder=got)
    assert after.key == before.key
    assert after.removed == 5
    assert after.fetched == 1
    assert not (got / "data/P-00000-00001").exists()
    assert (got / "my notes.txt").read_text() == "mine"
    (got / "my notes.txt").unlink()
    verdict = verify_folder(got)
    assert verdict.ok
    assert verdict.count(Answer.WITHDRAWN) == 1


def test_a_folder_of_another_release_is_left_alone(hub, folder):
    with pytest.raises(Conflict, match="another release"):
        download(client(hub), NAME, folder=folder)
    assert verify_folder(folder).ok


def test_a_tree_that_does_not_give_the_signed_key_is_refused(hub, tmp_path):
    object.__setattr__(hub.tree, "entries", hub.tree.entries[1:])
    with pytest.raises(BrokenPromise, match="signed key"):
        download(client(hub), NAME, folder=tmp_path / "got")
    assert not (tmp_path / "got" / "seal").exists()


@pytest.mark.parametrize(
    "path", ["../out", "/etc/passwd", "a/../../b", "a\\..\\b", "C:evil", "", f"{PARTS}/x"]
)
def test_paths_out_of_the_folder_are_refused(tmp_path, path):
    with pytest.raises(BrokenPromise):
        inside(tmp_path, path)


def test_a_busy_hub_is_asked_again_with_growing_pauses(hub):
    pauses: list[float] = []
    hub.fail_first["/api/v1/datasets"] = 2
    with Client(
        hub.address, hub.token, patience=Patience(attempts=3, first_pause_s=1), sleep=pauses.append
    ) as asking:
        assert asking.datasets()[0].dataset == "oral-cancer"
    assert len(pauses) == 2
    assert pauses[1] > pauses[0]


def test_refusals_come_as_errors_with_the_hubs_advice(hub):
    with pytest.raises(Forbidden, match="token"):
        Client(hub.address, "wrong", patience=HASTY).datasets()
    with pytest.raises(NotFound, match="See the catalogue"):
        client(hub).release("oral-cancer@9.9.9")
    with pytest.raises(Unavailable, match="did not answer"):
        Client("http://127.0.0.1:9", patience=Patience(attempts=1)).datasets()


def test_a_token_is_never_shown(hub):
    assert hub.token not in repr(client(hub)) + str(vars(client(hub)))


def test_spokes_send_through_the_same_client(hub, tmp_path):
    blob = tmp_path / "blob"
    blob.write_bytes(b"pixels" * 1000)
    digest = sha256_bytes(blob.read_bytes())
    many = [sha256_bytes(str(n).encode()) for n in range(1500)]
    with client(hub) as sending:
        assert sending.missing([digest, *many, digest]) == (digest, *many)
        hub.fail_first[f"/api/v1/blobs/{digest}"] = 1
        sending.put_blob(blob, digest)
        assert sending.missing([digest]) == ()
        with pytest.raises(midas.kernel.BadInput):
            sending.put_blob(blob, "0" * 64)
        assert sending.submit(sign({"root": "0" * 64}, hub.key)).state == "received"
