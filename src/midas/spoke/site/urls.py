"""The addresses of the hospital's own site. Each view behind them declares who may use it (`access.door`)."""

from django.urls import include, path

from midas.spoke.site import (
    arrivals,
    asked,
    coverage,
    deciding,
    held,
    images,
    outbox,
    overview,
    review,
    signing,
)

ROUTES = [
    path("", overview.overview, name="overview"),
    path("batches", arrivals.batches, name="batches"),
    path("batches/<int:number>", arrivals.batch, name="batch"),
    path("held", held.held, name="held"),
    path("held/<slug:code>", held.reason_page, name="reason"),
    path("review", held.grid, name="grid"),
    path("review/decide", deciding.decide_many, name="decide-many"),
    path("decisions", deciding.decisions, name="decisions"),
    path("decisions/<int:number>/take-back", deciding.take_back, name="take-back"),
    path("items/<int:number>", review.item, name="item"),
    path("items/<int:number>/changes", review.tag_changes, name="changes"),
    path("items/<int:number>/decide", deciding.decide_item, name="decide"),
    path("items/<int:number>/image.png", images.image, name="image"),
    path("items/<int:number>/together.png", images.together, name="together"),
    path("items/<int:number>/thumbnail.png", images.thumbnail, name="thumbnail"),
    path("questions", asked.asked, name="questions"),
    path("questions/exchange", asked.exchange, name="exchange"),
    path("questions/<int:number>/answer", asked.answer, name="answer"),
    path("coverage", coverage.coverage, name="coverage"),
    path("coverage/ask", coverage.ask, name="ask-coverage"),
    path("outbox", outbox.parcels, name="outbox"),
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("preferences", signing.preferences, name="preferences"),
]
urlpatterns = [path("", include((ROUTES, "spoke")))]
