"""A person may download a release if, and only if, a grant of theirs stands: whatever was given, ended or taken back."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.hub_submission import NOW

from midas.access import give, revoke, standing_grants
from midas.access.models import Grant
from midas.access.terms import terms_of
from midas.catalogue.models import Dataset, ProtocolVersion
from midas.kernel import FixedClock
from midas.people.models import Account, Institution, Membership, Role
from midas.people.rule import Act, Standing, allows
from midas.protocol import load_named
from midas.release.models import Draft, Release

RELEASES = (("oral-cancer", "1.0.0"), ("oral-cancer", "1.1.0"), ("meningioma", "1.0.0"))
GIVEN = st.lists(
    st.tuples(
        st.sampled_from(("meera", "kabir")), st.sampled_from(RELEASES), st.integers(-40, 0), st.integers(1, 60),
        st.sampled_from(("kle", "other")), st.one_of(st.none(), st.integers(-20, 20)),
    ),
    max_size=6,
)  # fmt: skip
"""Who, which release, given on which day, for how many days, at which institution, taken back on which day."""


class OnlyAGrant(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.places = {slug: Institution.objects.create(slug=slug, name=slug) for slug in ("kle", "other")}
        cls.officer = Account.objects.create(username="leela")
        cls.terms = terms_of("Cite it.", title="t", clock=FixedClock(NOW))
        cls.releases = {}
        for slug, version in RELEASES:
            loaded = load_named(slug)
            dataset, _ = Dataset.objects.get_or_create(slug=slug, defaults={"created_at": NOW})
            protocol, _ = ProtocolVersion.objects.get_or_create(
                dataset=dataset, sha256=loaded.sha256, version="1.0.0", source=loaded.source, added_at=NOW
            )
            draft = Draft.objects.create(
                dataset=dataset, protocol=protocol, version=version, published_on=NOW.date(), created_at=NOW
            )
            cls.releases[slug, version] = Release.objects.create(
                dataset=dataset, draft=draft, version=version, key="0" * 64, seal={}, access="controlled",
                license="x", whole_salt="0" * 64, cut_at=NOW,
            )  # fmt: skip

    @settings(max_examples=80)
    @given(
        given_=GIVEN, roles=st.sets(st.sampled_from(Role.values)), day=st.integers(-10, 30), active=st.booleans(),
        at=st.sampled_from(("kle", "other")),
    )  # fmt: skip
    def test_may_download_means_a_grant_stands(self, given_, roles, day, active, at) -> None:
        people = {
            name: Account.objects.create(username=name, institution=self.places[at], is_active=active)
            for name in ("meera", "kabir")
        }
        Membership.objects.bulk_create(Membership(account=people["meera"], role=role) for role in roles)
        for name, release, begin, days, place, back in given_:
            account = people[name]
            account.institution = self.places[place]
            made = give(
                account=account, release=self.releases[release], purpose="HMB", terms=self.terms, by=self.officer,
                why="Signed.", clock=FixedClock(NOW + timedelta(days=begin)), days=days,
            )  # fmt: skip
            if back is not None:
                revoke(
                    grant=made, by=self.officer, why="Ended.", clock=FixedClock(NOW + timedelta(days=back))
                )
        now = NOW + timedelta(days=day)
        meera = Account.objects.get(username="meera")
        standing = Standing(
            roles=frozenset((role, "") for role in roles),
            active=active,
            grants=standing_grants(meera, now=now),
        )
        for slug, version in RELEASES:
            expected = active and any(
                (name, release, place, back) == ("meera", (slug, version), at, None) and day < begin + days
                for name, release, begin, days, place, back in given_
            )
            assert allows(standing, Act.DOWNLOAD, slug, version) is expected
        held = Grant.objects.filter(account=meera).select_related("account", "release__dataset")
        stands = {
            (one.release.dataset.slug, one.release.version) for one in held if one.state(now) == "stands"
        }
        assert stands == standing.grants
